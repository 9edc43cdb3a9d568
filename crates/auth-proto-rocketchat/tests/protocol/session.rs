//! `me` and `logout`.

use std::sync::Arc;

use auth_core::{CheckReply, InternalError, TokenError};
use serde_json::Value;

use crate::fixture;
use crate::support::{ask, config, request, revoked, services, text};

const NOT_LOGGED_IN: &str = concat!(
    r#"{"success":false,"error":"You must be logged in to do this.","status":"error","#,
    r#""message":"You must be logged in to do this."}"#
);

fn credentials() -> [(&'static str, String); 2] {
    [("X-User-Id", fixture::id("myusername")), ("X-Auth-Token", fixture::token("myusername"))]
}

fn signed_in(method: &str, path: &str) -> http::Request<bytes::Bytes> {
    let credentials = credentials();
    let headers = credentials.each_ref().map(|(name, value)| (*name, value.as_str()));
    request(method, path, &headers, "")
}

#[tokio::test]
async fn me_is_the_user_and_success_at_the_end() {
    let response = ask(config(), Arc::new(services()), signed_in("GET", "/api/v1/me")).await;
    assert_eq!(response.status(), 200);
    assert!(text(&response).starts_with(r#"{"_id":"myusernameAAAAAAA","name":"My User","#));
    assert!(text(&response).ends_with(r#""services":{"password":{"exists":true}},"success":true}"#));
}

#[tokio::test]
async fn me_has_the_fields_of_a_login() {
    let services = Arc::new(services());
    let body = serde_json::json!({"user": "myusername", "password": "mypassword"});
    let login = ask(config(), services.clone(), crate::support::log_in(&body)).await;
    let login: Value = serde_json::from_slice(login.body()).unwrap();
    let me = ask(config(), services, signed_in("GET", "/api/v1/me")).await;
    let mut me: Value = serde_json::from_slice(me.body()).unwrap();
    me.as_object_mut().unwrap().remove("success");
    assert_eq!(me, login["data"]["me"]);
}

#[tokio::test]
async fn logout_revokes_the_presented_token_by_post_and_by_get() {
    for method in ["POST", "GET"] {
        let services = Arc::new(services());
        let response = ask(config(), services.clone(), signed_in(method, "/api/v1/logout")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(text(&response), r#"{"status":"success","data":{"message":"You've been logged out!"}}"#);
        assert_eq!(revoked(&services), [fixture::id("myusername")]);
    }
}

#[tokio::test]
async fn logout_that_is_not_known_to_be_done_is_unavailable() {
    let services = services().on_revoke(|_| Err(InternalError::unavailable("gone")));
    let response = ask(config(), Arc::new(services), signed_in("POST", "/api/v1/logout")).await;
    assert_eq!(response.status(), 503);
}

#[tokio::test]
async fn bad_credentials_and_none_look_the_same() {
    let (id, token) = (fixture::id("myusername"), fixture::token("myusername"));
    let other = fixture::id("admin");
    for headers in [
        &[][..],
        &[("X-User-Id", id.as_str())],
        &[("X-Auth-Token", token.as_str())],
        &[("X-User-Id", ""), ("X-Auth-Token", "")],
        &[("X-User-Id", id.as_str()), ("X-Auth-Token", "wrong")],
        &[("X-User-Id", other.as_str()), ("X-Auth-Token", token.as_str())],
    ] {
        for (method, path) in [("GET", "/api/v1/me"), ("POST", "/api/v1/logout"), ("GET", "/api/v1/logout")] {
            let services = Arc::new(services());
            let response = ask(config(), services.clone(), request(method, path, headers, "")).await;
            assert_eq!((response.status().as_u16(), text(&response)), (401, NOT_LOGGED_IN), "{headers:?}");
            assert!(revoked(&services).is_empty());
        }
    }
}

#[tokio::test]
async fn every_refused_token_looks_the_same() {
    for error in [
        TokenError::Invalid,
        TokenError::RealmInactive,
        TokenError::UserInactive,
        TokenError::OtherRealm,
        TokenError::WebhookBot,
    ] {
        let refused = error.clone();
        let services = services().on_check(move |_| CheckReply::refused(refused.clone()));
        let response = ask(config(), Arc::new(services), signed_in("GET", "/api/v1/me")).await;
        assert_eq!((response.status().as_u16(), text(&response)), (401, NOT_LOGGED_IN), "{error:?}");
    }
}

#[tokio::test]
async fn token_that_cannot_be_looked_up_is_unavailable() {
    let unavailable = |_: &_| CheckReply::refused(InternalError::unavailable("gone").into());
    let services = services().on_check(unavailable);
    let response = ask(config(), Arc::new(services), signed_in("GET", "/api/v1/me")).await;
    assert_eq!(response.status(), 503);
}
