//! `me` and `logout`.

use std::sync::Arc;

use auth_core::{CheckReply, InternalError, TokenError};
use serde_json::Value;

use crate::fixed::{Fixed, ask, config, request, text};
use crate::fixture;

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
    let response = ask(config(), Arc::default(), signed_in("GET", "/api/v1/me")).await;
    assert_eq!(response.status(), 200);
    assert!(text(&response).starts_with(r#"{"_id":"myusernameAAAAAAA","name":"My User","#));
    assert!(text(&response).ends_with(r#""services":{"password":{"exists":true}},"success":true}"#));
}

#[tokio::test]
async fn me_has_the_fields_that_a_log_in_tells() {
    let services = Arc::new(Fixed::default());
    let body = serde_json::json!({"user": "myusername", "password": "mypassword"});
    let told = ask(config(), services.clone(), crate::fixed::log_in(&body)).await;
    let told: Value = serde_json::from_slice(told.body()).unwrap();
    let me = ask(config(), services, signed_in("GET", "/api/v1/me")).await;
    let mut me: Value = serde_json::from_slice(me.body()).unwrap();
    me.as_object_mut().unwrap().remove("success");
    assert_eq!(me, told["data"]["me"]);
}

#[tokio::test]
async fn logout_ends_the_presented_token_by_post_and_by_get() {
    for method in ["POST", "GET"] {
        let services = Arc::new(Fixed::default());
        let response = ask(config(), services.clone(), signed_in(method, "/api/v1/logout")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(text(&response), r#"{"status":"success","data":{"message":"You've been logged out!"}}"#);
        assert_eq!(*services.revoked.lock().unwrap(), [fixture::id("myusername")]);
    }
}

#[tokio::test]
async fn logout_that_is_not_known_to_be_done_is_unavailable() {
    let services = Fixed { revoke: Box::new(|| Err(InternalError::unavailable("gone"))), ..Fixed::default() };
    let response = ask(config(), Arc::new(services), signed_in("POST", "/api/v1/logout")).await;
    assert_eq!(response.status(), 503);
}

#[tokio::test]
async fn bad_credentials_and_none_are_told_alike() {
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
            let services = Arc::new(Fixed::default());
            let response = ask(config(), services.clone(), request(method, path, headers, "")).await;
            assert_eq!((response.status().as_u16(), text(&response)), (401, NOT_LOGGED_IN), "{headers:?}");
            assert!(services.revoked.lock().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn every_refusal_of_a_token_is_the_same() {
    for refusal in [
        TokenError::Invalid,
        TokenError::RealmInactive,
        TokenError::UserInactive,
        TokenError::OtherRealm,
        TokenError::WebhookBot,
    ] {
        let services = Fixed {
            check: Box::new(move |_| Ok(CheckReply { outcome: Err(refusal), rate_limit: None })),
            ..Fixed::default()
        };
        let response = ask(config(), Arc::new(services), signed_in("GET", "/api/v1/me")).await;
        assert_eq!((response.status().as_u16(), text(&response)), (401, NOT_LOGGED_IN), "{refusal:?}");
    }
}

#[tokio::test]
async fn token_that_cannot_be_looked_up_is_unavailable() {
    let services = Fixed { check: Box::new(|_| Err(InternalError::unavailable("gone"))), ..Fixed::default() };
    let response = ask(config(), Arc::new(services), signed_in("GET", "/api/v1/me")).await;
    assert_eq!(response.status(), 503);
}
