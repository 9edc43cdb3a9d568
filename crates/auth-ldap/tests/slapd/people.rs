//! What entries tell about people: attributes, roles, disabled flags, access to realms, and the list of all.

use std::collections::BTreeMap;

use auth_conformance::slapd::Slapd;
use auth_core::{Password, Role};
use auth_ldap::BindMethod;

use crate::fixture::{config, entry, log_in, open, realm};

#[tokio::test(flavor = "multi_thread")]
async fn entries_describe_people() {
    let slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    let hamlet = entry(&directory, "hamlet", "hamlet-ldap").await;
    assert_eq!(hamlet.user_name.as_deref(), Some("hamlet"));
    assert_eq!(hamlet.email.as_deref(), Some("hamlet@zulip.com"));
    assert_eq!(hamlet.full_name.as_deref(), Some("King Hamlet"));
    assert_eq!(hamlet.role, None, "no groups are configured to give roles");
    assert_eq!(hamlet.id.len(), 36, "entryUUID: {}", hamlet.id);

    slapd
        .modify("dn: uid=hamlet,ou=people,dc=example,dc=org\nchangetype: modrdn\nnewrdn: uid=prince\ndeleteoldrdn: 1\n")
        .unwrap();
    let renamed = entry(&directory, "prince", "hamlet-ldap").await;
    assert_eq!(renamed.id, hamlet.id, "the id stays");
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "not mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_give_roles() {
    let slapd = Slapd::start().unwrap();
    let mut searched = config(&slapd);
    searched.groups.base = "ou=groups,dc=example,dc=org".into();
    searched.groups.filter = "(&(objectClass=groupOfNames)(member={dn}))".into();
    searched.groups.roles = vec![(Role::Admin, "cn=admins,ou=groups,dc=example,dc=org".into())];
    let searched = open(searched);
    assert_eq!(entry(&searched, "hamlet", "hamlet-ldap").await.role, Some(Role::Admin));
    assert_eq!(entry(&searched, "ldapuser", "ldappass").await.role, Some(Role::Member));
    assert_eq!(entry(&searched, "*)(uid=*", "star-ldap").await.role, Some(Role::Member));
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_entries_are_refused_after_the_right_password() {
    let slapd = Slapd::start().unwrap();
    slapd
        .modify(
            "dn: uid=newuser,ou=people,dc=example,dc=org\nchangetype: modify\nadd: userAccountControl\n\
             userAccountControl: 514\n",
        )
        .unwrap();
    let mut with_flag = config(&slapd);
    with_flag.attributes.disabled = "deactivated".into();
    let with_flag = open(with_flag);
    let without = open(config(&slapd));
    for (directory, typed, password, expected) in [
        (&with_flag, "disabled", "disabled-ldap", "entry-disabled"),
        (&with_flag, "disabled", "wrong", "wrong-password"),
        (&with_flag, "hamlet", "hamlet-ldap", "hamlet"),
        (&with_flag, "newuser", "newuser-ldap", "entry-disabled"),
        (&without, "disabled", "disabled-ldap", "disabled"),
        (&without, "newuser", "newuser-ldap", "entry-disabled"),
    ] {
        assert_eq!(log_in(directory, typed, password).await, expected, "{typed} {password}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn realms_are_limited_by_an_attribute_or_by_rules() {
    let slapd = Slapd::start().unwrap();
    let mut listed = config(&slapd);
    listed.access.membership_attribute = "department".into();
    let listed = open(listed);
    assert_eq!(log_in(&listed, "hamlet", "hamlet-ldap").await, "entry-not-allowed");
    slapd
        .modify(
            "dn: uid=hamlet,ou=people,dc=example,dc=org\nchangetype: modify\nadd: department\ndepartment: zulip\n-\n\
             add: test1\ntest1: test2\n",
        )
        .unwrap();
    assert_eq!(log_in(&listed, "hamlet", "hamlet-ldap").await, "hamlet");
    assert_eq!(log_in(&listed, "newuser", "newuser-ldap").await, "entry-not-allowed");

    let mut ruled = config(&slapd);
    let rule = BTreeMap::from([("test1".to_owned(), "test2".to_owned())]);
    ruled.access.rules = BTreeMap::from([("zulip".to_owned(), vec![rule])]);
    let ruled = open(ruled);
    assert_eq!(log_in(&ruled, "hamlet", "hamlet-ldap").await, "hamlet");
    assert_eq!(log_in(&ruled, "newuser", "newuser-ldap").await, "entry-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_people_are_listed_page_by_page() {
    let slapd = Slapd::start().unwrap();
    // More than a page, and more than the server's default size limit.
    let many: String = (0..1200)
        .map(|n| {
            format!(
                "dn: uid=many{n},ou=people,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\n\
                 uid: many{n}\ncn: Many\nsn: Many\n\n"
            )
        })
        .collect();
    slapd.modify(&many).unwrap();
    let mut with_flag = config(&slapd);
    with_flag.attributes.disabled = "deactivated".into();
    let with_flag = open(with_flag);
    let mut listed = Vec::new();
    with_flag.list(&realm("zulip"), &mut |person| listed.push(person)).await.unwrap();
    assert_eq!(listed.len(), 1209);
    assert_eq!(listed.iter().filter(|person| !person.may_log_in).count(), 1, "one is disabled");
    assert_eq!(log_in(&with_flag, "hamlet", "hamlet-ldap").await, "hamlet", "the connection still works");

    // The server limits anonymous lists, and an incomplete list is an error.
    let mut anonymous = config(&slapd);
    anonymous.bind = BindMethod::ServiceAccount { dn: String::new(), password: Password::new("") };
    let anonymous = open(anonymous);
    assert_eq!(log_in(&anonymous, "hamlet", "hamlet-ldap").await, "hamlet");
    assert!(anonymous.list(&realm("zulip"), &mut |_| {}).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_trace_shows_steps_and_no_secret() {
    let slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    let (zulip, right, wrong) = (realm("zulip"), Password::new("hamlet-ldap"), Password::new("not-hamlet's"));
    for (typed, password, refused, step) in [
        (
            "hamlet",
            None,
            None,
            "search below ou=people,dc=example,dc=org for (&(objectClass=inetOrgPerson)(uid=hamlet)): one entry, uid=hamlet",
        ),
        ("hamlet", Some(&right), None, "the password is right"),
        ("hamlet", Some(&wrong), Some("wrong-password"), "refused with code 49"),
        ("nobody", None, Some("no entry goes by that name"), "no entry"),
        ("twin", None, Some("ambiguous-entry"), "more than one entry"),
    ] {
        let trace = directory.trace_login(&zulip, typed, password).await;
        let steps = trace.steps.join("\n");
        let error = trace.result.as_ref().err().map(ToString::to_string);
        assert_eq!(error.as_deref(), refused, "{steps}");
        assert!(steps.contains(step), "{typed}: {steps}");
        assert!(trace.result.is_ok() == refused.is_none(), "{steps}");
        for secret in ["service-pass", "hamlet-ldap", "not-hamlet's"] {
            assert!(!steps.contains(secret), "{steps}");
        }
    }
}
