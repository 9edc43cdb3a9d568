//! Groups that give roles: in every spelling, in any number, and those that nobody is in.

use std::fmt::Write as _;

use auth_conformance::slapd::Slapd;
use auth_core::{Password, Role};
use auth_ldap::{BindMethod, Directory, DirectoryConfig};

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
