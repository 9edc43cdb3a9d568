//! Published clients, unchanged, against `auth-server dev`: they log in, use their token, and report a wrong password
//! in their own way. The clients of Zulip are in `zulip_clients.rs`.

#![cfg(test)]

use auth_conformance::client::Client;
use auth_conformance::{DevServer, server_binary};

#[test]
fn python_rocketchat() {
    let client = || Client::python("rocketchat_client.py").unwrap();
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = server.url();
    for name in ["myusername", "my@email.com"] {
        let (logged_in, me) = client().log_in(&[&url, name, "mypassword"]).unwrap();
        assert!(logged_in, "{me}");
        assert_eq!(me["username"], "myusername", "{me}");
    }
    let (logged_in, refusal) = client().log_in(&[&url, "myusername", "wrong"]).unwrap();
    assert!(!logged_in);
    assert_eq!(refusal["refused"], "RocketAuthenticationException", "{refusal}");
    server.stop().unwrap();
}
