//! A log that can't be written: the server answers as ever, and tells later what is missing.
#![cfg(test)]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use auth_conformance::http::{self, Request};
use auth_conformance::process::{Process, free_address};
use auth_conformance::{Server, ServerConfig};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_auth-server");

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@example.org","password":"correct-horse-battery-9876"}
"#;

/// Logins of each protocol in a round.
const LOGINS: usize = 200;

/// How long an answer may take: far longer than it does, far shorter than a server that hangs.
const PROMPT: Duration = Duration::from_secs(5);

/// A server that is prepared, with users in its store, and the address of its metrics.
fn prepare() -> (Server, SocketAddr) {
    let metrics = free_address().unwrap();
    let config = ServerConfig::for_tests()
        .without_limits()
        .realm("main")
        .set("log.format", "json")
        .set("log.level", "trace")
        .set("zettelstore.login_delay", "0s")
        .set("metrics.listen", metrics.to_string());
    let server = Server::prepare(BINARY.as_ref(), &config).unwrap();
    server.import(USERS).unwrap();
    (server, metrics)
}

/// The command that serves, run by a shell with this redirection.
fn serve(server: &Server, redirection: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" serve --config \"$1\" {redirection}")]);
    command.arg(BINARY).arg(server.dir().join("auth.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn start(server: &Server, command: &mut Command) -> Process {
    let mut process = Process::spawn(command).unwrap();
    process.wait_until_listening(server.address(), &server.dir().join("log")).unwrap();
    process
}

/// Logs in once at each protocol; every answer must be right and prompt.
fn log_in(server: &Server, kind: &str) {
    const PASSWORD: &str = "correct-horse-battery-9876";
    let form = format!("username=iago%40example.org&password={PASSWORD}");
    for (protocol, request, expected) in [
        ("zulip", Request::new("POST", "/api/v1/fetch_api_key").form(&form), json!({"result": "success"})),
        (
            "rocketchat",
            Request::new("POST", "/api/v1/login").json(&json!({"user": "iago", "password": PASSWORD})),
            json!({"status": "success"}),
        ),
        ("zettelstore", Request::new("POST", "/a").basic("iago", PASSWORD), json!({"token_type": "Bearer"})),
    ] {
        let response = server.send(&request).unwrap();
        assert_eq!(response.status, 200, "{kind}, {protocol}: {}", response.text());
        assert!(response.took < PROMPT, "{kind}, {protocol}: {:?}", response.took);
        let json: Value = response.json().unwrap();
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&json[key], value, "{kind}, {protocol}: {json}");
        }
    }
}

/// Looks at the server as a watcher does; every answer must be right and prompt.
fn watch(metrics: SocketAddr, kind: &str) {
    for path in ["/livez", "/readyz", "/metrics"] {
        let response = http::send(metrics, &Request::new("GET", path)).unwrap();
        assert!(response.status == 200 && response.took < PROMPT, "{kind}, {path}: {response:?}");
    }
}

/// The number of log lines that the server says are lost.
fn lost_lines(metrics: SocketAddr) -> u64 {
    let page = http::send(metrics, &Request::new("GET", "/metrics")).unwrap().text();
    let line = page.lines().find_map(|line| line.strip_prefix("auth_server_log_lines_lost_total "));
    line.unwrap().parse().unwrap()
}

#[test]
fn logins_are_answered_whatever_becomes_of_the_log() {
    let (server, metrics) = prepare();
    for kind in ["closed", "full disk", "pipe without a reader"] {
        let mut command = serve(&server, if kind == "closed" { "2>&-" } else { "" });
        if kind == "full disk" {
            command.stderr(File::options().write(true).open("/dev/full").unwrap());
        }
        if kind == "pipe without a reader" {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            command.stderr(writer);
        }
        let process = start(&server, &mut command);
        for _ in 0..LOGINS {
            log_in(&server, kind);
        }
        watch(metrics, kind);
        process.stop().unwrap();
    }
}

#[test]
fn log_that_nobody_reads_holds_up_no_login_and_tells_later_how_many_lines_are_lost() {
    let (server, metrics) = prepare();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = serve(&server, "");
    command.stderr(writer);
    let process = start(&server, &mut command);
    // Only the server has this end of the pipe now.
    drop(command);
    let mut logins = 0;
    while logins < LOGINS || lost_lines(metrics) == 0 {
        log_in(&server, "pipe that nobody reads");
        logins += 1;
        assert!(logins < 100 * LOGINS, "no line was lost");
    }
    watch(metrics, "pipe that nobody reads");

    let (told, lines) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        for line in BufReader::new(reader).lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            // The test may have ended.
            let _ = told.send(line);
        }
    });
    let next = || lines.recv_timeout(Duration::from_secs(20)).unwrap();
    let missing = loop {
        let line = next();
        if line["message"].as_str().is_some_and(|message| message.ends_with(" log lines lost")) {
            break line;
        }
    };
    assert_eq!(missing["level"], "WARN", "{missing}");
    assert_eq!(missing["message"], format!("{} log lines lost", missing["lines"]));
    assert_eq!(missing["lines"], lost_lines(metrics), "{missing}");
    log_in(&server, "pipe that is read again");
    process.stop().unwrap();
    reading.join().unwrap();
    assert!(
        lines.iter().any(|line| line["message"] == "stopped"),
        "the last lines are written before the end"
    );
}

#[test]
fn server_that_can_not_start_ends_although_nobody_reads_why() {
    let server = Server::prepare(BINARY.as_ref(), &ServerConfig::for_tests()).unwrap();
    std::fs::write(server.dir().join("keys.toml"), "no keys").unwrap();
    // As much as a pipe holds.
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'\n'; 1 << 16]).unwrap();
    let process = Process::spawn(serve(&server, "").stderr(writer)).unwrap();
    let ended = process.wait().unwrap_err().to_string();
    assert!(ended.contains("exit status: 1"), "{ended}");
}

#[test]
fn demo_server_starts_and_answers_without_a_log() {
    let mut command = Command::new(BINARY);
    command.args(["dev", "--listen", "127.0.0.1:0", "--ready-json"]).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(File::options().write(true).open("/dev/full").unwrap());
    let mut process = Process::spawn(&mut command).unwrap();
    let mut line = String::new();
    BufReader::new(process.take_stdout().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let address = ready["address"].as_str().unwrap().parse().unwrap();
    let log_in = Request::new("POST", "/api/v1/login");
    for (password, status) in [("mypassword", 200), ("wrong", 401)].repeat(LOGINS) {
        let login = json!({"user": "myusername", "password": password});
        let response = http::send(address, &log_in.clone().json(&login)).unwrap();
        assert_eq!(response.status, status, "{}", response.text());
    }
    process.stop().unwrap();
}
