//! PUT `/a` and the check command: the answers to presented tokens.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{CheckReply, InternalError, TokenError, TokenForm};
use auth_proto_zettelstore::{AnswerForm, Config};

use crate::fixtures::{
    FORM, GOOD_TOKEN, ask, check, checked, config, grant, header, is_unasked, request, services, token_of,
    tokens,
};

const TEXT: &str = "text/plain; charset=utf-8";
const CHECK: &str = "/x?cmd=authenticated";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn good_token_is_renewed_in_the_form_that_is_set() {
    let json = "{\"access_token\":\"new.token\",\"token\":\"new.token\",\"token_type\":\"Bearer\",\"expires_in\":600}\n";
    for (answer, form, content_type, text) in [
        (AnswerForm::Json, TokenForm::Jwt, "application/json", json),
        (AnswerForm::List, TokenForm::List, TEXT, "(\"Bearer\" \"new.token\" 600)"),
    ] {
        let services = Arc::new(services().on_renew(move |_, asked| match asked {
            asked if asked == form => Ok(grant("new.token", 600)),
            _ => Err(TokenError::Invalid),
        }));
        let renew = request("PUT", "/a", &[("Authorization", "bearer old.token")], "");
        let renewed = ask(Config { answer, ..config() }, &services, renew).await;
        check(&renewed, 200, content_type, text, text);
        assert_eq!((renewed.not_before, tokens(&services)), (None, vec!["old.token".to_owned()]));
    }
}

#[tokio::test]
async fn refused_token_is_not_renewed() {
    for error in [
        TokenError::Invalid,
        TokenError::RealmInactive,
        TokenError::UserInactive,
        TokenError::OtherRealm,
        TokenError::WebhookBot,
        TokenError::Limited,
    ] {
        let what = error.as_str();
        let services = Arc::new(services().on_renew(move |_, _| Err(error.clone())));
        let renew = request("PUT", "/a", &[("Authorization", "Bearer x")], "");
        let answer = ask(config(), &services, renew).await;
        check(&answer, 400, TEXT, "Not authenticated\n", what);
        assert_eq!(header(&answer, "www-authenticate"), "");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn nothing_but_a_token_renews() {
    let services = Arc::new(services());
    for (headers, sent) in [
        (&[][..], ""),
        (&[FORM], "username=writer&password=pw"),
        (&[("Authorization", "Basic d3JpdGVyOnB3")], ""),
        (&[("Cookie", "session=good.token")], ""),
        (&[("Authorization", "Basic x"), ("Authorization", "Bearer good.token")], ""),
    ] {
        let answer =
            ask(config(), &services, request("PUT", "/a?access_token=good.token", headers, sent)).await;
        check(&answer, 400, TEXT, "Not authenticated\n", sent);
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn check_tells_by_its_status_alone() {
    for (token, status) in [(GOOD_TOKEN, 204), ("other.token", 401), (" good.token", 401)] {
        for target in [CHECK, "/x?_cmd=authenticated", "/x/?a=b&cmd=authenticated"] {
            let services = Arc::new(services());
            let asked = request("POST", target, &[("Authorization", &bearer(token))], "");
            let answer = ask(config(), &services, asked).await;
            check(&answer, status, "", "", target);
            assert_eq!(header(&answer, "www-authenticate"), "");
            assert_eq!(tokens(&services), [token]);
        }
    }
}

#[tokio::test]
async fn check_without_a_token_does_not_ask_the_services() {
    let services = Arc::new(services());
    for headers in [
        &[][..],
        &[("Cookie", "session=good.token")],
        &[("Authorization", "Basic d3JpdGVyOnB3")],
        &[("Authorization", "Bearer")],
    ] {
        let answer = ask(config(), &services, request("POST", CHECK, headers, "")).await;
        check(&answer, 401, "", "", "none");
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn cookie_counts_where_no_bearer_token_hides_it() {
    const COOKIE: (&str, &str) = ("Cookie", "zsession=good.token");
    for (headers, asked) in [
        (&[COOKIE][..], "cookie good.token"),
        (&[COOKIE, ("Authorization", "Basic d3JpdGVyOnB3")], "cookie good.token"),
        (&[COOKIE, ("Authorization", "Bearer bad.token")], "bad.token"),
    ] {
        let services = services().on_check(|check| checked(token_of(check).starts_with("cookie "))).on_renew(
            |check, form| {
                assert_eq!(form, TokenForm::Jwt);
                let token = token_of(check);
                token.strip_prefix("cookie ").map(|token| grant(token, 599)).ok_or(TokenError::Invalid)
            },
        );
        let services = Arc::new(services);
        let from_cookie = asked.starts_with("cookie ");
        let checked = ask(config(), &services, request("POST", CHECK, headers, "")).await;
        check(&checked, if from_cookie { 204 } else { 401 }, "", "", asked);
        let renewed = ask(config(), &services, request("PUT", "/a", headers, "")).await;
        assert_eq!(renewed.response.status(), if from_cookie { 200 } else { 400 }, "{asked}");
        assert_eq!(tokens(&services), [asked, asked], "one check and one renewal");
    }
}

#[tokio::test]
async fn check_without_authentication_is_200() {
    let open = Config { authentication: false, ..config() };
    let answer = ask(open, &Arc::new(services()), request("POST", CHECK, &[], "")).await;
    check(&answer, 200, "", "", "off");
}

#[tokio::test]
async fn other_commands_are_unknown() {
    let services = Arc::new(services());
    for (target, open) in
        [("/x", false), ("/x?cmd=", false), ("/x?cmd=refresh", false), ("/x?cmd=other", true)]
    {
        let config = Config { authentication: !open, ..config() };
        let answer = ask(config, &services, request("POST", target, &[FORM], "cmd=authenticated")).await;
        check(&answer, 400, TEXT, "Unknown command\n", target);
    }
}

#[tokio::test]
async fn internal_errors_do_not_refuse_a_token() {
    let busy = || InternalError::busy(Duration::from_secs(3));
    let services = services()
        .on_check(move |_| CheckReply::refused(TokenError::Internal(busy())))
        .on_renew(move |_, _| Err(TokenError::Internal(busy())));
    let services = Arc::new(services);
    for (method, target) in [("PUT", "/a"), ("POST", CHECK)] {
        let asked = request(method, target, &[("Authorization", "Bearer x")], "");
        let answer = ask(config(), &services, asked).await;
        check(&answer, 503, TEXT, "Service Unavailable\n", target);
        assert_eq!(header(&answer, "retry-after"), "3");
        assert_eq!(answer.error, Some(busy()));
    }
}
