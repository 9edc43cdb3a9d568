//! Published clients of Rocket.Chat's REST API, unchanged: they log in, with a second factor where they can, use their
//! token, and report a wrong password in their own way. The clients of the WebSockets are in `ddp_clients.rs`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use auth_conformance::client::Client;
use auth_conformance::{Server, server_binary};
use serde_json::{Value, json};

/// The configuration and users of the contract's fixture, in which `totpuser` has a device and backup codes.
const CONFIG: &str = include_str!("../data/fixtures/rocketchat.toml");
const USERS: &str = include_str!("../data/fixtures/rocketchat.jsonl");

fn start() -> (Server, String) {
    let server = Server::start(&server_binary().unwrap(), CONFIG, USERS).unwrap();
    let url = server.url();
    (server, url)
}

/// Logs in by name and by address, and checks what the client prints for a wrong password and for a missing code.
fn check(client: impl Fn() -> Client, refusal: &Value, missing_code: &Value) {
    let (mut server, url) = start();
    for name in ["myusername", "my@email.com"] {
        let (logged_in, me) = client().log_in(&[url.as_str(), name, "mypassword"]).unwrap();
        assert!(logged_in, "{name}: {me}");
        assert_eq!(me["username"], "myusername", "{me}");
    }
    for (name, password, expected) in [
        ("myusername", "wrong", refusal),
        ("nobody", "mypassword", refusal),
        ("totpuser", "wrong", refusal),
        ("totpuser", "mypassword", missing_code),
    ] {
        let (logged_in, printed) = client().log_in(&[url.as_str(), name, password]).unwrap();
        assert!(!logged_in, "{name}");
        assert_eq!(&printed, expected, "{name}");
    }
    server.stop().unwrap();
}

#[test]
fn python_rocketchat_api() {
    let refusal = json!({"refused": "RocketAuthenticationException"});
    check(|| Client::python("rocketchat_client.py").unwrap(), &refusal, &refusal);
}

#[test]
fn python_rocket_python() {
    let refusal = json!({"refused": 401});
    check(|| Client::python("rocket_python_client.py").unwrap(), &refusal, &refusal);
}

#[test]
fn node_rocketchat_api() {
    let refusal = json!({"refused": "Could not login. Check username and password"});
    check(|| Client::node("rocketchat_api_client.js").unwrap(), &refusal, &refusal);
}

#[test]
fn node_api_client() {
    let client = || Client::node("api_client.js").unwrap();
    let refused = |error: &str| json!({"refused": 401, "error": error});
    check(client, &refused("Unauthorized"), &refused("totp-required"));

    let (mut server, url) = start();
    let codes = ["totpuser", "mypassword", "aBcD2345", "eFgH6789"];
    let (logged_in, me) = client().log_in(&[&[url.as_str()], &codes[..]].concat()).unwrap();
    assert!(logged_in, "{me}");
    assert_eq!((&me["username"], &me["asked"]), (&json!("totpuser"), &json!(["totp"])));
    server.stop().unwrap();
}

#[test]
fn node_sdk() {
    let client = || Client::node("rocketchat_sdk_client.js").unwrap();
    let refused = |_: &str, error: &str| json!({"refused": 401, "error": error});
    check_by_name(client, refused);
}

#[test]
fn node_sdk_0_2() {
    let client = || Client::node("rocketchat_sdk_old_client.js").unwrap();
    let refused = |name: &str, error: &str| json!({"refused": format!("[API] Login failed for {name}"), "error": error});
    check_by_name(client, refused);
}

/// The SDKs send every name as a user name, so that login by address fails. `refused` makes what a client prints, from
/// the name and the server's error.
fn check_by_name(client: impl Fn() -> Client, refused: impl Fn(&str, &str) -> Value) {
    let (mut server, url) = start();
    for (name, password, code, expected) in [
        ("myusername", "mypassword", None, None),
        ("myusername", "wrong", None, Some("Unauthorized")),
        ("my@email.com", "mypassword", None, Some("Unauthorized")),
        ("totpuser", "mypassword", None, Some("totp-required")),
        ("totpuser", "mypassword", Some("aBcD2345"), None),
    ] {
        let mut arguments = vec![url.as_str(), name, password];
        arguments.extend(code);
        let (logged_in, printed) = client().log_in(&arguments).unwrap();
        match expected {
            None => assert_eq!((logged_in, &printed["username"]), (true, &json!(name)), "{printed}"),
            Some(error) => assert_eq!((logged_in, printed), (false, refused(name, error)), "{name}"),
        }
    }
    server.stop().unwrap();
}
