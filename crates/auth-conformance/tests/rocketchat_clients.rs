//! Published clients of Rocket.Chat's REST API, unchanged: they log in, with a second factor where they can, use
//! what they got, and report a wrong password in their own way (rocketchat.md 6). Those of the sockets are in
//! `ddp_clients.rs`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use auth_conformance::client::Client;
use auth_conformance::{Options, Server, server_binary};
use serde_json::{Value, json};

/// The contract's fixture users: `totpuser` has a device and backup codes.
fn start() -> (Server, String) {
    let options = Options::new(server_binary().unwrap());
    let fixture = |name| std::fs::read_to_string(options.data.join("fixtures").join(name)).unwrap();
    let (config, users) = (fixture("rocketchat.toml"), fixture("rocketchat.jsonl"));
    let server = Server::start(&options.binary, &config, &users).unwrap();
    let url = format!("http://{}", server.address());
    (server, url)
}

/// Logs in by name and by address, and says how a wrong password and a missing code are reported.
fn check(client: impl Fn() -> Client, refusal: &Value, without_code: &Value) {
    let (mut server, url) = start();
    for name in ["myusername", "my@email.com"] {
        let (let_in, me) = client().log_in(&[url.as_str(), name, "mypassword"]).unwrap();
        assert!(let_in, "{name}: {me}");
        assert_eq!(me["username"], "myusername", "{me}");
    }
    for (name, password, expected) in [
        ("myusername", "wrong", refusal),
        ("nobody", "mypassword", refusal),
        ("totpuser", "wrong", refusal),
        ("totpuser", "mypassword", without_code),
    ] {
        let (let_in, told) = client().log_in(&[url.as_str(), name, password]).unwrap();
        assert!(!let_in, "{name}");
        assert_eq!(&told, expected, "{name}");
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
    let (let_in, me) = client().log_in(&[&[url.as_str()], &codes[..]].concat()).unwrap();
    assert!(let_in, "{me}");
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
fn node_sdk_of_old() {
    let client = || Client::node("rocketchat_sdk_old_client.js").unwrap();
    let refused = |name: &str, error: &str| json!({"refused": format!("[API] Login failed for {name}"), "error": error});
    check_by_name(client, refused);
}

/// The SDKs send whatever they are given as a user name, so an address is none. They report a user name's error.
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
        let (let_in, told) = client().log_in(&arguments).unwrap();
        match expected {
            None => assert_eq!((let_in, &told["username"]), (true, &json!(name)), "{told}"),
            Some(error) => assert_eq!((let_in, told), (false, refused(name, error)), "{name}"),
        }
    }
    server.stop().unwrap();
}
