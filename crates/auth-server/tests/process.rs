//! The process of a server: its limits, its store, and a start without a realm.
#![cfg(test)]

use std::fs::{self, File};
use std::process::{Command, Stdio};

use auth_conformance::http::Request;
use auth_conformance::process::Process;
use auth_conformance::{Server, ServerConfig};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_auth-server");

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@example.org","password":"correct-horse-battery-9876"}
"#;

const TOO_FEW_FILES: &str = "the limit of open files is too low";

/// A server that a shell starts after these commands, and its log until it listens.
fn start_after(commands: &str, config: &ServerConfig) -> (Server, Process, String) {
    let server = Server::prepare(BINARY.as_ref(), config).unwrap();
    let log = server.dir().join("log");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{commands}; exec \"$0\" serve --config \"$1\"")]);
    command.arg(BINARY).arg(server.dir().join("auth.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let mut process = Process::spawn(&mut command).unwrap();
    process.wait_until_listening(server.address(), &log).unwrap();
    server.wait_for_log("listening").unwrap();
    let log = server.log();
    (server, process, log)
}

/// The soft and the hard limit of a process.
fn limits(process: u32, name: &str) -> (String, String) {
    let text = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

#[test]
fn soft_limit_of_open_files_is_raised_and_one_that_is_too_low_is_told() {
    for (connections, is_told) in [(100, false), (2000, true)] {
        let config = ServerConfig::for_tests().set("server.max_connections", connections);
        let (_server, process, log) = start_after("ulimit -Sn 200; ulimit -Hn 1000", &config);
        let thousand = || "1000".to_owned();
        assert_eq!(limits(process.id(), "Max open files"), (thousand(), thousand()));
        assert_eq!(log.contains(TOO_FEW_FILES), is_told, "{log}");
        process.stop().unwrap();
    }
}

#[test]
fn core_dumps_are_off_unless_they_are_switched_on() {
    let none = || ("0".to_owned(), "0".to_owned());
    let inherited = limits(std::process::id(), "Max core file size");
    for (config, expected) in [
        (ServerConfig::for_tests(), none()),
        (ServerConfig::for_tests().set("server.core_dumps", true), inherited),
    ] {
        let (_server, process, _) = start_after(":", &config);
        assert_eq!(limits(process.id(), "Max core file size"), expected);
        process.stop().unwrap();
    }
}

#[test]
fn one_server_alone_serves_a_sqlite_store_and_commands_run_beside_it() {
    let config = ServerConfig::for_tests().realm("main");
    let mut first = Server::start(BINARY.as_ref(), &config, USERS).unwrap();
    let second = || first.command(&["serve", "--config", "@CONFIG@"], "").unwrap();
    let refused = second();
    let (error, pid) = (String::from_utf8(refused.stderr).unwrap(), first.pid().unwrap());
    assert_eq!(refused.status.code(), Some(1), "{error}");
    let told = format!("auth-server: another server (process {pid}) serves the store ");
    let lines: Vec<&str> = error.lines().filter(|line| !line.contains(" WARN ")).collect();
    assert!(matches!(lines[..], [line] if line.starts_with(&told)), "{error}");

    let add = ["user", "add", "--config", "@CONFIG@", "--name", "othello", "--email", "othello@example.org"];
    assert_eq!(first.run(&add, "tractor-violin-1234\n").unwrap(), "added\n");
    let login = Request::new("POST", "/a").basic("othello", "tractor-violin-1234");
    assert_eq!(first.send(&login).unwrap().status, 200);

    first.kill();
    first.serve().unwrap();
    assert_eq!(first.send(&login).unwrap().status, 200, "the lock ends with its process");
    first.restart().unwrap();
    first.stop().unwrap();
}

#[test]
fn without_a_realm_every_login_is_refused_in_the_form_of_its_protocol_and_the_start_says_so() {
    let config = ServerConfig::for_tests().set("zettelstore.login_delay", "0s");
    let mut server = Server::prepare(BINARY.as_ref(), &config).unwrap();
    server.serve().unwrap();
    for protocol in ["zulip", "rocketchat", "zettelstore"] {
        let line = server.wait_for_log(&format!("protocol=\"{protocol}\"")).unwrap();
        assert!(line.contains(" WARN ") && line.contains("refuses every login"), "{line}");
    }
    let form = Request::new("POST", "/api/v1/fetch_api_key").form("username=iago%40example.org&password=p");
    let response = server.send(&form).unwrap();
    assert_eq!(response.status, 404, "{}", response.text());
    assert_eq!(response.json().unwrap()["code"], "NONEXISTENT_SUBDOMAIN");
    let login = json!({"user": "iago", "password": "p"});
    let response = server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
    let text = "Unauthorized";
    let unauthorized = json!({"success": false, "status": "error", "error": text, "message": text});
    assert_eq!((response.status, response.json().unwrap()), (401, unauthorized));
    let response = server.send(&Request::new("POST", "/a").basic("iago", "p")).unwrap();
    assert_eq!((response.status, response.text().as_str()), (401, "Authentication failed\n"));

    server.import(USERS).unwrap();
    server.restart().unwrap();
    let login = json!({"user": "iago", "password": "correct-horse-battery-9876"});
    assert_eq!(server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap().status, 200);
    server.stop().unwrap();
}
