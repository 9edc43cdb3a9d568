//! A crate outside of the workspace: it asks the packages for what their front pages promise.

use std::process::Command;
use std::sync::Arc;

use auth_core::testing::{FakeServices, RealmBuilder};
use auth_core::{ImportMode, NewRecord, OnConflict, Password, Peer, Protocol, RealmStore as _, SeededRng, UserStore as _};
use auth_crypto::argon2::{Memory, Params};
use auth_crypto::password::{self, HashingRule, NameContext, SecretInput, StoredPassword, Upgrade, Verdict};
use auth_proto_rocketchat::{Config, RocketChatProtocol};

#[test]
fn a_password_is_hashed_and_found_right() {
    let rule = HashingRule { params: Params::new(64, 2, 1).unwrap(), digest_ready: false };
    let right = SecretInput::Password(Password::new("correct horse"));
    let wrong = SecretInput::Password(Password::new("battery staple"));
    let mut memory = Memory::new();
    let stored = password::hash(&right, &rule, &SeededRng::new(1), &mut memory).unwrap();
    let stored = StoredPassword::parse(&stored).unwrap();
    let mut verify =
        |input| password::verify(Some(&stored), input, &rule, &NameContext::default(), &mut memory).unwrap();
    assert_eq!(verify(&right), Verdict::Match { upgrade: Upgrade::None });
    assert_eq!(verify(&wrong), Verdict::NoMatch);
}

#[tokio::test]
async fn a_store_keeps_a_realm() {
    let folder = tempfile::tempdir().unwrap();
    let store = auth_store::Sqlite::open(&folder.path().join("store.db")).unwrap();
    let realm = RealmBuilder::new("main").build();
    let records = std::iter::once(Some(NewRecord::from(realm.clone())));
    store
        .import(Box::new(records), ImportMode::Write, OnConflict::Refuse, Box::new(|_, _| ()), None)
        .await
        .unwrap();
    assert_eq!(store.realms().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_protocol_answers_a_request() {
    let services = FakeServices::new().realm(RealmBuilder::new("chat").build());
    let protocol = RocketChatProtocol::new(Config::new("chat", "http://localhost:3000"), Arc::new(services));
    let request = http::Request::post("/api/v1/login")
        .header("content-type", "application/json")
        .body(bytes::Bytes::from_static(br#"{"user":"myusername","password":"guess"}"#))
        .unwrap();
    let answer = protocol.handle(request, &Peer::new([127, 0, 0, 1].into())).await;
    assert_eq!(answer.response.status(), 401);
}

#[test]
fn a_file_of_htpasswd_becomes_import_lines() {
    let file = b"ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";
    let mut converted = auth_transfer::convert_htpasswd(&file[..], "main").unwrap();
    assert!(converted.lines.text().unwrap().contains(r#""username":"ada""#));
}

#[test]
fn the_program_prints_the_defaults_of_its_package() {
    let program = std::env::var_os("AUTH_SERVER_BIN").unwrap();
    let output = Command::new(program).args(["config", "default"]).output().unwrap();
    assert!(output.status.success());
    let defaults = std::fs::read_to_string(std::env::var_os("AUTH_SERVER_DEFAULTS").unwrap()).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), defaults.trim_end());
}
