//! Published clients of Rocket.Chat's sockets, unchanged, against `auth-server dev`: they log in, resume, ask for
//! rooms, and report a wrong password in their own way.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use auth_conformance::client::Client;
use auth_conformance::{DevServer, Options, Server, server_binary};
use serde_json::{Value, json};

/// Runs a client against a server of its own: the log-ins and what each must print.
fn check(client: impl Fn() -> Client, log_ins: &[(&str, &str, bool)], refusal: &Value) {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = format!("http://{}", server.address().unwrap());
    for (user, password, right) in log_ins {
        let (let_in, said) = client().log_in(&[url.as_str(), user, password]).unwrap();
        assert_eq!(let_in, *right, "{user}: {said}");
        if *right {
            assert_eq!(said["id"].as_str().map(str::len), Some(17), "{said}");
            assert_eq!(said["rooms"], json!([]), "{said}");
            // Strangers are told that they are.
            assert_ne!(said["device"], "not-authorized", "{said}");
        } else {
            assert_eq!(&said, refusal, "{user}");
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
fn node_ddp_client_with_a_second_factor() {
    let options = Options::new(server_binary().unwrap());
    let fixture = |name| std::fs::read_to_string(options.data.join("fixtures").join(name)).unwrap();
    let (config, users) = (fixture("rocketchat.toml"), fixture("rocketchat.jsonl"));
    let mut server = Server::start(&options.binary, &config, &users).unwrap();
    let url = format!("http://{}", server.address());
    let client = || Client::node("ddp_client.js").unwrap();
    let (let_in, said) = client().log_in(&[url.as_str(), "totpuser", "mypassword"]).unwrap();
    assert_eq!((let_in, &said["refused"]), (false, &json!("totp-required")), "{said}");
    let (let_in, said) = client().log_in(&[url.as_str(), "totpuser", "mypassword", "aBcD2345"]).unwrap();
    assert!(let_in, "{said}");
    assert!(said["device"]["remaining"].is_u64(), "{said}");
    server.stop().unwrap();
}

#[test]
fn node_ddp_client_resumes_and_knows_when_its_token_ends() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = format!("http://{}", server.address().unwrap());
    let client = Client::node("ddp_client.js").unwrap();
    let (_, said) = client.log_in(&[url.as_str(), "myusername", "mypassword"]).unwrap();
    assert_eq!(said["resumed"], said["id"], "{said}");
    assert!(said["ends"].as_str().is_some_and(|date| date.ends_with('Z')), "{said}");
    server.stop().unwrap();
}

#[test]
fn token_of_a_rest_log_in_resumes_on_a_socket() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = format!("http://{}", server.address().unwrap());
    let request = auth_conformance::http::Request::new("POST", "/api/v1/login")
        .form("user=myusername&password=mypassword");
    let answer = server.send(&request).unwrap().json().unwrap();
    let token = answer["data"]["authToken"].as_str().unwrap();
    let client = Client::python("rocketchat_async_client.py").unwrap();
    let (let_in, said) = client.log_in(&[url.as_str(), "--resume", token]).unwrap();
    assert!(let_in, "{said}");
    assert_eq!(said["id"], answer["data"]["userId"]);
    server.stop().unwrap();
}
