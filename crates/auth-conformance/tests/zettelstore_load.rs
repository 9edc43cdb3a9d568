//! 2,000 log-ins at once at the Zettelstore protocol: none lost, answered when the contract says while there are places,
//! told 503 beyond them, memory bounded, and the other protocols as quick as before.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{Request, Response};
use auth_conformance::matching::answered_token;
use auth_conformance::{Server, server_binary};
use serde_json::json;

/// Log-ins at once.
const CLIENTS: usize = 2000;

/// Threads that hash, and the memory of a hash in KiB.
const WORKERS: usize = 2;
const MEMORY_KIB: usize = 1024;

/// What the server may take in KiB: idle, each hashing thread, each open connection with its request, task and
/// answer.
const MOST_KIB: usize = 30 * 1024 + WORKERS * MEMORY_KIB + CLIENTS * 40;

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:@PORT@"]
max_connections = 4096

[store]
url = "sqlite:@DIR@/auth.db"

[keys]
file = "@DIR@/keys.toml"

[limits]
shared = "off"

[passwords]
memory_kib = 1024
iterations = 1
workers = 2
queue = 4096

[log]
level = "warn"

[zulip]
realm = "main"
api_limit = "off"

[rocketchat]
api_limit = "off"
"#;

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ada","email":"ada@example.org","email_verified":true,"password":"correct horse battery"}
"#;

const LOG_IN: &str = "username=ada&password=correct+horse+battery";

/// One flood after the other.
static FLOOD: Mutex<()> = Mutex::new(());

/// An answer and how long it took.
struct Answered {
    response: Response,
    took: Duration,
}

/// Connects so many clients, lets all of them log in at once, and gathers what they are told.
fn flood(server: &Server, clients: usize) -> Vec<Answered> {
    let connect = || {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    let clients: Vec<TcpStream> = (0..clients).map(|_| connect()).collect();
    let request = format!(
        "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{LOG_IN}",
        LOG_IN.len()
    );
    let mut open = Vec::new();
    for mut stream in clients {
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        open.push((stream, Stopwatch::start(), Vec::new()));
    }
    let mut answered = Vec::new();
    let since = Stopwatch::start();
    while !open.is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "{} are lost", open.len());
        open.retain_mut(|(stream, watch, data)| {
            let ended = read_on(stream, data);
            if ended {
                answered.push(Answered { response: Response::parse(data), took: watch.elapsed() });
            }
            !ended
        });
        thread::sleep(Duration::from_millis(10));
    }
    answered
}

/// Takes what has come; whether that was the end.
fn read_on(stream: &mut TcpStream, data: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return true,
            Ok(length) => data.extend(chunk.iter().take(length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}"),
        }
    }
}

/// The other protocols' checks of what a log-in gave.
fn checks(server: &Server) -> [Request; 2] {
    let form = Request::new("POST", "/api/v1/fetch_api_key");
    let key = server.send(&form.form("username=ada%40example.org&password=correct+horse+battery")).unwrap();
    let key = key.json().unwrap().pointer("/api_key").unwrap().as_str().unwrap().to_owned();
    let chat = Request::new("POST", "/api/v1/login");
    let chat = server.send(&chat.json(&json!({"user": "ada", "password": "correct horse battery"}))).unwrap();
    let chat = chat.json().unwrap();
    let text = |pointer| chat.pointer(pointer).unwrap().as_str().unwrap();
    let basic = data_encoding::BASE64.encode(format!("ada@example.org:{key}").as_bytes());
    [
        Request::new("GET", "/api/v1/users/me").header("Authorization", &format!("Basic {basic}")),
        Request::new("GET", "/api/v1/me")
            .header("X-User-Id", text("/data/userId"))
            .header("X-Auth-Token", text("/data/authToken")),
    ]
}

/// The median time of the checks, asked for one after the other until `done`.
fn median(server: &Server, checks: &[Request], done: impl Fn(usize) -> bool) -> Duration {
    let mut took = Vec::new();
    while !done(took.len()) {
        for check in checks {
            let answer = server.send(check).unwrap();
            assert_eq!(answer.status, 200);
            took.push(answer.took);
        }
    }
    middle(took)
}

fn middle(mut took: Vec<Duration>) -> Duration {
    took.sort();
    *took.get(took.len() / 2).unwrap()
}

/// The median time of answers, all of which let in, and none earlier than the contract says.
fn all_let_in(answered: &[Answered]) -> Duration {
    for Answered { response, took } in answered {
        assert_eq!(response.status, 200, "{}", response.text());
        assert!(answered_token(response).0.is_some());
        assert!(*took >= Duration::from_millis(450), "{took:?}");
    }
    middle(answered.iter().map(|answered| answered.took).collect())
}

/// The most memory the process has had in KiB.
fn peak_kib(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Lets this process, and the servers it starts, have so many connections.
fn allow_connections() {
    let own = std::process::id().to_string();
    let done = Command::new("prlimit").args(["--pid", &own, "--nofile=8192:"]).status();
    assert!(done.is_ok_and(|status| status.success()), "the limit of open files must be 8192 or more");
}

#[test]
fn two_thousand_at_once_are_all_answered_and_the_other_protocols_stay_quick() {
    let _alone = FLOOD.lock();
    allow_connections();
    let server = Server::start(&server_binary().unwrap(), CONFIG, USERS).unwrap();
    let checks = checks(&server);
    let few = all_let_in(&flood(&server, 20));
    assert!(few < Duration::from_secs(1), "half a second when there is little to do: {few:?}");
    let before = median(&server, &checks, |count| count >= 200);

    let over = AtomicBool::new(false);
    let (answered, during) = thread::scope(|scope| {
        let during = scope.spawn(|| median(&server, &checks, |_| over.load(Ordering::Relaxed)));
        let answered = flood(&server, CLIENTS);
        over.store(true, Ordering::Relaxed);
        (answered, during.join().unwrap())
    });
    assert_eq!(answered.len(), CLIENTS);
    all_let_in(&answered);
    assert!(
        during < before * 10 + Duration::from_millis(10),
        "{during:?} while they log in, {before:?} before"
    );
    assert!(peak_kib(&server) < MOST_KIB, "{} KiB", peak_kib(&server));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn beyond_the_places_the_protocol_says_when_to_come_again() {
    let _alone = FLOOD.lock();
    allow_connections();
    let config = CONFIG.replace("max_connections = 4096", "max_connections = 4096\nmax_waiting = 500");
    let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let answered = flood(&server, CLIENTS);
    assert_eq!(answered.len(), CLIENTS);
    let let_in = answered.iter().filter(|answered| answered.response.status == 200).count();
    for Answered { response, .. } in answered.iter().filter(|answered| answered.response.status != 200) {
        assert_eq!((response.status, response.text().as_str()), (503, "Service Unavailable\n"));
        assert_eq!(response.header("retry-after"), Some("1"));
    }
    assert!((500..CLIENTS).contains(&let_in), "{let_in} were let in");
}
