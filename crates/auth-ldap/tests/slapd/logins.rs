//! Names and passwords, right and wrong, plain and hostile.

use auth_conformance::slapd::{BASE, Slapd};
use auth_core::{
    BackendAnswer, Identifier, PasswordBackend, PasswordDigest, Peer, SecretInput, VerifyRequest,
};
use auth_ldap::{Bind, Naming};

use crate::world::{ask, open, realm, settings};

#[tokio::test(flavor = "multi_thread")]
async fn one_entry_and_its_password_or_nothing() {
    let slapd = Slapd::start().unwrap();
    let directory = open(settings(&slapd));
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
        // No group, no service account, nobody outside of the base.
        ("admins", "hamlet-ldap", "not mine"),
        ("auth", "service-pass", "not mine"),
        ("disabled", "wrong", "wrong-password"),
        ("nopass", "x", "wrong-password"),
        ("nopass", "", "wrong-password"),
        // Two entries of a name are none; two of an address are looked for by the name, of which there is none.
        ("twin", "twin-ldap", "ambiguous-entry"),
        ("twins@example.org", "twin-ldap", "not mine"),
        ("twin1", "twin-ldap", "twin1"),
    ] {
        assert_eq!(ask(&directory, typed, password).await, expected, "{typed:?} {password:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_mean_themselves() {
    let slapd = Slapd::start().unwrap();
    let directory = open(settings(&slapd));
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
        // And nothing of it has hurt.
        ("hamlet", "hamlet-ldap", "hamlet"),
    ] {
        let shown: String = typed.chars().take(40).collect();
        assert_eq!(ask(&directory, typed, password).await, expected, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_may_belong_to_the_names() {
    let slapd = Slapd::start().unwrap();
    let appended = |domain: &str| {
        let mut settings = settings(&slapd);
        settings.naming = Naming { append_domain: Some(domain.into()), ..Naming::default() };
        open(settings)
    };
    for (domain, typed, expected) in [
        ("zulip.com", "hamlet", "hamlet"),
        ("zulip.com", "hamlet@zulip.com", "hamlet"),
        ("zulip.com", "hamlet@acme.com", "not mine"),
        ("acme.com", "hamlet@zulip.com", "not mine"),
        ("zulip.com", "hamlet@ZULIP.COM", "not mine"),
    ] {
        assert_eq!(ask(&appended(domain), typed, "hamlet-ldap").await, expected, "{typed} in {domain}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_looked_for_where_the_operator_says() {
    let slapd = Slapd::start().unwrap();
    let mut by_two = settings(&slapd);
    by_two.naming =
        Naming { search: vec!["uid".into(), "mail".into()], by_email: false, ..Naming::default() };
    let by_two = open(by_two);
    for (typed, expected) in
        [("hamlet", "hamlet"), ("hamlet@zulip.com", "hamlet"), ("King Hamlet", "not mine")]
    {
        assert_eq!(ask(&by_two, typed, "hamlet-ldap").await, expected, "{typed}");
    }
    let mut by_uid_alone = settings(&slapd);
    by_uid_alone.naming.by_email = false;
    assert_eq!(ask(&open(by_uid_alone), "hamlet@zulip.com", "hamlet-ldap").await, "not mine");

    let mut of_one_kind = settings(&slapd);
    of_one_kind.filter = "(mail=*@example.org)".into();
    let of_one_kind = open(of_one_kind);
    assert_eq!(ask(&of_one_kind, "hamlet", "hamlet-ldap").await, "not mine");
    assert_eq!(ask(&of_one_kind, "ldapuser", "ldappass").await, "ldapuser");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_binds_without_a_service_account() {
    let slapd = Slapd::start().unwrap();
    let mut direct = settings(&slapd);
    direct.bind = Bind::Direct { template: format!("uid={{user}},{BASE}") };
    let direct = open(direct);
    for (typed, password, expected) in [
        ("hamlet", "hamlet-ldap", "hamlet"),
        ("HAMLET", "hamlet-ldap", "hamlet"),
        ("hamlet", "wrong", "wrong-password"),
        ("hamlet", "", "wrong-password"),
        // Whether there is an entry is not told then.
        ("nobody", "x", "wrong-password"),
        ("*)(uid=*", "star-ldap", "*)(uid=*"),
        ("back\\slash, comma", "slash-ldap", "back\\slash, comma"),
        ("hamlet,ou=people", "hamlet-ldap", "wrong-password"),
        ("ham\u{AD}let", "hamlet-ldap", "wrong-password"),
        ("x,uid=hamlet", "hamlet-ldap", "wrong-password"),
    ] {
        assert_eq!(ask(&direct, typed, password).await, expected, "{typed:?} {password:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_can_not_bind_and_an_id_of_a_protocol_is_nobody() {
    let slapd = Slapd::start().unwrap();
    let directory = open(settings(&slapd));
    let (realm, peer) = (realm("zulip"), Peer::new("192.0.2.1".parse().unwrap()));
    let digest = PasswordDigest::new("0".repeat(64));
    let password = auth_core::Password::new("hamlet-ldap");
    for (who, secret, expected) in [
        (Identifier::user_name("hamlet"), SecretInput::Digest(&digest), "Reject(DigestNotAccepted)"),
        (Identifier::ExternalId("hamlet".into()), SecretInput::Password(&password), "NotMine"),
    ] {
        let question =
            VerifyRequest { realm: &realm, who: &who, account: None, secret, demand: None, peer: &peer };
        let answer = directory.verify(&question).await;
        assert_eq!(format!("{answer:?}"), expected);
        assert!(!matches!(answer, BackendAnswer::Accept(_)));
    }
}
