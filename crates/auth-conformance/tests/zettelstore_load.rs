//! 2,000 logins at once at the Zettelstore protocol: none is lost, each is answered when the contract says, or with 503
//! beyond the configured number, memory stays bounded, and the other protocols stay fast.

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
use auth_conformance::{IssuedToken, Server, ServerConfig, server_binary};
use serde_json::json;

/// The number of logins at once.
const CLIENTS: usize = 2000;

/// The number of hashing threads, and the memory of a hash in KiB.
const WORKERS: usize = 2;
const MEMORY_KIB: usize = 1024;

/// The most memory that the server may use more than when it is idle, in KiB: for each hashing thread, and for each open
/// connection with its request, task and response. What an idle one has is mostly the pages of its program, of which a debug
/// build has many.
const MAX_MORE_KIB: usize = WORKERS * MEMORY_KIB + CLIENTS * 40;

fn config() -> ServerConfig {
    ServerConfig::minimal()
        .without_limits()
        .set("server.max_connections", 4096)
        .set("server.max_per_client", 4096)
        .set("passwords.memory_kib", MEMORY_KIB)
        .set("passwords.iterations", 1)
        .set("passwords.workers", WORKERS)
        .set("passwords.queue", 4096)
        .set("log.level", "warn")
        .set("zulip.realm", "main")
}

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ada","email":"ada@example.org","email_verified":true,"password":"correct horse battery"}
"#;

/// The form of the login.
const FORM: &str = "username=ada&password=correct+horse+battery";

/// Held by the test that runs, so that floods come one after the other.
static FLOOD: Mutex<()> = Mutex::new(());

/// A response and how long it took.
struct Timed {
    response: Response,
    took: Duration,
}

/// Connects the clients, sends a login on each connection at once, and collects the responses.
fn flood(server: &Server, clients: usize) -> Vec<Timed> {
    let connect = || {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    let clients: Vec<TcpStream> = (0..clients).map(|_| connect()).collect();
    let request = format!(
        "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{FORM}",
        FORM.len()
    );
    let mut open = Vec::new();
    for mut stream in clients {
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        open.push((stream, Stopwatch::start(), Vec::new()));
    }
    let mut responses = Vec::new();
    let watch = Stopwatch::start();
    while !open.is_empty() {
        assert!(watch.elapsed() < Duration::from_secs(60), "{} are lost", open.len());
        open.retain_mut(|(stream, watch, data)| {
            let ended = read_available(stream, data);
            if ended {
                responses.push(Timed { response: Response::parse(data), took: watch.elapsed() });
            }
            !ended
        });
        thread::sleep(Duration::from_millis(10));
    }
    responses
}

/// Reads the available bytes, and returns whether the connection has ended.
fn read_available(stream: &mut TcpStream, data: &mut Vec<u8>) -> bool {
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

/// Calls of the other protocols with the credentials of a login.
fn checks(server: &Server) -> [Request; 2] {
    let zulip = Request::new("POST", "/api/v1/fetch_api_key");
    let zulip = zulip.form("username=ada%40example.org&password=correct+horse+battery");
    let key = server.send(&zulip).unwrap().json().unwrap();
    let key = key.pointer("/api_key").unwrap().as_str().unwrap();
    let chat = Request::new("POST", "/api/v1/login");
    let chat = server.send(&chat.json(&json!({"user": "ada", "password": "correct horse battery"}))).unwrap();
    let chat = chat.json().unwrap();
    let text = |pointer| chat.pointer(pointer).unwrap().as_str().unwrap();
    [
        Request::new("GET", "/api/v1/users/me").basic("ada@example.org", key),
        Request::new("GET", "/api/v1/me")
            .header("X-User-Id", text("/data/userId"))
            .header("X-Auth-Token", text("/data/authToken")),
    ]
}

/// The median time of the calls, which are made one after the other until `done`.
fn median_time(server: &Server, checks: &[Request], done: impl Fn(usize) -> bool) -> Duration {
    let mut took = Vec::new();
    while !done(took.len()) {
        for check in checks {
            let response = server.send(check).unwrap();
            assert_eq!(response.status, 200);
            took.push(response.took);
        }
    }
    median(took)
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    *took.get(took.len() / 2).unwrap()
}

/// Checks that every login succeeded, and none was answered earlier than the contract says. Returns the median time.
fn all_succeeded(responses: &[Timed]) -> Duration {
    for Timed { response, took } in responses {
        assert_eq!(response.status, 200, "{}", response.text());
        assert!(IssuedToken::read(response).token.is_some());
        assert!(*took >= Duration::from_millis(450), "{took:?}");
    }
    median(responses.iter().map(|response| response.took).collect())
}

/// The most memory that the process has used, in KiB.
fn peak_kib(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Raises the limit of open files of this process and of the servers that it starts.
fn allow_connections() {
    let own = std::process::id().to_string();
    let status = Command::new("prlimit").args(["--pid", &own, "--nofile=8192:"]).status();
    assert!(status.is_ok_and(|status| status.success()), "the limit of open files must be 8192 or more");
}

#[test]
fn two_thousand_logins_at_once_all_succeed_and_the_other_protocols_stay_fast() {
    let _alone = FLOOD.lock();
    allow_connections();
    let server = Server::start(&server_binary().unwrap(), &config(), USERS).unwrap();
    let idle = peak_kib(&server);
    let checks = checks(&server);
    let few = all_succeeded(&flood(&server, 20));
    assert!(few < Duration::from_secs(1), "half a second on an idle server: {few:?}");
    let before = median_time(&server, &checks, |count| count >= 200);

    let over = AtomicBool::new(false);
    let (responses, during) = thread::scope(|scope| {
        let during = scope.spawn(|| median_time(&server, &checks, |_| over.load(Ordering::Relaxed)));
        let responses = flood(&server, CLIENTS);
        over.store(true, Ordering::Relaxed);
        (responses, during.join().unwrap())
    });
    assert_eq!(responses.len(), CLIENTS);
    all_succeeded(&responses);
    assert!(
        during < before * 10 + Duration::from_millis(10),
        "{during:?} while they log in, {before:?} before"
    );
    let more = peak_kib(&server) - idle;
    assert!(more < MAX_MORE_KIB, "{more} KiB more than the {idle} KiB of an idle server");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn logins_beyond_the_configured_number_get_503_and_when_to_retry() {
    let _alone = FLOOD.lock();
    allow_connections();
    let config = config().set("server.max_waiting", 500);
    let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let responses = flood(&server, CLIENTS);
    assert_eq!(responses.len(), CLIENTS);
    let (succeeded, refused): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|timed| timed.response.status == 200);
    for Timed { response, .. } in refused {
        assert_eq!((response.status, response.text().as_str()), (503, "Service Unavailable\n"));
        assert_eq!(response.header("retry-after"), Some("1"));
    }
    assert!((500..CLIENTS).contains(&succeeded.len()), "{} succeeded", succeeded.len());
}
