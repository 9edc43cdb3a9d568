//! How refusals and internal errors are rendered, whatever the services say.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::FakeServices;
use auth_core::*;
use auth_proto_zulip::Config;
use auth_proto_zulip::exact::ASSERTION_TYPE_ERROR;
use bytes::Bytes;
use serde_json::json;

use crate::routes::{FETCH, FORM, IAGO, ME, USERS, config, parsed};
use crate::server::{Server, body, header, request};
use crate::world::{Ways, World};

/// The moment before which no refusal may be answered.
const LATER: Timestamp = Timestamp::from_secs(1_700_000_000);

fn server(services: FakeServices, exact: Exact) -> Server {
    Server::with(Config { development: true, exact, ..config() }, Arc::new(services))
}

fn world() -> World {
    World::new(USERS, Ways::default(), Arc::new(ManualClock::default()))
}

/// A server that refuses every login and checks keys.
fn refusing(error: LoginError, exact: Exact) -> Server {
    let world = world();
    let services = world
        .realms()
        .on_log_in(move |_| LoginReply {
            result: Err(error.clone()),
            rate_limit: None,
            not_before: Some(LATER),
        })
        .on_check(move |check| world.check(check));
    server(services, exact)
}

/// A server whose services answer everything but the look-up of a realm with an internal error.
fn failing(error: &InternalError) -> Server {
    let (of_login, of_check, of_action) = (error.clone(), error.clone(), error.clone());
    let services = world()
        .realms()
        .on_log_in(move |_| LoginReply::refused(LoginError::Internal(of_login.clone())))
        .on_check(move |_| CheckReply::refused(TokenError::Internal(of_check.clone())))
        .on_action(move |_| Err(ActionError::Internal(of_action.clone())));
    server(services, Exact::default())
}

/// A request to each route that asks the services.
fn questions() -> Vec<http::Request<Bytes>> {
    vec![
        request("POST", FETCH, [FORM], "username=iago@zulip.com&password=x"),
        request("POST", "/api/v1/jwt/fetch_api_key", [FORM], "token=x"),
        request("POST", "/api/v1/dev_fetch_api_key", [FORM], "username=iago@zulip.com"),
        request("GET", "/api/v1/dev_list_users", [], ""),
        request("GET", ME, [IAGO], ""),
    ]
}

#[tokio::test]
async fn internal_errors_are_told_in_zulips_format_without_their_cause_and_handed_on() {
    for (error, status, retry_after) in [
        (InternalError::unavailable("secret cause"), 503, None),
        (InternalError::busy(Duration::from_millis(1500)), 503, Some("2")),
        (InternalError::defect("secret cause"), 500, None),
    ] {
        let server = failing(&error);
        for question in questions() {
            let path = question.uri().path().to_owned();
            let answer = server.send(question).await;
            assert_eq!(answer.response.status().as_u16(), status, "{path}");
            assert_eq!(header(&answer, "retry-after"), retry_after, "{path}");
            assert_eq!(header(&answer, "content-type"), Some("application/json"));
            assert!(!body(&answer).contains("secret"));
            assert_eq!(parsed(&answer)["result"], "error");
            assert_eq!(answer.error.as_ref(), Some(&error), "{path}");
        }
    }
}

#[tokio::test]
async fn limit_that_is_not_the_protocols_shows_no_rate_limit_status() {
    let retry_after = Duration::from_millis(2500);
    let server = refusing(LoginError::ClientLimited { retry_after }, Exact::default());
    for question in questions().into_iter().take(3) {
        let answer = server.send(question).await;
        assert_eq!(answer.response.status(), 429);
        assert_eq!(header(&answer, "retry-after"), Some("2.5"));
        assert_eq!(parsed(&answer)["retry-after"], 2.5);
        assert_eq!(header(&answer, "x-ratelimit-limit"), None);
    }
}

#[tokio::test]
async fn refusals_wait_for_the_moment_that_the_reply_names() {
    let server = refusing(LoginError::Credentials(FailureReason::WrongPassword), Exact::default());
    for question in questions().into_iter().take(3) {
        let path = question.uri().path().to_owned();
        assert_eq!(server.send(question).await.not_before, Some(LATER), "{path}");
    }
}

#[tokio::test]
async fn refused_assertions_have_their_own_texts() {
    let bad = (400, "Bad JSON web token");
    for (error, token, exact, (status, message)) in [
        (
            LoginError::AssertionDisabled,
            "",
            false,
            (400, "JWT authentication is not enabled for this organization"),
        ),
        (LoginError::AssertionInvalid, "", false, (400, "No JSON web token passed in request")),
        (LoginError::AssertionInvalid, "x", false, bad),
        (
            LoginError::AssertionWithoutSubject,
            "x",
            false,
            (400, "No email specified in JSON web token claims"),
        ),
        (LoginError::AssertionMalformed, "x", false, bad),
        (LoginError::AssertionMalformed, "x", true, (500, "Internal server error")),
        (LoginError::UserInactive, "x", false, (401, "Account is deactivated")),
        (LoginError::RealmInactive, "x", false, (401, "This organization has been deactivated")),
        (
            LoginError::Credentials(FailureReason::UnknownUser),
            "x",
            false,
            (401, "Your username or password is incorrect"),
        ),
    ] {
        let exact = Exact::only(exact.then_some(ASSERTION_TYPE_ERROR));
        let server = refusing(error.clone(), exact);
        let answer =
            server.send(request("POST", "/api/v1/jwt/fetch_api_key", [FORM], format!("token={token}"))).await;
        assert_eq!(answer.response.status().as_u16(), status, "{error:?}");
        assert_eq!(parsed(&answer)["msg"], message, "{error:?}");
        assert_eq!(answer.error, None, "{error:?}: no error of this server");
    }
}

#[tokio::test]
async fn other_realm_is_told_by_development_servers_alone() {
    let server = refusing(LoginError::OtherRealm, Exact::default());
    let mut statuses = Vec::new();
    for question in questions().into_iter().take(3) {
        statuses.push(server.send(question).await.response.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 404]);
}

#[tokio::test]
async fn include_profile_must_be_a_json_boolean() {
    let server = refusing(LoginError::AssertionInvalid, Exact::default());
    for (value, message) in [
        ("true", "Bad JSON web token"),
        ("false", "Bad JSON web token"),
        ("yes", "include_profile is not valid JSON"),
        ("", "include_profile is not valid JSON"),
        ("True", "include_profile is not valid JSON"),
        ("1", "include_profile is not a boolean"),
        ("null", "include_profile is not a boolean"),
        ("\"true\"", "include_profile is not a boolean"),
    ] {
        let form = format!("token=x&include_profile={value}");
        let answer = server.send(request("POST", "/api/v1/jwt/fetch_api_key", [FORM], form)).await;
        assert_eq!(
            (answer.response.status().as_u16(), &parsed(&answer)["msg"]),
            (400, &json!(message)),
            "{value}"
        );
    }
}

#[tokio::test]
async fn too_many_new_keys_of_an_account_are_told_as_a_rate_limit() {
    let world = world();
    let services = world
        .realms()
        .on_check(move |check| world.check(check))
        .on_action(|_| Err(ActionError::TooManyActs(Duration::from_millis(2500))));
    let path = "/api/v1/users/me/api_key/regenerate";
    let answer = server(services, Exact::default()).send(request("POST", path, [IAGO], "")).await;
    assert_eq!(answer.response.status(), 429);
    assert_eq!(header(&answer, "retry-after"), Some("2.5"));
    let told = parsed(&answer);
    assert_eq!((&told["result"], &told["code"]), (&json!("error"), &json!("RATE_LIMIT_HIT")));
    assert_eq!(told["retry-after"], 2.5);
    assert_eq!(answer.error, None, "no defect");
}
