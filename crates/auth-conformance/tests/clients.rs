//! Published clients, unchanged, against `auth-server dev`: they log in, use what they got, and report a wrong
//! password in their own way. Zulip's are in `zulip_clients.rs`.

#![cfg(test)]

use auth_conformance::client::Client;
use auth_conformance::{DevServer, server_binary};

#[test]
fn python_rocketchat() {
    let client = || Client::python("rocketchat_client.py").unwrap();
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = format!("http://{}", server.address().unwrap());
    for name in ["myusername", "my@email.com"] {
        let (let_in, me) = client().log_in(&[&url, name, "mypassword"]).unwrap();
        assert!(let_in, "{me}");
        assert_eq!(me["username"], "myusername", "{me}");
    }
    let (let_in, refusal) = client().log_in(&[&url, "myusername", "wrong"]).unwrap();
    assert!(!let_in);
    assert_eq!(refusal["refused"], "RocketAuthenticationException", "{refusal}");
    server.stop().unwrap();
}
