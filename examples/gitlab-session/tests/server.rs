//! The program: one account store, and logins at four protocols over its port.

#![cfg(test)]

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use auth_conformance::ServerConfig;
use auth_conformance::http::{self, Request, Response};
use auth_conformance::process::{Process, free_address, run};
use auth_core::ImportMode;
use auth_server::{Assembled, config};
use auth_transfer::{import, unwatched};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","full_name":"Iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

const PASSWORD: &str = "correct-horse-battery-9876";

/// The running program. It is killed when this is dropped.
struct Server {
    address: SocketAddr,
    process: Process,
    folder: TempDir,
}

impl Server {
    /// Imports the users as an auth-server without the protocol does, then starts the program.
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address().unwrap();
        let config =
            ServerConfig::for_tests().set("zulip.realm", "main").set("zettelstore.login_delay", "0s");
        let config = config.to_string().replace("@PORT@", &address.port().to_string());
        let file = folder.path().join("auth.toml");
        fs::write(&file, config.replace("@DIR@", &folder.path().to_string_lossy())).unwrap();

        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let config = config::Config::load(&file, &[]).unwrap();
            let assembled = Assembled::create(&config).await.unwrap();
            import(assembled.engine(), USERS.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();
        });
        drop(runtime);

        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-session"));
        command.arg("--config").arg(&file).args(arguments).stdin(Stdio::null());
        let mut process = Process::spawn(command.stdout(log.try_clone().unwrap()).stderr(log)).unwrap();
        process.wait_until_listening(address, &folder.path().join("log")).unwrap();
        Self { address, process, folder }
    }

    fn send(&self, request: &Request) -> Response {
        http::send(self.address, request).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// A login by GitLab's API.
    fn log_in(&self, password: &str) -> (u16, Value) {
        let login = json!({ "login": "iago", "password": password });
        answer(&self.send(&Request::new("POST", "/api/v4/session").json(&login)))
    }

    /// The answer to a call of GitLab's API with a token.
    fn gitlab(&self, method: &str, path: &str, token: &str) -> (u16, Value) {
        answer(&self.send(&Request::new(method, path).header("PRIVATE-TOKEN", token)))
    }
}

fn answer(response: &Response) -> (u16, Value) {
    (response.status, response.json().unwrap_or_default())
}

#[test]
fn one_account_logs_in_at_four_protocols() {
    let server = Server::start(&[]);

    let form = "username=iago%40zulip.com&password=correct-horse-battery-9876";
    let (status, zulip) = answer(&server.send(&Request::new("POST", "/api/v1/fetch_api_key").form(form)));
    assert_eq!((status, &zulip["result"]), (200, &json!("success")));
    let me =
        Request::new("GET", "/api/v1/users/me").basic("iago@zulip.com", zulip["api_key"].as_str().unwrap());
    assert_eq!(server.send(&me).status, 200);

    let login = json!({ "user": "iago", "password": PASSWORD });
    let (status, rocketchat) = answer(&server.send(&Request::new("POST", "/api/v1/login").json(&login)));
    assert_eq!((status, &rocketchat["status"]), (200, &json!("success")));
    let user_id = rocketchat["data"]["userId"].as_str().unwrap();
    let rocketchat_token = rocketchat["data"]["authToken"].as_str().unwrap();
    let me =
        |token| Request::new("GET", "/api/v1/me").header("X-User-Id", user_id).header("X-Auth-Token", token);
    assert_eq!(server.send(&me(rocketchat_token)).status, 200);

    let (status, zettelstore) = answer(&server.send(&Request::new("POST", "/a").basic("iago", PASSWORD)));
    assert_eq!(status, 200);
    let bearer = format!("Bearer {}", zettelstore["token"].as_str().unwrap());
    let check = Request::new("POST", "/x?cmd=authenticated").header("Authorization", &bearer);
    assert_eq!(server.send(&check).status, 204);

    let (status, mut gitlab) = server.log_in(PASSWORD);
    let token = gitlab.as_object_mut().unwrap().remove("private_token").unwrap();
    let token = token.as_str().unwrap();
    let user =
        json!({ "id": 1, "username": "iago", "name": "Iago", "email": "iago@zulip.com", "state": "active" });
    assert_eq!((status, &gitlab), (201, &user));
    assert_eq!(server.gitlab("GET", "/api/v4/user", token), (200, user));

    // No token is good at the other protocol.
    let unauthorized = (401, json!({ "message": "401 Unauthorized" }));
    assert_eq!(server.gitlab("GET", "/api/v4/user", rocketchat_token), unauthorized);
    assert_eq!(server.send(&me(token)).status, 401);

    assert_eq!(server.gitlab("DELETE", "/api/v4/personal_access_tokens/self", token), (204, Value::Null));
    assert_eq!(server.gitlab("GET", "/api/v4/user", token), unauthorized);
    assert_eq!(server.log_in("wrong"), unauthorized);

    server.process.stop().unwrap();
}

#[test]
fn each_protocol_answers_for_unknown_paths_below_its_own_prefix() {
    let server = Server::start(&[]);
    let not_found = json!({ "error": "404 Not Found" });
    for path in ["/api/v4/projects", "/api/v4"] {
        assert_eq!(answer(&server.send(&Request::new("GET", path))), (404, not_found.clone()), "{path}");
    }
    let (status, rocketchat) = answer(&server.send(&Request::new("GET", "/api/v1/nothing")));
    assert_eq!(status, 404);
    assert_ne!(rocketchat, not_found);
    let zettelstore = server.send(&Request::new("GET", "/nothing"));
    assert!(zettelstore.text().starts_with("<!DOCTYPE html>"), "{}", zettelstore.text());
}

#[test]
fn internal_error_is_answered_and_logged_with_its_cause() {
    let server = Server::start(&[]);
    let store = Connection::open(server.folder.path().join("auth.db")).unwrap();
    store.execute("UPDATE user SET role = 'nonsense'", []).unwrap();
    assert_eq!(server.log_in(PASSWORD), (500, json!({ "message": "500 Internal Server Error" })));
    let log = server.log();
    let is_told = |line: &str| line.contains("ERROR") && line.contains("a stored record can't be read");
    assert!(log.lines().any(is_told), "{log}");
}

#[test]
fn without_its_realm_a_login_is_refused_like_that_of_an_unknown_user() {
    let server = Server::start(&["--realm", "missing"]);
    let unauthorized = (401, json!({ "message": "401 Unauthorized" }));
    assert_eq!(server.log_in(PASSWORD), unauthorized);
}

#[test]
fn unknown_exact_point_is_refused_with_the_known_ones() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-session"));
    let output = run(command.args(["--config", "auth.toml", "--exact", "nothing"]), "").unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("the points are: blocked-before-password"), "{told}");
}
