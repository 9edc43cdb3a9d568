//! Logins with right and wrong passwords, and with plain and hostile names.

use auth_conformance::slapd::{BASE, Slapd};
use auth_core::{BackendAnswer, Identifier, ProtocolName};
use auth_ldap::{BindMethod, DirectoryConfig, NameLookup};

use crate::fixture::{config, log_in, open, server, service_account, verify_digest, verify_password};

#[tokio::test(flavor = "multi_thread")]
async fn one_entry_and_its_password_or_nothing() {
    let slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    for (typed, password, expected) in [
        ("hamlet", "hamlet-ldap", "hamlet"),
        (" HAMLET ", "hamlet-ldap", "hamlet"),
        ("hamlet@zulip.com", "hamlet-ldap", "hamlet"),
        ("Hamlet@Zulip.com", "hamlet-ldap", "hamlet"),
        ("hamlet", "wrong", "wrong-password"),
        ("hamlet", "", "wrong-password"),
        ("hamlet", "Hamlet-ldap", "wrong-password"),
        ("nobody", "hamlet-ldap", "not mine"),
        ("", "hamlet-ldap", "not mine"),
        ("nobody@zulip.com", "hamlet-ldap", "not mine"),
        ("hamlet@acme.com", "hamlet-ldap", "not mine"),
        // A group, a service account, and entries outside the base don't log in.
        ("admins", "hamlet-ldap", "not mine"),
        ("auth", "service-pass", "not mine"),
        ("disabled", "wrong", "wrong-password"),
        ("nopass", "x", "wrong-password"),
        ("nopass", "", "wrong-password"),
        // A name of two entries is ambiguous. An address of two entries is searched for as a name, which no entry has.
        ("twin", "twin-ldap", "ambiguous-entry"),
        ("twins@example.org", "twin-ldap", "not mine"),
        ("twin1", "twin-ldap", "twin1"),
    ] {
        assert_eq!(log_in(&directory, typed, password).await, expected, "{typed:?} {password:?}");
    }
}

/// Where a server would be an outage, so that a refusal shows that none was asked.
#[tokio::test]
async fn an_empty_password_is_refused_before_a_directory_is_asked() {
    let nowhere = DirectoryConfig {
        servers: vec![server("ldap", "127.0.0.1:1")],
        bind: service_account(),
        ..DirectoryConfig::new("corp", BASE)
    };
    let template = BindMethod::Direct { template: format!("uid={{user}},{BASE}") };
    for config in [nowhere.clone(), DirectoryConfig { bind: template, ..nowhere }] {
        let directory = open(config);
        assert_eq!(log_in(&directory, "hamlet", "").await, "wrong-password");
        assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_mean_themselves() {
    let slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    for (typed, password, expected) in [
        ("*)(uid=*", "star-ldap", "*)(uid=*"),
        ("*)(uid=*", "hamlet-ldap", "wrong-password"),
        ("back\\slash, comma", "slash-ldap", "back\\slash, comma"),
        ("*", "hamlet-ldap", "not mine"),
        ("h*", "hamlet-ldap", "not mine"),
        ("hamlet)(|(uid=*", "hamlet-ldap", "not mine"),
        ("hamlet)(!(uid=x)", "hamlet-ldap", "not mine"),
        ("\\2a", "hamlet-ldap", "not mine"),
        ("hamlet\0", "hamlet-ldap", "not mine"),
        ("ham\u{AD}let", "hamlet-ldap", "not mine"),
        ("*@zulip.com", "hamlet-ldap", "not mine"),
        ("hamlet@zulip.com)(uid=*", "hamlet-ldap", "not mine"),
        (&"x".repeat(300_000), "hamlet-ldap", "not mine"),
        // The connection still works.
        ("hamlet", "hamlet-ldap", "hamlet"),
    ] {
        let shown: String = typed.chars().take(40).collect();
        assert_eq!(log_in(&directory, typed, password).await, expected, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_may_be_appended_to_user_names() {
    let slapd = Slapd::start().unwrap();
    let appended = |domain: &str| {
        let mut config = config(&slapd);
        config.names = NameLookup { append_domain: Some(domain.into()), ..NameLookup::default() };
        open(config)
    };
    for (domain, typed, expected) in [
        ("zulip.com", "hamlet", "hamlet"),
        ("zulip.com", "hamlet@zulip.com", "hamlet"),
        ("zulip.com", "hamlet@acme.com", "not mine"),
        ("acme.com", "hamlet@zulip.com", "not mine"),
        ("zulip.com", "hamlet@ZULIP.COM", "not mine"),
    ] {
        assert_eq!(log_in(&appended(domain), typed, "hamlet-ldap").await, expected, "{typed} in {domain}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_searched_for_in_the_configured_attributes() {
    let slapd = Slapd::start().unwrap();
    let mut by_two = config(&slapd);
    by_two.names = NameLookup {
        search_attributes: vec!["uid".into(), "mail".into()],
        search_email: false,
        ..NameLookup::default()
    };
    let by_two = open(by_two);
    for (typed, expected) in
        [("hamlet", "hamlet"), ("hamlet@zulip.com", "hamlet"), ("King Hamlet", "not mine")]
    {
        assert_eq!(log_in(&by_two, typed, "hamlet-ldap").await, expected, "{typed}");
    }
    let mut by_uid_alone = config(&slapd);
    by_uid_alone.names.search_email = false;
    assert_eq!(log_in(&open(by_uid_alone), "hamlet@zulip.com", "hamlet-ldap").await, "not mine");

    let mut of_one_kind = config(&slapd);
    of_one_kind.filter = "(mail=*@example.org)".into();
    let of_one_kind = open(of_one_kind);
    assert_eq!(log_in(&of_one_kind, "hamlet", "hamlet-ldap").await, "not mine");
    assert_eq!(log_in(&of_one_kind, "ldapuser", "ldappass").await, "ldapuser");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_binds_without_a_service_account() {
    let slapd = Slapd::start().unwrap();
    let mut direct = config(&slapd);
    direct.bind = BindMethod::Direct { template: format!("uid={{user}},{BASE}") };
    let direct = open(direct);
    for (typed, password, expected) in [
        ("hamlet", "hamlet-ldap", "hamlet"),
        ("HAMLET", "hamlet-ldap", "hamlet"),
        ("hamlet", "wrong", "wrong-password"),
        ("hamlet", "", "wrong-password"),
        // The server does not tell whether there is an entry.
        ("nobody", "x", "wrong-password"),
        ("*)(uid=*", "star-ldap", "*)(uid=*"),
        ("back\\slash, comma", "slash-ldap", "back\\slash, comma"),
        ("hamlet,ou=people", "hamlet-ldap", "wrong-password"),
        ("ham\u{AD}let", "hamlet-ldap", "wrong-password"),
        ("x,uid=hamlet", "hamlet-ldap", "wrong-password"),
    ] {
        assert_eq!(log_in(&direct, typed, password).await, expected, "{typed:?} {password:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_cannot_bind_and_an_external_id_is_unknown() {
    let slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    let hamlet = Identifier::user_name("hamlet");
    let external_id = Identifier::external(ProtocolName::ZETTELSTORE, "hamlet");
    for (answer, expected) in [
        (verify_digest(&directory, &hamlet, &"0".repeat(64)).await, "Reject(DigestNotAccepted)"),
        (verify_password(&directory, &external_id, "hamlet-ldap").await, "NotMine"),
    ] {
        assert_eq!(format!("{answer:?}"), expected);
        assert!(!matches!(answer, BackendAnswer::Accept(_)));
    }
}
