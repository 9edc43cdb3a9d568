//! The hashing pool as clients and operators of the running server see it.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use auth_conformance::http::{self, Request, Response};
use auth_conformance::{Server, ServerConfig};
use serde_json::Value;

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

fn config() -> ServerConfig {
    server::config().set("zulip.realm", "main").set("zettelstore.login_delay", "0s")
}

fn zulip(server: &Server) -> Response {
    let form = "username=iago%40zulip.com&password=correct-horse-battery-9876";
    server.send(&Request::new("POST", "/api/v1/fetch_api_key").form(form)).unwrap()
}

fn rocketchat(server: &Server) -> Response {
    let form = "user=iago&password=correct-horse-battery-9876";
    server.send(&Request::new("POST", "/api/v1/login").form(form)).unwrap()
}

fn zettelstore(server: &Server) -> Response {
    server.send(&Request::new("POST", "/a").basic("iago", "correct-horse-battery-9876")).unwrap()
}

#[test]
fn full_queue_is_reported_at_each_protocol_in_its_own_format() {
    let server = server::start(&config(), USERS);
    for log_in in [zulip, rocketchat, zettelstore] {
        let response = log_in(&server);
        assert_eq!(response.status, 200, "{}", response.text());
    }
    drop(server);

    // Without room in the queue, every login finds it full. The import needs a hashed password then.
    let hashed =
        "\"password_hash\":\"$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA\"";
    let users = USERS.replace("\"password\":\"correct-horse-battery-9876\"", hashed);
    let server = server::start(&config().set("passwords.queue", 0), &users);
    for (log_in, content_type) in
        [(zulip as fn(&_) -> _, "json"), (rocketchat, "json"), (zettelstore, "text/plain")]
    {
        let response = log_in(&server);
        assert_eq!(response.status, 503, "{}", response.text());
        assert!(
            response.header("retry-after").is_some_and(|seconds| seconds.starts_with('1')),
            "{response:?}"
        );
        let actual = response.header("content-type");
        assert!(actual.is_some_and(|actual| actual.contains(content_type)), "{response:?}");
    }
    let json: Value = zulip(&server).json().unwrap();
    assert_eq!(json["result"], "error", "{json}");
    let json: Value = rocketchat(&server).json().unwrap();
    assert!(json["status"] == "error" || json["success"] == false, "{json}");
}

/// A server with metrics, and their address.
fn start_with_metrics() -> (Server, SocketAddr) {
    let server = server::start(&config().set("metrics.listen", "127.0.0.1:0"), USERS);
    let line = server.wait_for_log("\"message\":\"metrics are served at /metrics\"").unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let metrics = line["address"].as_str().unwrap().parse().unwrap();
    (server, metrics)
}

#[test]
fn metrics_are_served_at_the_configured_address() {
    let (server, metrics) = start_with_metrics();
    assert_eq!(zulip(&server).status, 200);
    assert_eq!(rocketchat(&server).status, 200);
    let get = |path| http::send(metrics, &Request::new("GET", path)).unwrap();
    let response = get("/metrics");
    let content_type = response.header("content-type");
    assert!(content_type.is_some_and(|actual| actual.contains("text/plain; version=0.0.4")), "{response:?}");
    let page = response.text();
    assert_eq!(response.status, 200, "{page}");
    for line in ["auth_server_hashing_wait_seconds_count 2", "auth_server_hashing_waiting 0"] {
        assert!(page.lines().any(|found| found == line), "{page}");
    }
    assert!(page.contains("auth_server_hashing_seconds_count{scheme=\"argon2\"}"), "{page}");
    assert_eq!(get("/").status, 404);
    server.run(&["config", "check", "--config", "@CONFIG@"], "").unwrap();
    server::stop(server);
}

#[test]
fn silent_clients_keep_no_scraper_from_the_metrics() {
    let (server, metrics) = start_with_metrics();
    let scrape = || http::send(metrics, &Request::new("GET", "/metrics")).unwrap();
    // One below the number of connections that are answered at once, then more than these.
    let mut silent = Vec::new();
    for (clients, most) in [(15, Duration::from_secs(3)), (40, Duration::from_secs(20))] {
        while silent.len() < clients {
            silent.push(TcpStream::connect(metrics).unwrap());
        }
        let response = scrape();
        assert_eq!(response.status, 200);
        assert!(response.took < most, "{clients}: {:?}", response.took);
    }
    server::stop(server);
}
