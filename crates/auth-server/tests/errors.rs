//! What the log says of requests that failed for a reason of the server's own.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use auth_conformance::http::Request;
use serde_json::{Value, json};
use test_postgres::Cluster;

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"iago","email":"iago@example.org","password":"correct-horse-battery-9876"}
"#;

/// A login by each protocol.
fn logins() -> [(&'static str, Request); 3] {
    const PASSWORD: &str = "correct-horse-battery-9876";
    let name = "iago@example.org";
    [
        (
            "zulip",
            Request::new("POST", "/api/v1/fetch_api_key")
                .form(&format!("username=iago%40example.org&password={PASSWORD}")),
        ),
        (
            "rocketchat",
            Request::new("POST", "/api/v1/login").json(&json!({"user": name, "password": PASSWORD})),
        ),
        ("zettelstore", Request::new("POST", "/a").form(&format!("username=iago&password={PASSWORD}"))),
    ]
}

#[test]
fn login_while_the_store_is_locked_leaves_one_line_that_names_request_and_cause() {
    let cluster = Cluster::shared().unwrap();
    let url = cluster.database().unwrap();
    let database = url.rsplit('/').next().unwrap().to_owned();
    let config = server::config()
        .set("store.url", url.as_str())
        // Longer than a second, in which errors of one cause are logged once.
        .set("store.timeout", "1100ms")
        .set("zulip.realm", "main")
        .set("server.trusted_proxies", vec!["127.0.0.1/32"]);
    let server = server::start(&config, USERS);
    for (protocol, request) in logins() {
        let response = server.send(&request).unwrap();
        assert_eq!(response.status, 200, "{protocol}: {}", response.text());
    }

    let lock = "BEGIN; LOCK TABLE account, login_name; SELECT pg_sleep(60)";
    let locked = database.clone();
    let session = std::thread::spawn(move || cluster.sql_in(&locked, lock));
    let sessions = format!(
        "FROM pg_stat_activity WHERE datname = '{database}' AND wait_event = 'PgSleep' AND query LIKE 'BEGIN; LOCK%'"
    );
    while cluster.sql(&format!("SELECT count(*) {sessions}")).unwrap().trim() == "0" {
        assert!(!session.is_finished(), "the lock was refused");
        std::thread::yield_now();
    }
    let mut responses = Vec::new();
    for (protocol, request) in logins() {
        let request = request.header("X-Request-Id", &format!("probe-{protocol}"));
        responses.push((protocol, server.send(&request).unwrap()));
    }
    cluster.sql(&format!("SELECT pg_terminate_backend(pid) {sessions}")).unwrap();
    session.join().unwrap().unwrap_err();

    let log = server::stop(server);
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (protocol, response) in responses {
        assert!([500, 503].contains(&response.status), "{protocol}: {}", response.text());
        assert_eq!(
            response.header("x-request-id"),
            None,
            "the client gets the protocol's answer and no more"
        );
        let id = format!("probe-{protocol}");
        let of_request = |line: &&Value| line["span"]["id"] == id.as_str() && line["target"] == "auth::error";
        let found: Vec<&Value> = lines.iter().filter(of_request).collect();
        assert_eq!(found.len(), 1, "{protocol}: {log}");
        assert_eq!(found[0]["span"]["protocol"], protocol);
        assert!(found[0]["cause"].as_str().is_some_and(|cause| !cause.is_empty()), "{}", found[0]);
    }
}
