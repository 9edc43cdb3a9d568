//! Groups that give roles: in every spelling, in any number, and those that nobody is in.

use std::fmt::Write as _;

use auth_conformance::slapd::Slapd;
use auth_core::{EntryGroup, Password, Role};
use auth_ldap::{BindMethod, Directory, DirectoryConfig, DirectoryError, ListedEntry};

use crate::fixture::{config, entry, open, realm};

/// A group with a comma in its name, as slapd writes it back: `cn=Admins\2C IT,…`.
const ADMINS: &str = "dn: cn=Admins\\, IT,ou=groups,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\n\
     cn: Admins, IT\nmember: uid=hamlet,ou=people,dc=example,dc=org\n\n";

/// The group of [`ADMINS`], as operators write it.
const SPELLINGS: [&str; 5] = [
    r"cn=Admins\, IT,ou=groups,dc=example,dc=org",
    r"cn=Admins\2C IT,ou=groups,dc=example,dc=org",
    r"CN=admins\2c it, OU=Groups, DC=example, DC=org",
    "cn=\"Admins, IT\",ou=groups,dc=example,dc=org",
    "2.5.4.3=Admins\\,  IT,ou=groups,dc=example,dc=org",
];

fn by_search(slapd: &Slapd, roles: Vec<(Role, String)>) -> DirectoryConfig {
    let mut config = config(slapd);
    config.groups.base = "ou=groups,dc=example,dc=org".into();
    config.groups.filter = "(&(objectClass=groupOfNames)(member={dn}))".into();
    config.groups.roles = roles;
    config
}

/// What `auth-server ldap check` shows of a login without a password.
async fn steps(directory: &Directory) -> String {
    directory.trace_login(&realm("zulip"), "hamlet", None).await.steps.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_gives_its_role_in_every_spelling_of_its_name() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(ADMINS).unwrap();
    let member_of = "dn: uid=hamlet,ou=people,dc=example,dc=org\nchangetype: modify\nadd: objectClass\n\
         objectClass: user\n-\nadd: memberOf\nmemberOf: cn=Admins\\, IT,ou=groups,dc=example,dc=org\n";
    slapd.modify(member_of).unwrap();
    for group in SPELLINGS {
        let roles = vec![(Role::Admin, group.to_owned())];
        let mut by_attribute = config(&slapd);
        by_attribute.groups.roles = roles.clone();
        let mut allowed = by_search(&slapd, roles.clone());
        let rule = [("memberOf".to_owned(), group.to_owned())].into();
        allowed.access.rules = [("zulip".to_owned(), vec![rule])].into();
        for config in [by_attribute, by_search(&slapd, roles), allowed] {
            let directory = open(config);
            assert_eq!(entry(&directory, "hamlet", "hamlet-ldap").await.role, Some(Role::Admin), "{group}");
            let steps = steps(&directory).await;
            assert!(steps.contains(&format!("the group {group} gives the role admin")), "{steps}");
            let mut listed = 0;
            directory
                .list(&realm("zulip"), &mut |person| listed += i32::from(person.may_log_in))
                .await
                .unwrap();
            assert!(listed > 0, "{group}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_no_entry_is_in_is_named_by_a_check() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(ADMINS).unwrap();
    for group in [
        r"cn=Administrators,ou=groups,dc=example,dc=org",
        r"cn=Admins\, IT,ou=people,dc=example,dc=org",
        r"cn=Admins\, IT,ou=groups,dc=example",
        "Admins, IT",
        "admins",
    ] {
        let roles = vec![(Role::Admin, group.to_owned())];
        let mut by_attribute = config(&slapd);
        by_attribute.groups.roles = roles.clone();
        for config in [by_attribute, by_search(&slapd, roles)] {
            let directory = open(config);
            let steps = steps(&directory).await;
            let words = format!("the group {group} would give the role admin, but no entry is in it");
            assert!(steps.contains(&words), "{steps}");
        }
    }
}

/// Six hundred groups, then the one that counts: more than slapd gives at once, whose `sizelimit` is 500.
fn many_groups() -> String {
    let mut ldif = String::new();
    for number in 0..600 {
        write!(
            ldif,
            "dn: cn=group{number},ou=groups,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\n\
             cn: group{number}\nmember: uid=hamlet,ou=people,dc=example,dc=org\n\n"
        )
        .unwrap();
    }
    ldif + ADMINS
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_in_601_groups_has_the_role_of_the_last_and_a_cut_list_changes_nothing() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(&many_groups()).unwrap();
    let roles = || {
        vec![
            (Role::Admin, SPELLINGS[0].to_owned()),
            (Role::Guest, "cn=group1,ou=groups,dc=example,dc=org".into()),
        ]
    };
    let whole = open(by_search(&slapd, roles()));
    assert_eq!(entry(&whole, "hamlet", "hamlet-ldap").await.role, Some(Role::Admin));
    let shown = steps(&whole).await;
    // One more is the fixture's.
    assert!(shown.contains(": 602 groups") && !shown.contains("only a part"), "{shown}");

    // slapd gives nobody 500 entries in all, by pages or not, but those whom it was told to.
    let mut cut = by_search(&slapd, roles());
    cut.bind = BindMethod::ServiceAccount { dn: String::new(), password: Password::new("") };
    let cut = open(cut);
    assert_eq!(entry(&cut, "hamlet", "hamlet-ldap").await.role, None, "the account keeps its role");
    let shown = steps(&cut).await;
    assert!(shown.contains("groups, and then the directory gave only a part of a list"), "{shown}");
}

/// Three groups with people in them, one by user names, and a group that the filter leaves out.
const TEAMS: &str = "dn: ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: teams\n\n\
     dn: cn=Red,ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\ncn: Red\n\
     member: uid=hamlet,ou=people,dc=example,dc=org\nmember: uid=back\\5cslash\\2c comma,ou=people,dc=example,dc=org\n\n\
     dn: cn=Blue,ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\ncn: Blue\n\
     member: uid=hamlet,ou=people,dc=example,dc=org\n\n\
     dn: cn=Names,ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfUniqueNames\ncn: Names\n\
     uniqueMember: uid=hamlet,ou=people,dc=example,dc=org\n\n";

fn carried(slapd: &Slapd) -> DirectoryConfig {
    let mut config = config(slapd);
    config.carried.base = "ou=teams,dc=example,dc=org".into();
    config
}

fn names(groups: &[EntryGroup]) -> Vec<&str> {
    let mut names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_and_a_list_tell_in_which_groups_people_are() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(TEAMS).unwrap();
    let directory = open(carried(&slapd));
    for (name, password, expected) in [
        ("hamlet", "hamlet-ldap", &["Blue", "Red"][..]),
        ("back\\slash, comma", "slash-ldap", &["Red"]),
        ("newuser", "newuser-ldap", &[]),
    ] {
        let groups = entry(&directory, name, password).await.groups.unwrap();
        assert_eq!(names(&groups), expected, "{name}");
    }
    let shown = steps(&directory).await;
    assert!(shown.contains("groups that are carried over: "), "{shown}");

    let listed = directory.groups().await.unwrap().unwrap();
    assert_eq!((names(&listed.groups), listed.is_whole), (vec!["Blue", "Red"], true));
    let entry_of = |name: &str| listed.groups.iter().find(|group| group.name == name).unwrap().entry.clone();
    let mut sizes = std::collections::BTreeMap::new();
    let mut each = |person: ListedEntry| {
        for group in person.groups {
            *sizes.entry(group).or_insert(0) += 1;
        }
    };
    directory.list_members(&realm("zulip"), &listed, &mut each).await.unwrap();
    assert_eq!(sizes, [(entry_of("Red"), 2), (entry_of("Blue"), 1)].into());

    let without = open(config(&slapd));
    assert!(without.groups().await.unwrap().is_none());
    assert_eq!(entry(&without, "hamlet", "hamlet-ldap").await.groups, None, "the directory has no say");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_the_configuration_names_are_those_of_the_person_s_own_entry() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(ADMINS).unwrap();
    let member_of = "dn: uid=hamlet,ou=people,dc=example,dc=org\nchangetype: modify\nadd: objectClass\n\
         objectClass: user\n-\nadd: memberOf\nmemberOf: cn=Admins\\, IT,ou=groups,dc=example,dc=org\n";
    slapd.modify(member_of).unwrap();
    for spelling in SPELLINGS {
        let mut config = config(&slapd);
        config.carried.named =
            vec![(spelling.to_owned(), "Admins".into()), ("cn=other,dc=example".into(), "Others".into())];
        let directory = open(config);
        let groups = entry(&directory, "hamlet", "hamlet-ldap").await.groups.unwrap();
        assert_eq!(groups, [EntryGroup { entry: spelling.to_owned(), name: "Admins".into() }]);
        let listed = directory.groups().await.unwrap().unwrap();
        assert_eq!(names(&listed.groups), ["Admins", "Others"]);
        let mut found = Vec::new();
        let mut each = |person: ListedEntry| found.extend(person.groups);
        directory.list_members(&realm("zulip"), &listed, &mut each).await.unwrap();
        assert_eq!(found, [spelling]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_never_a_part_of_those_that_there_are() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(&many_groups()).unwrap();
    let mut all = config(&slapd);
    all.carried.base = "ou=groups,dc=example,dc=org".into();
    let mut cut = all.clone();
    cut.bind = BindMethod::ServiceAccount { dn: String::new(), password: Password::new("") };
    let all = open(all);
    assert_eq!(entry(&all, "hamlet", "hamlet-ldap").await.groups.unwrap().len(), 602);
    assert_eq!(all.groups().await.unwrap().unwrap().groups.len(), 602);
    let cut = open(cut);
    assert_eq!(entry(&cut, "hamlet", "hamlet-ldap").await.groups, None);
    assert!(steps(&cut).await.contains("it is only a part, and the account stays in its groups"));
    assert_eq!(cut.groups().await.unwrap_err(), DirectoryError::Cut);
}
