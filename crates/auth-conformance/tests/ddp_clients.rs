//! Published clients of Rocket.Chat's WebSockets, unchanged, against `auth-server dev`: they log in, resume, ask for
//! rooms, and report a wrong password in their own way.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::{DevServer, Server, server_binary};
use serde_json::{Value, json};

/// The configuration and users of the contract's fixture, in which `totpuser` has a device and backup codes.
const CONFIG: &str = include_str!("../data/fixtures/rocketchat.toml");
const USERS: &str = include_str!("../data/fixtures/rocketchat.jsonl");

/// Runs a client for each login (user name, password, and whether they are right), and checks what it prints.
fn check(client: impl Fn() -> Client, logins: &[(&str, &str, bool)], refusal: &Value) {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = server.url();
    for (user, password, right) in logins {
        let (logged_in, printed) = client().log_in(&[url.as_str(), user, password]).unwrap();
        assert_eq!(logged_in, *right, "{user}: {printed}");
        if *right {
            assert_eq!(printed["id"].as_str().map(str::len), Some(17), "{printed}");
            assert_eq!(printed["rooms"], json!([]), "{printed}");
            // A client that is not logged in gets this error.
            assert_ne!(printed["device"], "not-authorized", "{printed}");
        } else {
            assert_eq!(&printed, refusal, "{user}");
        }
    }
    server.stop().unwrap();
}

const BY_NAME: &[(&str, &str, bool)] =
    &[("myusername", "mypassword", true), ("myusername", "wrong", false), ("nobody", "mypassword", false)];

#[test]
fn python_rocketchat_async() {
    let client = || Client::python("rocketchat_async_client.py").unwrap();
    check(client, BY_NAME, &json!({"refused": "User not found"}));
}

#[test]
fn python_rocketchat_py_sdk() {
    let client = || Client::python("rocketchat_py_sdk_client.py").unwrap();
    let refusal = json!({"refused": "User not found"});
    check(client, BY_NAME, &refusal);
    check(client, &[("my@email.com", "mypassword", true), ("my@email.com", "wrong", false)], &refusal);
}

#[test]
fn node_ddp_client() {
    let client = || Client::node("ddp_client.js").unwrap();
    check(client, BY_NAME, &json!({"refused": 401, "reason": "User not found"}));
}

#[test]
fn node_ddp_client_knows_the_user_name_from_the_collection() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let client = Client::node("ddp_client.js").unwrap();
    let (_, printed) = client.log_in(&[server.url().as_str(), "myusername", "mypassword"]).unwrap();
    assert_eq!(printed["name"], "myusername", "{printed}");
    server.stop().unwrap();
}

/// The bot does nothing before the server's first ping, which comes after 15 seconds.
#[test]
fn python_rocketbotte() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = server.url();
    let request = Request::new("POST", "/api/v1/login").form("user=myusername&password=mypassword");
    let answer = server.send(&request).unwrap().json().unwrap();
    let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
    let client = Client::python("rocketbotte_client.py").unwrap();
    let (logged_in, printed) = client.log_in(&[url, text("userId"), text("authToken")]).unwrap();
    assert!(logged_in, "{printed}");
    assert_eq!(printed["id"], text("userId"));
    server.stop().unwrap();
}

#[test]
fn node_ddp_client_with_a_second_factor() {
    let mut server = Server::start(&server_binary().unwrap(), CONFIG, USERS).unwrap();
    let url = server.url();
    let client = || Client::node("ddp_client.js").unwrap();
    let (logged_in, printed) = client().log_in(&[url.as_str(), "totpuser", "mypassword"]).unwrap();
    assert_eq!((logged_in, &printed["refused"]), (false, &json!("totp-required")), "{printed}");
    let (logged_in, printed) =
        client().log_in(&[url.as_str(), "totpuser", "mypassword", "aBcD2345"]).unwrap();
    assert!(logged_in, "{printed}");
    assert!(printed["device"]["remaining"].is_u64(), "{printed}");
    server.stop().unwrap();
}

#[test]
fn node_ddp_client_resumes_and_knows_when_its_token_expires() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = server.url();
    let client = Client::node("ddp_client.js").unwrap();
    let (_, printed) = client.log_in(&[url.as_str(), "myusername", "mypassword"]).unwrap();
    assert_eq!(printed["resumed"], printed["id"], "{printed}");
    assert!(printed["ends"].as_str().is_some_and(|date| date.ends_with('Z')), "{printed}");
    server.stop().unwrap();
}

#[test]
fn token_of_a_rest_login_resumes_on_a_websocket() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = server.url();
    let request = Request::new("POST", "/api/v1/login").form("user=myusername&password=mypassword");
    let answer = server.send(&request).unwrap().json().unwrap();
    let token = answer["data"]["authToken"].as_str().unwrap();
    let client = Client::python("rocketchat_async_client.py").unwrap();
    let (logged_in, printed) = client.log_in(&[url.as_str(), "--resume", token]).unwrap();
    assert!(logged_in, "{printed}");
    assert_eq!(printed["id"], answer["data"]["userId"]);
    server.stop().unwrap();
}
