//! The hashing pool as clients and operators of the running server see it.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

#[path = "running/server.rs"]
mod server;

use server::{PATIENCE, Server};

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

const PROTOCOLS: &str = "[zulip]\nrealm = \"main\"\n[zettelstore]\nlogin_delay = \"0s\"\n";

/// Sends a request and gives status line, head and body.
fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> (String, String) {
    let length = body.len();
    let form = "Content-Type: application/x-www-form-urlencoded";
    ask(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{form}\r\n{headers}Content-Length: \
             {length}\r\n\r\n{body}"
        ),
    )
}

fn zulip(address: SocketAddr) -> (String, String) {
    let body = "username=iago%40zulip.com&password=correct-horse-battery-9876";
    post(address, "/api/v1/fetch_api_key", "", body)
}

fn rocketchat(address: SocketAddr) -> (String, String) {
    post(address, "/api/v1/login", "", "user=iago&password=correct-horse-battery-9876")
}

fn zettelstore(address: SocketAddr) -> (String, String) {
    let basic = data_encoding::BASE64.encode(b"iago:correct-horse-battery-9876");
    post(address, "/a", &format!("Authorization: Basic {basic}\r\n"), "")
}

#[test]
fn a_full_queue_is_told_at_each_protocol_in_its_own_format() {
    let server = Server::start(USERS, PROTOCOLS);
    for protocol in [zulip, rocketchat, zettelstore] {
        let (head, body) = protocol(server.address);
        assert!(head.starts_with("http/1.1 200"), "{head}\n{body}");
    }
    drop(server);

    // Without a place to wait, every log-in finds the queue full.
    let hashed =
        "\"password_hash\":\"$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA\"";
    let users = USERS.replace("\"password\":\"correct-horse-battery-9876\"", hashed);
    let server = Server::start_with_passwords(&users, PROTOCOLS, "queue = 0");
    for (protocol, kind) in [(zulip as fn(_) -> _, "json"), (rocketchat, "json"), (zettelstore, "text/plain")]
    {
        let (head, body) = protocol(server.address);
        assert!(head.starts_with("http/1.1 503"), "{head}\n{body}");
        assert!(head.contains("\r\nretry-after: 1"), "{head}");
        let told = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap();
        assert!(told.contains(kind), "{head}");
    }
    let (_, body) = zulip(server.address);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["result"], "error", "{body}");
    let (_, body) = rocketchat(server.address);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert!(told["status"] == "error" || told["success"] == false, "{body}");
}

#[test]
fn numbers_are_shown_where_they_are_asked_for() {
    let server = Server::start(USERS, &format!("{PROTOCOLS}[metrics]\nlisten = \"127.0.0.1:0\"\n"));
    let shown = server.log.iter().find_map(|line| {
        let fields: Value = serde_json::from_str(&line).unwrap();
        let found = fields["message"] == "numbers are shown at /metrics";
        found.then(|| fields["address"].as_str().unwrap().parse().unwrap())
    });
    let metrics: SocketAddr = shown.unwrap();
    assert!(zulip(server.address).0.starts_with("http/1.1 200"));
    assert!(rocketchat(server.address).0.starts_with("http/1.1 200"));
    let get = |path| ask(metrics, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let (head, page) = get("/metrics");
    assert!(head.starts_with("http/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    for line in ["auth_server_hashing_wait_seconds_count 2", "auth_server_hashing_waiting 0"] {
        assert!(page.lines().any(|found| found == line), "{page}");
    }
    assert!(page.contains("auth_server_hashing_seconds_count{scheme=\"argon2\"}"), "{page}");
    assert!(get("/").0.starts_with("http/1.1 404"));
    server::run(&server.folder, &["config", "check"]);
    server.terminate();
    server.ended();
}
