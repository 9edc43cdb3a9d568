//! A client of Zulip logs in, and its key opens the application's own page.

#![cfg(test)]

use std::time::Duration;

use auth_core::{Clock, SystemClock};
use auth_crypto::argon2::Params;
use auth_engine::{Config, FailureDelay, PasswordConfig};
use auth_tower::{PeerAddress, Proxies};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use data_encoding::BASE64;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// The width of the delay of refusals.
const DELAY: Duration = Duration::from_millis(700);

/// The application, and its folder.
async fn app() -> (Router, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let passwords = PasswordConfig {
        // A hash takes no time.
        params: Params::new(64, 1, 1).unwrap(),
        failure_delay: FailureDelay::Fixed(DELAY),
        ..PasswordConfig::default()
    };
    let engine = zulip_axum::open(folder.path(), Config { passwords, ..Config::default() }).await.unwrap();
    (zulip_axum::app(&engine, &Proxies::default()), folder)
}

async fn ask(app: &Router, request: axum::http::request::Builder, body: &str) -> (Response<()>, String) {
    let request: Request<Body> =
        request.extension(PeerAddress(([192, 0, 2, 1], 4000).into())).body(body.to_owned().into()).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
}

fn login() -> axum::http::request::Builder {
    Request::post("/api/v1/fetch_api_key")
        .header("Host", "localhost")
        .header("Content-Type", "application/x-www-form-urlencoded")
}

#[tokio::test]
async fn the_key_of_a_login_opens_the_applications_own_page() {
    let (app, _folder) = app().await;
    let (answer, body) =
        ask(&app, login(), "username=ada@example.org&password=correct-horse-battery-9876").await;
    assert_eq!(answer.status(), StatusCode::OK, "{body}");
    let reply: Value = serde_json::from_str(&body).unwrap();
    let key = reply["api_key"].as_str().unwrap();

    let hello = |key: &str| {
        let basic = BASE64.encode(format!("ada@example.org:{key}").as_bytes());
        Request::get("/hello").header("Authorization", format!("Basic {basic}"))
    };
    let (answer, body) = ask(&app, hello(key), "").await;
    assert_eq!((answer.status(), body.as_str()), (StatusCode::OK, "Hello, Ada L.!\n"));
    for request in [hello("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), Request::get("/hello")] {
        let (answer, _) = ask(&app, request, "").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    }
}

#[tokio::test]
async fn a_wrong_password_is_answered_at_its_moment_whether_or_not_there_is_the_name() {
    let (app, _folder) = app().await;
    for name in ["ada@example.org", "nobody@example.org"] {
        let began = SystemClock.now();
        let (answer, body) = ask(&app, login(), &format!("username={name}&password=guess")).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{body}");
        assert!(SystemClock.now().since(began) >= DELAY, "{name}");
    }
}
