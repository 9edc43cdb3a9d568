//! Logins with passwords that a service on loopback judges.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_core::{InternalErrorKind, NameKind, Peer};
use auth_crypto::argon2::Params;
use auth_engine::{Config, Engine, FailureDelay, LoginOutcome, PasswordConfig};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_backend::{NAME, REALM};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A service with one person, and an engine that asks it.
struct World {
    engine: Arc<Engine>,
    is_broken: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let is_broken = Arc::new(AtomicBool::new(false));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/check", listener.local_addr().unwrap()).parse().unwrap();
        let broken = Arc::clone(&is_broken);
        let check = post(move |Json(question): Json<Value>| async move {
            if broken.load(Ordering::Relaxed) {
                StatusCode::BAD_GATEWAY.into_response()
            } else {
                judge(&question)
            }
        });
        let service = axum::Router::new().route("/check", check);
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let passwords = PasswordConfig {
            params: Params::new(64, 1, 1).unwrap(),
            failure_delay: FailureDelay::Off,
            ..PasswordConfig::default()
        };
        let config = Config { passwords, ..Config::default() };
        let engine = http_backend::open(folder.path(), address, config).await.unwrap();
        Self { engine, is_broken, _folder: folder }
    }

    async fn log_in(&self, name: &str, password: &str) -> Result<LoginOutcome, InternalErrorKind> {
        let answer = self.engine.log_in_with_password(REALM, name, password, &Peer::new(CLIENT)).await;
        Ok(answer.map_err(|error| error.kind())?.released().await)
    }
}

/// The service knows Ada, by her name and by her address.
fn judge(question: &Value) -> Response {
    match (question["name"].as_str().unwrap(), question["password"].as_str().unwrap()) {
        ("ada" | "ada@example.org", "her password there") => Json(json!({
            "id": "17", "name": "ada", "email": "ada@example.org", "full_name": "Ada L.",
        }))
        .into_response(),
        ("ada" | "ada@example.org", _) => StatusCode::FORBIDDEN.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test]
async fn the_first_login_makes_an_account_and_later_ones_find_it() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["ada", "ada@example.org", "ada"] {
        let LoginOutcome::SignedIn(login) = world.log_in(name, "her password there").await.unwrap() else {
            panic!("{name}");
        };
        let user = &login.profile.user;
        assert_eq!((user.user_name(), user.full_name.as_str()), (Some("ada"), "Ada L."));
        assert!(user.name(NameKind::Directory).is_some(), "the account belongs to the entry of {NAME}");
        assert!(!login.profile.has_password, "nothing of the password is stored");
        ids.push(user.id);
    }
    assert_eq!(ids[1..], [ids[0], ids[0]]);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_names_are_refused_alike() {
    let world = World::new().await;
    for (name, password) in [("ada", "guess"), ("nobody", "her password there")] {
        let outcome = world.log_in(name, password).await.unwrap();
        assert!(matches!(outcome, LoginOutcome::WrongCredentials), "{name}: {outcome:?}");
    }
    let realm = world.engine.store().realms().await.unwrap().remove(0);
    assert!(world.engine.store().users(realm.id, None, 10).await.unwrap().is_empty(), "no account was made");
}

#[tokio::test]
async fn a_broken_service_is_no_wrong_password() {
    let world = World::new().await;
    world.is_broken.store(true, Ordering::Relaxed);
    // More often than wrong passwords are allowed.
    for _ in 0..20 {
        let outcome = world.log_in("ada", "her password there").await;
        assert_eq!(outcome.unwrap_err(), InternalErrorKind::Unavailable);
    }
    world.is_broken.store(false, Ordering::Relaxed);
    let outcome = world.log_in("ada", "her password there").await.unwrap();
    assert!(matches!(outcome, LoginOutcome::SignedIn(_)), "{outcome:?}");
}
