//! Published clients, unchanged, against `auth-server dev`: they log in, use what they got, and report a wrong
//! password in their own way.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use auth_conformance::{DevServer, server_binary};
use serde_json::Value;

/// Where `cargo xtask clients` puts them.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("clients");
    let complete =
        folder.join("python/bin/python").exists() && folder.join("node/node_modules/zulip-js").exists();
    assert!(complete, "the clients are not installed: run cargo xtask clients");
    folder
}

/// Runs a client; gives whether it was let in, and the JSON it prints.
fn run(program: &Path, script: &str, address: &str, user: &str, password: &str) -> (bool, Value) {
    let home = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script);
    let done = Command::new(program)
        .arg(script)
        .args([&format!("http://{address}"), user, password])
        // A user's own settings have no say.
        .env_remove("ZULIP_CONFIG")
        .env_remove("ZULIP_API_KEY")
        .env("HOME", home.path())
        .env("NO_PROXY", "127.0.0.1")
        .env("NODE_PATH", installed().join("node/node_modules"))
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let json = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&done.stderr)));
    (done.status.success(), json)
}

#[test]
fn python_zulip() {
    let python = installed().join("python/bin/python");
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let address = server.address().unwrap().to_string();
    let (let_in, profile) = run(&python, "python/zulip_client.py", &address, "iago@zulip.com", "abcd1234");
    assert!(let_in, "{profile}");
    assert_eq!((&profile["user_id"], &profile["email"]), (&5.into(), &"iago@zulip.com".into()));
    let (let_in, refusal) = run(&python, "python/zulip_client.py", &address, "iago@zulip.com", "wrong");
    assert!(!let_in);
    assert_eq!(refusal["code"], "AUTHENTICATION_FAILED", "{refusal}");
    server.stop().unwrap();
}

#[test]
fn node_zulip() {
    let node = Path::new("node");
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let address = server.address().unwrap().to_string();
    let (let_in, profile) = run(node, "node/zulip_client.js", &address, "iago@zulip.com", "abcd1234");
    assert!(let_in, "{profile}");
    assert_eq!((&profile["user_id"], &profile["email"]), (&5.into(), &"iago@zulip.com".into()));
    let (let_in, refusal) = run(node, "node/zulip_client.js", &address, "iago@zulip.com", "wrong");
    assert!(!let_in);
    assert_eq!(refusal["code"], "AUTHENTICATION_FAILED", "{refusal}");
    server.stop().unwrap();
}

#[test]
fn python_rocketchat() {
    let python = installed().join("python/bin/python");
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let address = server.address().unwrap().to_string();
    for name in ["myusername", "my@email.com"] {
        let (let_in, me) = run(&python, "python/rocketchat_client.py", &address, name, "mypassword");
        assert!(let_in, "{me}");
        assert_eq!(me["username"], "myusername", "{me}");
    }
    let (let_in, refusal) = run(&python, "python/rocketchat_client.py", &address, "myusername", "wrong");
    assert!(!let_in);
    assert_eq!(refusal["refused"], "RocketAuthenticationException", "{refusal}");
    server.stop().unwrap();
}
