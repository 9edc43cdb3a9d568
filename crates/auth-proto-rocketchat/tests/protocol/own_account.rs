//! What users change about their own accounts, mailed links, and the pages.

use std::sync::Arc;

use auth_core::testing::{ActionKind, ActionResult};
use auth_core::{ActionError, Profile};
use auth_proto_rocketchat::Config;
use serde_json::{Value, json};

use crate::account::call;
use crate::fixture;
use crate::support::{LATER, actions, ask, config, header, request, services, text};

/// A user who has no user name yet.
fn nameless() -> Profile {
    let mut profile = fixture::profile("nameless", Some(("ada@example.org", true)));
    Arc::make_mut(&mut profile.user).names.retain(|name| name.kind == auth_core::NameKind::Email);
    profile
}

#[tokio::test]
async fn account_without_a_user_name_is_given_a_suggestion_and_chooses() {
    let services = || {
        let services = services().on_check(|_| auth_core::CheckReply {
            result: Ok(Box::new(fixture::principal(nameless()))),
            rate_limit: None,
        });
        Arc::new(services.on_action(|action| {
            Ok(match &action.kind {
                ActionKind::SuggestUserName => ActionResult::UserName("ada".into()),
                _ => ActionResult::Profile(fixture::profile("ada", Some(("ada@example.org", true)))),
            })
        }))
    };
    let asked = call("nameless", "GET", "users.getUsernameSuggestion", &json!({}), &[]);
    let response = ask(config(), services(), asked).await;
    assert_eq!((response.status().as_u16(), text(&response)), (200, r#"{"result":"ada","success":true}"#));

    let body = json!({"data": {"username": "ada", "name": "Ada"}, "customFields": {}});
    let asking = services();
    let response =
        ask(config(), asking.clone(), call("nameless", "POST", "users.updateOwnBasicInfo", &body, &[])).await;
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((response.status().as_u16(), &answer["success"]), (200, &json!(true)));
    assert_eq!(
        (&answer["user"]["_id"], &answer["user"]["username"]),
        (&json!(fixture::id("ada")), &json!("ada"))
    );
    assert_eq!(actions(&asking), ["choose ada, be called Ada"]);
    // Without a name, other calls are those of nobody.
    let asked = call("nameless", "GET", "users.getPersonalAccessTokens", &json!({}), &[]);
    assert_eq!(ask(config(), services(), asked).await.status(), 401);
}

#[tokio::test]
async fn new_password_is_handed_over_with_the_second_factor() {
    for (body, factor, expected) in [
        (json!({"data": {"newPassword": "a b"}}), &[][..], &["change password to a b"][..]),
        (
            json!({"data": {"newPassword": "x", "currentPassword": "y"}}),
            &[("x-2fa-code", "1"), ("x-2fa-method", "password")],
            &["change password to x code 1 by Password"],
        ),
        (
            json!({"data": {"newPassword": "x", "email": "a@b.example", "currentPassword": "y"}}),
            &[],
            &["have a@b.example, change password to x by Password"],
        ),
        (json!({"data": {"statusText": "away"}}), &[], &[]),
    ] {
        let services = Arc::new(services());
        let asked = call("mustchange", "POST", "users.updateOwnBasicInfo", &body, factor);
        assert_eq!(ask(config(), services.clone(), asked).await.status(), 200, "{body}");
        assert_eq!(actions(&services), expected, "{body}");
    }
    let services = Arc::new(services());
    let asked = request("POST", "/api/v1/users.updateOwnBasicInfo", &[], "");
    assert_eq!(ask(config(), services.clone(), asked).await.status(), 401);
    assert!(services.actions().is_empty());
}

#[tokio::test]
async fn refused_changes_have_rocketchats_codes() {
    const DETAILS: &str = r#""details":{"method":"saveUserProfile"}"#;
    for (refused, error) in [
        (ActionError::UserNameTaken, "error-field-unavailable"),
        (ActionError::BadUserName, "error-input-is-not-a-valid-field"),
        (ActionError::SamePassword, "error-password-same-as-current"),
        (ActionError::NotOffered, "error-not-allowed"),
        (ActionError::WeakPassword(Vec::new()), "error-password-policy-not-met"),
    ] {
        let told = refused.clone();
        let services = services().on_action(move |_| Err(told.clone()));
        let body = json!({"data": {"username": "ada"}});
        let asked = call("myusername", "POST", "users.updateOwnBasicInfo", &body, &[]);
        let response = ask(config(), Arc::new(services), asked).await;
        assert_eq!(response.status(), 400, "{refused}");
        assert!(text(&response).contains(&format!(r#""errorType":"{error}""#)), "{}", text(&response));
        let is_of_call = !matches!(refused, ActionError::NotOffered | ActionError::WeakPassword(_));
        assert_eq!(text(&response).contains(DETAILS), is_of_call, "{}", text(&response));
    }
}

#[tokio::test]
async fn there_are_no_accounts_at_webdav_servers() {
    let asked = call("myusername", "GET", "webdav.getMyAccounts", &json!({}), &[]);
    let response = ask(config(), Arc::new(services()), asked).await;
    assert_eq!((response.status().as_u16(), text(&response)), (200, r#"{"accounts":[],"success":true}"#));
    let anonymous = request("GET", "/api/v1/webdav.getMyAccounts", &[], "");
    assert_eq!(ask(config(), Arc::new(services()), anonymous).await.status(), 401);
}

#[tokio::test]
async fn link_for_an_address_is_mailed_alike_whoever_has_it() {
    for (body, status, answer, expected) in [
        (r#"{"email":"ada@example.org"}"#, 200, r#"{"success":true}"#, &["prove ada@example.org"][..]),
        (r#"{"email":"ada"}"#, 400, r#"{"success":false,"error":"Invalid email"}"#, &[]),
    ] {
        let services = Arc::new(services());
        let asked = request(
            "POST",
            "/api/v1/users.sendConfirmationEmail",
            &[("Content-Type", "application/json")],
            body,
        );
        let protocol = auth_proto_rocketchat::RocketChatProtocol::new(config(), services.clone());
        let answered = auth_core::Protocol::handle(&protocol, asked, &crate::support::peer()).await;
        assert_eq!((answered.response.status().as_u16(), text(&answered.response)), (status, answer));
        assert_eq!(answered.not_before, (status == 200).then_some(LATER));
        assert_eq!(actions(&services), expected);
    }
}

#[tokio::test]
async fn mailed_link_opens_a_page_and_head_does_nothing() {
    let services = || Arc::new(services());
    for (method, status, expected) in
        [("GET", 200, &["verify tok_en-1"][..]), ("HEAD", 200, &[]), ("POST", 404, &[])]
    {
        let services = services();
        let response =
            ask(config(), services.clone(), request(method, "/verify-email/tok_en-1", &[], "")).await;
        assert_eq!(response.status(), status, "{method}");
        assert_eq!(actions(&services), expected, "{method}");
        assert_eq!(text(&response).contains("<h1>Confirmed</h1>"), method == "GET");
    }
    let wrong = crate::support::services().on_action(|_| Err(ActionError::WrongToken));
    let response = ask(config(), Arc::new(wrong), request("GET", "/verify-email/x", &[], "")).await;
    assert_eq!(response.status(), 404);
    assert!(text(&response).contains("<h1>Not confirmed</h1>"));
    assert_eq!(header(&response, "content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(header(&response, "content-security-policy"), Some("default-src 'none'"));
    assert_eq!(header(&response, "referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn desktop_app_finds_a_page_at_the_root() {
    let services = Arc::new(services());
    let response = ask(config(), services.clone(), request("GET", "/", &[], "")).await;
    assert_eq!(response.status(), 200);
    assert!(text(&response).starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(services.admitted().is_empty(), "the page is no call");
}

#[tokio::test]
async fn listed_origins_pass_a_preflight_and_others_do_not() {
    let listed = ["https://app.example.com".to_owned(), "http://localhost:3000".to_owned()];
    let every = ["*".to_owned()];
    for (allowed, origin, status, told) in [
        (&listed[..], Some("https://app.example.com"), 200, Some("https://app.example.com")),
        (&listed, Some("http://LOCALHOST:3000"), 200, Some("http://LOCALHOST:3000")),
        (&listed, Some("https://app.example.com.evil.example"), 403, None),
        (&listed, Some("null"), 403, None),
        (&listed, None, 403, None),
        (&every, Some("https://any.example"), 200, Some("*")),
    ] {
        let config = Config { allowed_origins: allowed.to_vec(), ..config() };
        let mut headers = vec![("Access-Control-Request-Method", "POST")];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        let asked = request("OPTIONS", "/api/v1/login", &headers, "");
        let response = ask(config, Arc::new(services()), asked).await;
        assert_eq!(response.status(), status, "{origin:?}");
        assert_eq!(header(&response, "access-control-allow-origin"), told, "{origin:?}");
        let methods = told.map(|_| "GET, POST, PUT, DELETE, HEAD, PATCH");
        assert_eq!(header(&response, "access-control-allow-methods"), methods);
        assert_eq!(header(&response, "access-control-allow-headers").is_some(), told.is_some());
        assert_eq!(header(&response, "vary").is_some(), told != Some("*"));
    }
}
