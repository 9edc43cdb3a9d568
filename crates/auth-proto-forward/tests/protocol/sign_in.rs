//! How a browser gets its cookie, and where it is sent.

use auth_core::testing::{ActionKind, ActionResult, FakeServices};
use auth_core::{Grant, ProtocolName, Token, User};
use auth_proto_forward::Dialect;

use crate::fixtures::{
    ada, ask, config, header, protocol, request, services, services_for, status, with_cookie,
};

const SESSION: (&str, &str) = ("cookie", "__Host-auth-session=good");
const HERE: &str = "/forward/sign-in?return_to=https%3A%2F%2Fwiki.example.org%2Fa%3Fb%3Dc";
const NEXT: &str =
    "next=%2Fforward%2Fsign-in%3Freturn_to%3Dhttps%253A%252F%252Fwiki.example.org%252Fa%253Fb%253Dc";

fn granting(services: FakeServices) -> FakeServices {
    services.on_action(|_| {
        Ok(ActionResult::Grant(Grant::Token { token: Token::new("forward-token"), expires: None }))
    })
}

#[tokio::test]
async fn a_signed_in_browser_gets_its_cookie_and_goes_back() {
    let (protocol, services) = protocol(with_cookie(Dialect::Nginx), granting(services()));
    let answer = ask(&protocol, request("GET", HERE, &[SESSION, ("sec-fetch-mode", "navigate")])).await;
    assert_eq!((status(&answer), header(&answer, "location")), (303, Some("https://wiki.example.org/a?b=c")));
    assert_eq!(
        header(&answer, "set-cookie"),
        Some(
            "__Secure-auth-forward=forward-token; Domain=example.org; Max-Age=7776000; Path=/; Secure; HttpOnly; SameSite=Lax"
        )
    );
    let actions = services.actions();
    assert!(
        matches!(actions[..], [auth_core::testing::Action { kind: ActionKind::ForwardSession, .. }]),
        "{actions:?}"
    );
    assert_eq!(services.checks()[0].protocol, ProtocolName::FORWARD);
}

#[tokio::test]
async fn what_has_to_come_first_leads_here_again() {
    let due = User { must_change_password: true, ..ada() };
    for (user, sent, page) in [
        (ada(), &[][..], "/sign-in"),
        (ada(), &[("cookie", "__Host-auth-session=bad")], "/sign-in"),
        (ada(), &[("cookie", "__Secure-auth-forward=good")], "/sign-in"),
        (due, &[SESSION], "/account/password"),
    ] {
        let (protocol, services) = protocol(with_cookie(Dialect::Nginx), granting(services_for(user)));
        let answer = ask(&protocol, request("GET", HERE, sent)).await;
        let expected = format!("{page}?{NEXT}");
        assert_eq!(
            (status(&answer), header(&answer, "location")),
            (303, Some(expected.as_str())),
            "{sent:?}"
        );
        assert!(header(&answer, "set-cookie").is_none() && services.actions().is_empty(), "{sent:?}");
    }
}

#[tokio::test]
async fn no_address_but_one_of_the_hosts_is_led_to() {
    for address in [
        "",
        "https%3A%2F%2Fevil.example%2F",
        "https%3A%2F%2Fwiki.example.org%40evil.example%2F",
        "https%3A%2F%2Fwiki.example.org.evil.example%2F",
        "http%3A%2F%2Fwiki.example.org%2F",
        "%2F%2Fevil.example%2F",
        "%2Faccount",
        "javascript%3Aalert(1)",
    ] {
        let path = format!("/forward/sign-in?return_to={address}");
        let (protocol, services) = protocol(with_cookie(Dialect::Nginx), granting(services()));
        for (sent, page) in [(&[SESSION][..], "/account"), (&[], "/sign-in")] {
            let answer = ask(&protocol, request("GET", &path, sent)).await;
            assert_eq!((status(&answer), header(&answer, "location")), (303, Some(page)), "{address}");
            assert!(header(&answer, "set-cookie").is_none(), "{address}");
        }
        assert!(services.actions().is_empty(), "{address}");
    }
}

#[tokio::test]
async fn a_page_elsewhere_has_no_browser_fetch_sessions() {
    let (with, services) = protocol(with_cookie(Dialect::Nginx), granting(services()));
    for mode in ["no-cors", "cors", "same-origin", "websocket"] {
        let answer = ask(&with, request("GET", HERE, &[SESSION, ("sec-fetch-mode", mode)])).await;
        assert_eq!(status(&answer), 403, "{mode}");
    }
    assert_eq!(status(&ask(&with, request("POST", HERE, &[SESSION])).await), 405);
    let elsewhere = ask(&with, request("GET", HERE, &[("cookie", "__Host-auth-session=elsewhere")])).await;
    assert_eq!(status(&elsewhere), 403, "the pages would lead here again and again");
    assert!(services.actions().is_empty());
    let (without, _) = protocol(config(Dialect::Nginx), granting(crate::fixtures::services()));
    assert_eq!(
        status(&ask(&without, request("GET", HERE, &[SESSION])).await),
        404,
        "without a cookie there is no such page"
    );
}
