//! The credentials that count, and those that don't.

use auth_core::{CredentialKind, ExternalId, PresentedCredential, ProtocolName, Timestamp, TokenPlace, User};
use auth_proto_forward::{Config, Dialect};

use crate::fixtures::{ada, ask, config, header, protocol, question, services, services_for, status};

const NGINX: Dialect = Dialect::Nginx;
const URL: &str = "wiki.example.org/";

/// `ada:good`, and `ada:bad`.
const GOOD_BASIC: (&str, &str) = ("authorization", "Basic YWRhOmdvb2Q=");
const BAD_BASIC: (&str, &str) = ("authorization", "Basic YWRhOmJhZA==");

#[tokio::test]
async fn each_credential_that_the_protocols_issue_lets_its_owner_through() {
    for (good, bad, kinds) in [
        (
            &[("cookie", "__Secure-auth-forward=good")][..],
            &[("cookie", "__Secure-auth-forward=bad")][..],
            &[CredentialKind::FORWARD_SESSION][..],
        ),
        (
            &[("cookie", "__Host-auth-session=good")],
            &[("cookie", "__Host-auth-session=bad")],
            &[CredentialKind::WEB_SESSION],
        ),
        (
            &[("x-auth-token", "good"), ("x-user-id", "aDa")],
            &[("x-auth-token", "bad"), ("x-user-id", "aDa")],
            &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN],
        ),
        (&[("authorization", "Bearer good")], &[("authorization", "Bearer freeaccess")], &[]),
    ] {
        let (protocol, services) = protocol(config(NGINX), services());
        assert_eq!(status(&ask(&protocol, question(NGINX, "GET", URL, good)).await), 200, "{good:?}");
        assert_eq!(status(&ask(&protocol, question(NGINX, "GET", URL, bad)).await), 401, "{bad:?}");
        let checked = services.checks();
        assert_eq!(checked.len(), 2);
        match &checked[0].credential {
            PresentedCredential::Token { kinds: asked, owner, .. } => {
                assert_eq!(*asked, kinds, "and no other kind: {good:?}");
                let is_rocketchat = kinds.contains(&CredentialKind::ROCKETCHAT_TOKEN);
                assert_eq!(owner.is_some(), is_rocketchat);
                assert!(owner.as_ref().is_none_or(|owner| *owner == ExternalId::from("aDa")));
                // The id is one of Rocket.Chat's.
                let protocol = if is_rocketchat { ProtocolName::ROCKETCHAT } else { ProtocolName::FORWARD };
                assert_eq!(checked[0].protocol, protocol);
            }
            PresentedCredential::SignedToken { place, .. } => assert_eq!(*place, TokenPlace::Header),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn names_and_secrets_are_judged_with_the_operators_word_about_passwords() {
    for takes_passwords in [false, true] {
        let config = Config { takes_passwords, ..config(NGINX) };
        let (protocol, services) = protocol(config, services());
        assert_eq!(status(&ask(&protocol, question(NGINX, "GET", URL, &[GOOD_BASIC])).await), 200);
        let answer = ask(&protocol, question(NGINX, "GET", URL, &[BAD_BASIC])).await;
        assert_eq!(
            (status(&answer), answer.not_before),
            (401, Some(Timestamp::from_secs(5))),
            "it waits its time"
        );
        let secrets = services.secrets();
        assert_eq!(secrets.len(), 2);
        assert_eq!((secrets[0].name.as_str(), secrets[0].secret.expose()), ("ada", "good"));
        assert_eq!(
            (secrets[0].takes_passwords, secrets[0].protocol),
            (takes_passwords, ProtocolName::FORWARD)
        );
        assert!(services.attempts().is_empty() && services.checks().is_empty());
    }
}

#[tokio::test]
async fn nobody_asks_about_more_than_one_credential_or_about_none() {
    let (protocol, services) = protocol(config(NGINX), services());
    let cookie = ("cookie", "__Secure-auth-forward=good");
    for (sent, expected) in [
        (&[][..], 401),
        (&[("cookie", "a=b")], 401),
        (&[("authorization", "Negotiate abc")], 401),
        (&[("x-auth-token", "good")], 401),
        (&[GOOD_BASIC, cookie], 400),
        (&[GOOD_BASIC, BAD_BASIC], 400),
        (&[cookie, ("cookie", "__Secure-auth-forward=good")], 400),
        (&[cookie, ("x-auth-token", "good"), ("x-user-id", "u")], 400),
    ] {
        let answer = ask(&protocol, question(NGINX, "GET", URL, sent)).await;
        assert_eq!(status(&answer), expected, "{sent:?}");
    }
    assert!(services.checks().is_empty() && services.secrets().is_empty());
}

#[tokio::test]
async fn the_own_cookies_are_kept_from_the_application() {
    let (protocol, _) = protocol(config(NGINX), services());
    let sent = [("cookie", "a=1; __Secure-auth-forward=good; b=2; __Host-auth-session=x")];
    let answer = ask(&protocol, question(NGINX, "GET", URL, &sent)).await;
    assert_eq!((status(&answer), header(&answer, "cookie")), (200, Some("a=1; b=2")));
    let alone =
        ask(&protocol, question(NGINX, "GET", URL, &[("cookie", "__Secure-auth-forward=good")])).await;
    assert_eq!(header(&alone, "cookie"), Some(""), "the proxy is told to send none");
    assert!(!format!("{:?}", answer.response.headers()).contains("a=1"), "cookies are in no log");
}

#[tokio::test]
async fn a_browser_whose_owner_must_do_something_at_the_pages_first_is_led_there() {
    let held_up = User { must_change_password: true, ..ada() };
    for (sent, expected) in [
        (("cookie", "__Secure-auth-forward=good"), 401),
        (("cookie", "__Host-auth-session=good"), 401),
        (("authorization", "Bearer good"), 200),
    ] {
        let (protocol, _) = protocol(config(NGINX), services_for(held_up.clone()));
        assert_eq!(status(&ask(&protocol, question(NGINX, "GET", URL, &[sent])).await), expected, "{sent:?}");
    }
}

#[tokio::test]
async fn whoever_has_no_name_is_not_let_through() {
    let nameless = User { names: Vec::new(), ..ada() };
    let (protocol, _) = protocol(config(NGINX), services_for(nameless));
    let answer = ask(&protocol, question(NGINX, "GET", URL, &[GOOD_BASIC])).await;
    assert_eq!(status(&answer), 403);
}
