//! One user of one realm: let in at all three protocols, refused at all three within a second of being deactivated
//! from the command line, and let in again.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, server_binary};
use serde_json::{Value, json};

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:@PORT@"]

[store]
url = "sqlite:@DIR@/auth.db"

[keys]
file = "@DIR@/keys.toml"

[limits]
shared = "off"

[passwords]
memory_kib = 1024
iterations = 1

[zulip]
realm = "house"
login_limit = "off"

[rocketchat]
realm = "house"
api_limit = "off"
block_by_user = "off"
block_by_address = "off"
email_2fa_auto_opt_in = false

[zettelstore]
realm = "house"
login_delay = "0s"
"#;

const USERS: &str = r#"{"kind":"realm","realm":"house","name":"House"}
{"kind":"user","realm":"house","username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada","password":"correct horse battery"}
"#;

/// The status of a log-in at each protocol.
fn log_in(server: &Server) -> [u16; 3] {
    [
        Request::new("POST", "/api/v1/fetch_api_key")
            .form("username=ada%40example.org&password=correct+horse+battery"),
        Request::new("POST", "/api/v1/login")
            .json(&json!({"user": "ada", "password": "correct horse battery"})),
        Request::new("POST", "/a").form("username=ada&password=correct+horse+battery"),
    ]
    .map(|request| server.send(&request).unwrap().status)
}

/// What a log-in gave, presented again.
struct Credentials(Vec<Request>);

impl Credentials {
    fn of(server: &Server) -> Self {
        let json = |request: &Request| server.send(request).unwrap().json().unwrap();
        let zulip = json(
            &Request::new("POST", "/api/v1/fetch_api_key")
                .form("username=ada%40example.org&password=correct+horse+battery"),
        );
        let chat = json(
            &Request::new("POST", "/api/v1/login")
                .json(&json!({"user": "ada", "password": "correct horse battery"})),
        );
        let notes = json(&Request::new("POST", "/a").form("username=ada&password=correct+horse+battery"));
        let basic = format!("{}:{}", zulip["email"].as_str().unwrap(), zulip["api_key"].as_str().unwrap());
        let basic = data_encoding::BASE64.encode(basic.as_bytes());
        Self(vec![
            Request::new("GET", "/api/v1/users/me").header("Authorization", &format!("Basic {basic}")),
            Request::new("GET", "/api/v1/me")
                .header("X-User-Id", chat["data"]["userId"].as_str().unwrap())
                .header("X-Auth-Token", chat["data"]["authToken"].as_str().unwrap()),
            Request::new("POST", "/x?cmd=authenticated")
                .header("Authorization", &format!("Bearer {}", notes["token"].as_str().unwrap())),
        ])
    }

    fn present(&self, server: &Server) -> Vec<u16> {
        self.0
            .iter()
            .map(|request| server.send(request).unwrap())
            .map(|answer: Response| answer.status)
            .collect()
    }
}

fn user(server: &Server, command: &str) {
    about_ada(server, &["user", command]);
}

/// Runs a command about the user; gives the lines it prints.
fn about_ada(server: &Server, command: &[&str]) -> Vec<String> {
    let arguments = [command, &["--config", "@CONFIG@", "--realm", "house", "ada"]].concat();
    let done = server.command(&arguments, "").unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Waits until what is presented is answered so, a second at most.
fn within_a_second(server: &Server, credentials: &Credentials, expected: [u16; 3]) {
    let since = Stopwatch::start();
    while credentials.present(server) != expected {
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", credentials.present(server));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn deactivation_is_felt_at_every_protocol_within_a_second_and_can_be_undone() {
    let server = Server::start(&server_binary().unwrap(), CONFIG, USERS).unwrap();
    assert_eq!(log_in(&server), [200; 3]);
    let credentials = Credentials::of(&server);
    assert_eq!(credentials.present(&server), [200, 200, 204]);

    user(&server, "deactivate");
    within_a_second(&server, &credentials, [401; 3]);
    assert_eq!(log_in(&server), [401; 3]);

    user(&server, "activate");
    let since = Stopwatch::start();
    while log_in(&server) != [200; 3] {
        assert!(since.elapsed() < Duration::from_secs(2), "still refused after activation");
        thread::sleep(Duration::from_millis(20));
    }
    // Keys are kept for this; sessions were ended for good.
    assert_eq!(credentials.present(&server), [200, 401, 401]);
}

#[test]
fn what_clients_hold_is_listed_and_taken_away_from_the_command_line() {
    let server = Server::start(&server_binary().unwrap(), CONFIG, USERS).unwrap();
    let credentials = Credentials::of(&server);
    let listed: Vec<Value> = about_ada(&server, &["token", "list"])
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = listed.iter().map(|token| token["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["rocketchat-token", "zulip-key"]);

    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(about_ada(&server, &["token", "revoke", "--id", id]), ["revoked"]);
    within_a_second(&server, &credentials, [200, 401, 204]);
    assert_eq!(about_ada(&server, &["token", "revoke", "--all"]), ["revoked"]);
    within_a_second(&server, &credentials, [401; 3]);
    assert_eq!(log_in(&server), [200; 3], "tokens are gone, not the account");
}
