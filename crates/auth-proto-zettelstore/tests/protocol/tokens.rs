//! PUT `/a` and the check command: what a presented token leads to.

use std::time::Duration;

use auth_core::{InternalError, TokenError};
use auth_proto_zettelstore::{AnswerForm, Config};

use crate::requests::{FORM, ask, check, header, request, settings};
use crate::services::{Fixed, GOOD_TOKEN, grant};

const TEXT: &str = "text/plain; charset=utf-8";
const CHECK: &str = "/x?cmd=authenticated";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn good_token_is_renewed_in_the_form_that_is_set() {
    let services = Fixed::new().renew(|_| Ok(Ok(grant("new.token", 600)))).shared();
    let json = "{\"access_token\":\"new.token\",\"token\":\"new.token\",\"token_type\":\"Bearer\",\"expires_in\":600}\n";
    for (answer, asked, content_type, text) in [
        (AnswerForm::Json, "renew for Jwt old.token", "application/json", json),
        (AnswerForm::List, "renew for List old.token", TEXT, "(\"Bearer\" \"new.token\" 600)"),
    ] {
        let renew = request("PUT", "/a", &[("Authorization", "bearer old.token")], "");
        let renewed = ask(Config { answer, ..settings() }, &services, renew).await;
        check(&renewed, 200, content_type, text, asked);
        assert_eq!((renewed.not_before, services.asked()), (None, vec![asked.to_owned()]));
    }
}

#[tokio::test]
async fn refused_token_is_not_renewed() {
    for refusal in [
        TokenError::Invalid,
        TokenError::RealmInactive,
        TokenError::UserInactive,
        TokenError::OtherRealm,
        TokenError::WebhookBot,
        TokenError::Limited,
    ] {
        let services = Fixed::new().renew(move |_| Ok(Err(refusal))).shared();
        let renew = request("PUT", "/a", &[("Authorization", "Bearer x")], "");
        let answer = ask(settings(), &services, renew).await;
        check(&answer, 400, TEXT, "Not authenticated\n", refusal.as_str());
        assert_eq!(header(&answer, "www-authenticate"), "");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn nothing_but_a_token_renews() {
    let services = Fixed::new().shared();
    for (headers, sent) in [
        (&[][..], ""),
        (&[FORM], "username=writer&password=pw"),
        (&[("Authorization", "Basic d3JpdGVyOnB3")], ""),
        (&[("Cookie", "session=good.token")], ""),
        (&[("Authorization", "Basic x"), ("Authorization", "Bearer good.token")], ""),
    ] {
        let answer =
            ask(settings(), &services, request("PUT", "/a?access_token=good.token", headers, sent)).await;
        check(&answer, 400, TEXT, "Not authenticated\n", sent);
    }
    assert!(services.asked().is_empty());
}

#[tokio::test]
async fn check_tells_by_its_status_alone() {
    for (token, status) in [(GOOD_TOKEN, 204), ("other.token", 401), (" good.token", 401)] {
        for target in [CHECK, "/x?_cmd=authenticated", "/x/?a=b&cmd=authenticated"] {
            let services = Fixed::new().shared();
            let asked = request("POST", target, &[("Authorization", &bearer(token))], "");
            let answer = ask(settings(), &services, asked).await;
            check(&answer, status, "", "", target);
            assert_eq!(header(&answer, "www-authenticate"), "");
            assert_eq!(services.asked(), [format!("check {token}")]);
        }
    }
}

#[tokio::test]
async fn check_without_a_token_asks_nobody() {
    let services = Fixed::new().shared();
    for headers in [
        &[][..],
        &[("Cookie", "session=good.token")],
        &[("Authorization", "Basic d3JpdGVyOnB3")],
        &[("Authorization", "Bearer")],
    ] {
        let answer = ask(settings(), &services, request("POST", CHECK, headers, "")).await;
        check(&answer, 401, "", "", "none");
    }
    assert!(services.asked().is_empty());
}

#[tokio::test]
async fn cookie_is_asked_about_where_no_bearer_token_hides_it() {
    const COOKIE: (&str, &str) = ("Cookie", "zsession=good.token");
    for (headers, asked) in [
        (&[COOKIE][..], "cookie good.token"),
        (&[COOKIE, ("Authorization", "Basic d3JpdGVyOnB3")], "cookie good.token"),
        (&[COOKIE, ("Authorization", "Bearer bad.token")], "bad.token"),
    ] {
        let services = Fixed::new()
            .check(|sent| Ok(sent.starts_with("cookie ")))
            .renew(|sent| {
                Ok(sent.strip_prefix("cookie ").map(|token| grant(token, 599)).ok_or(TokenError::Invalid))
            })
            .shared();
        let from_cookie = asked.starts_with("cookie ");
        let checked = ask(settings(), &services, request("POST", CHECK, headers, "")).await;
        check(&checked, if from_cookie { 204 } else { 401 }, "", "", asked);
        let renewed = ask(settings(), &services, request("PUT", "/a", headers, "")).await;
        assert_eq!(renewed.response.status(), if from_cookie { 200 } else { 400 }, "{asked}");
        assert_eq!(services.asked(), [format!("check {asked}"), format!("renew for Jwt {asked}")]);
    }
}

#[tokio::test]
async fn check_without_authentication_is_200() {
    let open = Config { authentication: false, ..settings() };
    let answer = ask(open, &Fixed::new().shared(), request("POST", CHECK, &[], "")).await;
    check(&answer, 200, "", "", "off");
}

#[tokio::test]
async fn other_commands_are_unknown() {
    let services = Fixed::new().shared();
    for (target, open) in
        [("/x", false), ("/x?cmd=", false), ("/x?cmd=refresh", false), ("/x?cmd=other", true)]
    {
        let config = Config { authentication: !open, ..settings() };
        let answer = ask(config, &services, request("POST", target, &[FORM], "cmd=authenticated")).await;
        check(&answer, 400, TEXT, "Unknown command\n", target);
    }
}

#[tokio::test]
async fn faults_are_no_verdict_on_a_token() {
    let services = Fixed::new()
        .check(|_| Err(InternalError::busy(Duration::from_secs(3))))
        .renew(|_| Err(InternalError::busy(Duration::from_secs(3))))
        .shared();
    for (method, target) in [("PUT", "/a"), ("POST", CHECK)] {
        let asked = request(method, target, &[("Authorization", "Bearer x")], "");
        let answer = ask(settings(), &services, asked).await;
        check(&answer, 503, TEXT, "Service Unavailable\n", target);
        assert_eq!(header(&answer, "retry-after"), "3");
    }
}
