//! One user of one realm, who logs in at all three protocols, is refused at all three within a second of being
//! deactivated from the command line, and logs in again.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::Request;
use auth_conformance::{Server, ServerConfig, server_binary};
use serde_json::{Value, json};

const USERS: &str = r#"{"kind":"realm","realm":"house","name":"House"}
{"kind":"user","realm":"house","username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada","password":"correct horse battery"}
"#;

fn start() -> Server {
    let config = ServerConfig::for_tests()
        .without_limits()
        .realm("house")
        .set("rocketchat.email_2fa_auto_opt_in", false)
        .set("zettelstore.login_delay", "0s");
    Server::start(&server_binary().unwrap(), &config, USERS).unwrap()
}

/// A login at each protocol.
fn logins() -> [Request; 3] {
    [
        Request::new("POST", "/api/v1/fetch_api_key")
            .form("username=ada%40example.org&password=correct+horse+battery"),
        Request::new("POST", "/api/v1/login")
            .json(&json!({"user": "ada", "password": "correct horse battery"})),
        Request::new("POST", "/a").form("username=ada&password=correct+horse+battery"),
    ]
}

/// The status of a login at each protocol.
fn log_in(server: &Server) -> [u16; 3] {
    logins().map(|request| server.send(&request).unwrap().status)
}

/// Requests with the credentials that a login at each protocol returned.
struct Credentials([Request; 3]);

impl Credentials {
    fn of(server: &Server) -> Self {
        let [zulip, chat, notes] = logins().map(|request| server.send(&request).unwrap().json().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self([
            Request::new("GET", "/api/v1/users/me").basic(&text(&zulip["email"]), &text(&zulip["api_key"])),
            Request::new("GET", "/api/v1/me")
                .header("X-User-Id", &text(&chat["data"]["userId"]))
                .header("X-Auth-Token", &text(&chat["data"]["authToken"])),
            Request::new("POST", "/x?cmd=authenticated")
                .header("Authorization", &format!("Bearer {}", text(&notes["token"]))),
        ])
    }

    /// The status of a call with each credential.
    fn check(&self, server: &Server) -> [u16; 3] {
        self.0.each_ref().map(|request| server.send(request).unwrap().status)
    }
}

/// Runs a command about the user, and returns the lines that it prints.
fn run_for_ada(server: &Server, command: &[&str]) -> Vec<String> {
    let arguments = [command, &["--config", "@CONFIG@", "--realm", "house", "ada"]].concat();
    server.run(&arguments, "").unwrap().lines().map(str::to_owned).collect()
}

/// Waits at most a second until calls with the credentials have these statuses.
fn wait_for_statuses(server: &Server, credentials: &Credentials, expected: [u16; 3]) {
    let watch = Stopwatch::start();
    while credentials.check(server) != expected {
        assert!(watch.elapsed() < Duration::from_secs(1), "{:?}", credentials.check(server));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn deactivation_takes_effect_at_every_protocol_within_a_second_and_can_be_undone() {
    let server = start();
    assert_eq!(log_in(&server), [200; 3]);
    let credentials = Credentials::of(&server);
    assert_eq!(credentials.check(&server), [200, 200, 204]);

    run_for_ada(&server, &["user", "deactivate"]);
    wait_for_statuses(&server, &credentials, [401; 3]);
    assert_eq!(log_in(&server), [401; 3]);

    run_for_ada(&server, &["user", "activate"]);
    let watch = Stopwatch::start();
    while log_in(&server) != [200; 3] {
        assert!(watch.elapsed() < Duration::from_secs(2), "still refused after activation");
        thread::sleep(Duration::from_millis(20));
    }
    // API keys survive a deactivation, and sessions do not.
    assert_eq!(credentials.check(&server), [200, 401, 401]);
}

#[test]
fn credentials_are_listed_and_revoked_from_the_command_line() {
    let server = start();
    let credentials = Credentials::of(&server);
    let listed: Vec<Value> = run_for_ada(&server, &["token", "list"])
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = listed.iter().map(|token| token["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["rocketchat-token", "zettelstore-token", "zulip-key"]);

    for (token, left) in listed.iter().zip([[200, 401, 204], [200, 401, 401]]) {
        let id = token["id"].as_str().unwrap();
        assert_eq!(run_for_ada(&server, &["token", "revoke", "--id", id]), ["revoked"]);
        wait_for_statuses(&server, &credentials, left);
    }
    assert_eq!(run_for_ada(&server, &["token", "revoke", "--all"]), ["revoked"]);
    wait_for_statuses(&server, &credentials, [401; 3]);
    assert_eq!(log_in(&server), [200; 3], "the tokens are revoked, and the account remains");
}
