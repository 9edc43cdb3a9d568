//! The built binary copies a whole store between SQLite and PostgreSQL.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;
#[path = "common/workspace.rs"]
mod workspace;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use auth_conformance::Server;
use auth_conformance::http::Request;
use serde_json::json;
use test_postgres::Cluster;

use crate::workspace::{Workspace, text};

const PASSWORD: &str = "correct-horse-battery-9876";
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// The tokens of Rocket.Chat are `login-token-of-iago` and `personal-token-of-iago`.
const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@example.org","email_verified":true,"password":"correct-horse-battery-9876","rocketchat_id":"iagoiagoiagoiago1","rocketchat_tokens":[{"digest":"/f6cdW2FzUExaSdNWOhtMq/7fSq7fD876EFJgUehMtA=","created":"2999-01-01T00:00:00Z"},{"digest":"TO8FrZSNU5+XcC/iPhZh22l91EgAxW/5ewvfi1b2M/Y=","name":"bot","last_part":"ofiago","bypass_second_factor":true}]}
{"kind":"user","realm":"main","username":"totp","email":"totp@example.org","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345","eFgH6789","iJkL2345"],"password":"correct-horse-battery-9876"}
"#;

/// What clients of the first server hold.
struct Held {
    zulip_key: String,
    app_password: String,
    key_of_app_password: String,
    zettelstore_token: String,
    rocketchat_token: String,
    /// The one-time code that was used last.
    used_code: Option<String>,
}

fn status(server: &Server, request: &Request) -> u16 {
    server.send(request).unwrap().status
}

fn zulip_key(server: &Server, password: &str) -> String {
    let form = format!("username=iago%40example.org&password={password}");
    let answer = server.send(&Request::new("POST", "/api/v1/fetch_api_key").form(&form)).unwrap();
    answer.json().unwrap()["api_key"].as_str().unwrap().to_owned()
}

impl Held {
    fn fetch(server: &Server) -> Self {
        let line = "user app-password add iago --name phone --protocol zulip --protocol zettelstore --config @CONFIG@";
        let app_password =
            server.run(&line.split(' ').collect::<Vec<_>>(), "").unwrap().trim_end().to_owned();
        let token = server.send(&Request::new("POST", "/a").basic("iago", PASSWORD)).unwrap();
        let session = json!({"user": "iago", "password": PASSWORD});
        let session = server.send(&Request::new("POST", "/api/v1/login").json(&session)).unwrap();
        Self {
            zulip_key: zulip_key(server, PASSWORD),
            key_of_app_password: zulip_key(server, &app_password),
            app_password,
            zettelstore_token: token.json().unwrap()["access_token"].as_str().unwrap().to_owned(),
            used_code: None,
            rocketchat_token: session.json().unwrap()["data"]["authToken"].as_str().unwrap().to_owned(),
        }
    }

    /// Checks that a server takes each of them, and a one-time code and this backup code.
    fn check(&mut self, server: &Server, backup_code: &str) {
        assert_ne!(self.zulip_key, self.key_of_app_password);
        for key in [&self.zulip_key, &self.key_of_app_password] {
            let me = Request::new("GET", "/api/v1/users/me").basic("iago@example.org", key);
            assert_eq!(status(server, &me), 200);
        }
        assert_eq!(zulip_key(server, PASSWORD), self.zulip_key, "sealed by the same key ring");
        assert_eq!(zulip_key(server, &self.app_password), self.key_of_app_password);
        let bearer = format!("Bearer {}", self.zettelstore_token);
        let renew = Request::new("PUT", "/a").header("Authorization", &bearer);
        assert_eq!(status(server, &renew), 200);
        assert_eq!(status(server, &Request::new("POST", "/a").basic("iago", &self.app_password)), 200);
        for token in [self.rocketchat_token.as_str(), "login-token-of-iago", "personal-token-of-iago"] {
            let me = Request::new("GET", "/api/v1/me")
                .header("X-Auth-Token", token)
                .header("X-User-Id", "iagoiagoiagoiago1");
            assert_eq!(status(server, &me), 200, "{token}");
        }
        let log_in = |code: Option<&str>| {
            let login = json!({"user": "totp", "password": PASSWORD, "code": code});
            status(server, &Request::new("POST", "/api/v1/login").json(&login))
        };
        assert_ne!(log_in(None), 200);
        assert_eq!(log_in(Some(backup_code)), 200);
        assert_ne!(log_in(Some(backup_code)), 200, "used up");
        let now = Command::new("oathtool").args(["--totp", "--base32", SECRET]).output().unwrap();
        let code = text(&now.stdout).trim_end().to_owned();
        // A code that was used before the copy was made is used up there too.
        let expected = if self.used_code.as_ref() == Some(&code) { 401 } else { 200 };
        assert_eq!(log_in(Some(&code)), expected);
        self.used_code = Some(code);
    }
}

/// Copies the store of a server that is stopped, and starts the server on the copy.
fn move_to(server: &mut Server, url: &str) -> String {
    server.stop().unwrap();
    let said = server.run(&["store", "copy", "--config", "@CONFIG@", url], "").unwrap();
    let file = server.dir().join("auth.toml");
    let config: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    let mut config = config;
    config["store"]["url"] = url.into();
    std::fs::write(&file, config.to_string()).unwrap();
    server.serve().unwrap();
    said
}

/// The digest that a copy has printed, and how many users it has.
fn digest(said: &str) -> (String, String) {
    let line = |start: &str| said.lines().find_map(|line| line.strip_prefix(start)).unwrap().to_owned();
    (line("both stores are equal, row by row: sha256 "), line("users: "))
}

#[test]
fn a_server_on_a_copy_takes_each_kind_of_credential() {
    let cluster = Cluster::shared().unwrap();
    let config = server::config().without_limits().realm("main").set("zettelstore.login_delay", "0s");
    let mut server = server::start(&config, USERS);
    let mut held = Held::fetch(&server);
    held.check(&server, "aBcD2345");
    let url = cluster.database().unwrap();
    let said = move_to(&mut server, &url);
    assert_eq!(digest(&said).1, "2", "{said}");
    held.check(&server, "eFgH6789");
    let back = format!("sqlite:{}", server.dir().join("back.db").display());
    move_to(&mut server, &back);
    held.check(&server, "iJkL2345");
    let check = server.run(&["store", "check", "--config", "@CONFIG@"], "").unwrap();
    assert_eq!(check, "the store is sound, and the key ring fits\n");
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

/// Starts a copy that is killed as soon as the database has so many rows in a table.
fn kill_at(workspace: &Workspace, cluster: &Cluster, url: &str, table: &str, rows: u64) {
    let mut child = Command::new(server::binary())
        .args(["store", "copy", "--config", "auth.toml", url])
        .current_dir(workspace.0.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let database = url.rsplit('/').next().unwrap();
    let query = format!("SELECT count(*) FROM {table}");
    loop {
        let count = cluster.sql_in(database, &query).ok().and_then(|count| count.trim().parse::<u64>().ok());
        if count.is_some_and(|count| count >= rows) {
            break;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn copy(workspace: &Workspace, url: &str) -> String {
    workspace.succeed(&["store", "copy", "--config", "auth.toml", url], "")
}

#[test]
fn a_copy_that_is_killed_twice_ends_equal_to_one_that_is_not() {
    let cluster = Cluster::shared().unwrap();
    let workspace = Workspace::new();
    workspace.succeed(&["dev", "seed", "--config", "auth.toml", "--users", "20000"], "");
    let whole = copy(&workspace, "sqlite:whole.db");
    let url = cluster.database().unwrap();
    kill_at(&workspace, cluster, &url, "account", 2000);
    kill_at(&workspace, cluster, &url, "credential", 2000);
    // What is on its way is no store.
    let config = std::fs::read_to_string(workspace.path("auth.toml")).unwrap();
    let (before, rest) = config.split_once("url = \"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    workspace.write("copy.toml", &format!("{before}url = \"{url}\"{after}"));
    let unfinished = "[store] PostgreSQL: it is an unfinished copy: run `auth-server store copy` again to finish it, or \
                      remove it";
    for line in ["user list", "store check"] {
        let arguments: Vec<&str> = line.split(' ').chain(["--config", "copy.toml"]).collect();
        assert_eq!(workspace.fail(&arguments, ""), unfinished, "{line}");
    }
    let served = workspace.run(&["serve", "--config", "copy.toml"], "");
    assert!(!served.status.success() && text(&served.stderr).trim_end().ends_with(unfinished));
    let output = workspace.run(&["store", "copy", "--config", "auth.toml", &url], "");
    let (said, remarks) = (text(&output.stdout), text(&output.stderr));
    assert!(remarks.starts_with("carrying on a copy of which "), "{remarks}");
    assert!(
        remarks.ends_with("Counts of attempts were left out, since they end by themselves.\n"),
        "{remarks}"
    );
    assert_eq!((digest(&said), digest(&said).1.as_str()), (digest(&whole), "20000"));
    let check = workspace.succeed(&["store", "check", "--config", "copy.toml"], "");
    assert_eq!(check, "the store is sound, and the key ring fits\n");
}

fn refused(workspace: &Workspace, line: &str) -> String {
    workspace.fail(&["store", "copy"].into_iter().chain(line.split(' ')).collect::<Vec<_>>(), "")
}

#[test]
fn a_copy_is_refused_where_it_would_mix_or_miss_something() {
    let workspace = Workspace::new();
    let users = ["import", "--config", "auth.toml", "users.jsonl"];
    let missing = refused(&workspace, "--config auth.toml sqlite:copy.db");
    assert!(missing.starts_with("there is no store @/auth.db yet"), "{missing}");
    workspace.succeed(&users, "");
    copy(&workspace, "sqlite:copy.db");
    assert_eq!(
        refused(&workspace, "--config auth.toml sqlite:copy.db"),
        "there is a store with content already: name a new file or an empty database"
    );
    let itself = refused(&workspace, "--config auth.toml sqlite:auth.db");
    assert!(itself.ends_with("auth.db is the store itself: name another place for the copy"), "{itself}");
    let cluster = Cluster::shared().unwrap();
    let url = cluster.database().unwrap();
    copy(&workspace, &url);
    assert_eq!(
        refused(&workspace, &format!("--from sqlite:auth.db {url}")),
        "there is a store with content already: name a new file or an empty database"
    );
    let secret = refused(&workspace, "--config auth.toml postgres://auth:hunter2@db/auth");
    assert!(secret.starts_with("TO holds a password, ") && !secret.contains("hunter2"), "{secret}");
    let wrong = refused(&workspace, "--config auth.toml copy.db");
    assert_eq!(wrong, "TO: url must be sqlite: and a path, or postgres://user@host/database");
}

#[test]
fn a_file_that_a_server_serves_is_not_copied() {
    let server = server::start(&server::config(), USERS);
    let to = format!("sqlite:{}", server.dir().join("copy.db").display());
    let copy = |server: &Server| server.command(&["store", "copy", "--config", "@CONFIG@", &to], "").unwrap();
    let output = copy(&server);
    let said = text(&output.stderr);
    assert!(
        !output.status.success() && said.contains(") serves the store ") && said.contains(": stop it first"),
        "{said}"
    );
    assert!(!Path::new(&server.dir().join("copy.db")).exists());
    let mut server = server;
    server.stop().unwrap();
    assert!(copy(&server).status.success());
}

#[test]
fn an_export_names_what_is_not_in_its_lines() {
    let workspace = Workspace::new();
    workspace.succeed(&["import", "--config", "auth.toml", "users.jsonl"], "");
    for line in ["export", "export --with-secrets out.jsonl"] {
        let output = workspace.run(&workspace::arguments(line), "");
        let remark = text(&output.stderr);
        assert!(output.status.success() && remark.lines().count() == 1, "{remark}");
        assert!(
            remark.starts_with("not in the lines: ") && remark.contains("app passwords, tokens, "),
            "{remark}"
        );
        assert!(remark.ends_with("; `auth-server store copy` moves all of them\n"), "{remark}");
        assert_eq!(remark.contains("password hashes"), line == "export", "{remark}");
    }
}
