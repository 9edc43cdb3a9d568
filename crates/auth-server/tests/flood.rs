//! A client that goes on and on beyond its limit: what it leaves in the log and the store, and how others fare meanwhile.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auth_conformance::http::Request;
use auth_conformance::{Server, ServerConfig};
use auth_core::{AttemptFilter, AttemptStore, LogPage};
use auth_store::Sqlite;
use serde_json::Value;

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"hamlet","email":"hamlet@zulip.com","password":"correct-horse-battery-9876"}
"#;

/// The flood's attempts, and its connections.
const ATTEMPTS: usize = 20_000;
const CONNECTIONS: usize = 4;

/// Requests that are sent at once.
const AT_ONCE: usize = 50;

/// Wrong passwords that Zulip judges before it refuses.
const JUDGED: usize = 5;

/// Sends wrong passwords on one connection, and reads all answers.
fn flood(to: SocketAddr, requests: usize) {
    let form = "username=iago%40zulip.com&password=wrong";
    let request = format!(
        "POST /api/v1/fetch_api_key HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.1\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let batch = request.repeat(AT_ONCE);
    let mut stream = TcpStream::connect(to).unwrap();
    let mut answers = String::new();
    let mut chunk = [0; 65_536];
    for _ in 0..requests / AT_ONCE {
        stream.write_all(batch.as_bytes()).unwrap();
        answers.clear();
        // An answer ends with its body, which is one line.
        while answers.matches("}\n").count() < AT_ONCE {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the connection was closed");
            answers.push_str(str::from_utf8(&chunk[..read]).unwrap());
        }
    }
}

/// Right logins by another client, made one after the other until the flood is over; gives their number.
fn honest(server: &Server, over: &AtomicBool) -> usize {
    let request = Request::new("POST", "/api/v1/fetch_api_key")
        .form("username=hamlet%40zulip.com&password=correct-horse-battery-9876")
        .header("X-Forwarded-For", "198.51.100.2");
    let mut logins = 0;
    while !over.load(Ordering::Relaxed) {
        let response = server.send(&request).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        logins += 1;
    }
    logins
}

/// The outcomes in the attempt log and in the log's lines but for grants, each sorted.
fn refusals(mut server: Server) -> [Vec<String>; 2] {
    server.stop().unwrap();
    let log = server.log();
    let store = Sqlite::open(&server.dir().join("auth.db")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rows =
        runtime.block_on(store.attempts(&AttemptFilter::default(), LogPage::newest(1_000_000))).unwrap();
    let rows = rows.into_iter().map(|row| row.record.outcome.into_owned());
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.filter(|line| line["target"] == "auth::attempt").map(|line| {
        let count = line["count"].as_u64().map(|count| format!(" x {count}")).unwrap_or_default();
        format!("{}{count}", line["outcome"].as_str().unwrap())
    });
    let refused = |outcomes: &mut dyn Iterator<Item = String>| {
        let mut refused: Vec<String> = outcomes.filter(|outcome| outcome != "granted").collect();
        refused.sort();
        refused
    };
    [refused(&mut rows.into_iter()), refused(&mut lines.into_iter())]
}

#[test]
fn attempts_beyond_a_limit_leave_a_handful_of_rows_and_lines_and_others_log_in_meanwhile() {
    let config =
        ServerConfig::for_tests().set("log.format", "json").set("server.trusted_proxies", vec!["127.0.0.1"]);
    let server = Server::start(env!("CARGO_BIN_EXE_auth-server").as_ref(), &config, USERS).unwrap();
    let to = server.address();
    let over = AtomicBool::new(false);
    let logins = thread::scope(|scope| {
        let honest = scope.spawn(|| honest(&server, &over));
        let floods: Vec<_> =
            (0..CONNECTIONS).map(|_| scope.spawn(move || flood(to, ATTEMPTS / CONNECTIONS))).collect();
        floods.into_iter().for_each(|flood| flood.join().unwrap());
        over.store(true, Ordering::Relaxed);
        honest.join().unwrap()
    });
    assert!(logins > 0);
    let refused = ATTEMPTS - JUDGED;
    let mut expected = vec!["account-limited".to_owned(), format!("account-limited x {}", refused - 1)];
    expected.extend(std::iter::repeat_n("wrong-password".to_owned(), JUDGED));
    assert_eq!(refusals(server), [expected.clone(), expected]);
}
