//! The limit per client key and route.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{CheckReply, RateLimitStatus, Timestamp, TokenError};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use crate::fixture;
use crate::support::{ask, config, header, log_in, request, services, text};

const OPEN: RateLimitStatus = RateLimitStatus {
    limit: 10,
    remaining: 9,
    reset: Timestamp::from_millis(1_767_323_105_678),
    retry_after: None,
};

const SHUT: RateLimitStatus =
    RateLimitStatus { remaining: 0, retry_after: Some(Duration::from_millis(41_200)), ..OPEN };

fn rate_limit(response: &Response<Bytes>) -> [Option<&str>; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| header(response, name))
}

fn me_as(user: &str) -> Request<Bytes> {
    let (id, token) = (fixture::id(user), fixture::token(user));
    request("GET", "/api/v1/me", &[("X-User-Id", &id), ("X-Auth-Token", &token)], "")
}

#[tokio::test]
async fn every_answer_of_a_limited_route_tells_the_rate_limit() {
    let good = json!({"user": "myusername", "password": "mypassword"});
    let bad = json!({"user": "myusername", "password": "wrong"});
    for (asked, status) in [
        (log_in(&good), 200),
        (log_in(&bad), 401),
        (log_in(&json!({})), 401),
        (log_in(&json!([])), 400),
        (me_as("myusername"), 200),
        (me_as("nobody"), 401),
        (request("GET", "/api/info", &[], ""), 200),
    ] {
        let services = services().on_admit(|_, _, _| Some(OPEN));
        let response = ask(config(), Arc::new(services), asked).await;
        assert_eq!(response.status(), status);
        assert_eq!(rate_limit(&response), [Some("10"), Some("9"), Some("1767323105678")]);
    }
}

#[tokio::test]
async fn refused_call_is_not_attempted() {
    let services = Arc::new(services().on_admit(|_, _, _| Some(SHUT)));
    let body = json!({"user": "myusername", "password": "mypassword"});
    let response = ask(config(), services.clone(), log_in(&body)).await;
    assert_eq!(response.status(), 429);
    assert_eq!(
        text(&response),
        concat!(
            r#"{"success":false,"error":"Error, too many requests. Please slow down. You must wait 42 seconds "#,
            r#"before trying this endpoint again. [error-too-many-requests]"}"#
        )
    );
    assert_eq!(rate_limit(&response), [Some("10"), Some("0"), Some("1767323105678")]);
    assert_eq!(header(&response, "retry-after"), None);
    assert!(services.attempts().is_empty());
}

#[tokio::test]
async fn routes_are_counted_by_method_and_path() {
    for (method, path, counted) in [
        ("POST", "/api/v1/login?x=1", &["POST /api/v1/login"][..]),
        ("POST", "/api/v1/logout", &["POST /api/v1/logout"]),
        ("GET", "/api/v1/logout", &["GET /api/v1/logout"]),
        ("HEAD", "/api/v1/me", &["GET /api/v1/me"]),
        ("GET", "/api/v1/nothing", &[]),
        ("OPTIONS", "/api/v1/login", &[]),
    ] {
        let services = Arc::new(services());
        ask(config(), services.clone(), request(method, path, &[], "")).await;
        assert_eq!(services.admitted(), counted, "{method} {path}");
    }
}

#[tokio::test]
async fn administrators_are_not_limited_where_they_are_known() {
    let services = Arc::new(services().on_admit(|_, _, _| Some(SHUT)));
    let response = ask(config(), services.clone(), me_as("admin")).await;
    assert_eq!((response.status().as_u16(), rate_limit(&response)), (200, [None; 3]));
    assert!(services.admitted().is_empty());

    let body = json!({"user": "admin", "password": "adminpassword"});
    assert_eq!(ask(config(), services.clone(), log_in(&body)).await.status(), 429);
    assert_eq!(ask(config(), services, me_as("myusername")).await.status(), 429);
}

#[tokio::test]
async fn limit_of_the_check_is_answered_like_that_of_the_route() {
    let limited = |_: &_| CheckReply { result: Err(TokenError::Limited), rate_limit: Some(SHUT) };
    let services = services().on_check(limited);
    let response = ask(config(), Arc::new(services), me_as("myusername")).await;
    assert_eq!((response.status().as_u16(), rate_limit(&response)[1]), (429, Some("0")));
}
