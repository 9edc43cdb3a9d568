//! Clients behind proxies, and the hosts that requests are for, as the running server sees them.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::net::SocketAddr;

use auth_conformance::http::{self, Request, Response};
use auth_conformance::{DevServer, Server, ServerConfig};
use auth_core::{AuditFilter, AuditRecord, AuditStore, LogPage, ProtocolName};
use auth_store::Sqlite;
use serde_json::{Value, json};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Main","digest_logins":true}
{"kind":"realm","realm":"sub","subdomain":"sub","name":"Sub"}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
"#;

const PASSWORD: &str = "correct-horse-battery-9876";

fn behind_a_proxy() -> ServerConfig {
    server::config()
        .set("zulip.external_host", "chat.example.org")
        .set("server.trusted_proxies", vec!["127.0.0.1"])
}

fn log_in(server: &Server, password: &str, header: (&str, &str)) -> Response {
    let form = format!("username=iago%40zulip.com&password={password}");
    let request = Request::new("POST", "/api/v1/fetch_api_key").form(&form).header(header.0, header.1);
    server.send(&request).unwrap()
}

/// The lines of a log about clients in doubt.
fn doubts(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "auth::forwarding").collect()
}

#[test]
fn wrong_passwords_of_one_client_lock_no_other_one_behind_the_proxy_out() {
    let forms = [
        ("198.51.100.66:40000", "198.51.100.67:40000"),
        ("[2001:db8:0:1::1]:40000", "[2001:db8:0:2::1]:40000"),
        ("2001:db8:0:3::1", "2001:db8:0:4::1"),
        ("\"198.51.100.68\"", "\"198.51.100.69\""),
        ("nonsense, 198.51.100.70, ,", "nonsense, 198.51.100.71, ,"),
    ];
    let elements = [
        ("for=198.51.100.66", "for=198.51.100.67"),
        ("proto=http;For=\"198.51.100.68:40000\"", "proto=http;For=\"198.51.100.69:40000\""),
        ("for=\"[2001:db8:0:1::1]:40000\"", "for=\"[2001:db8:0:2::1]:40000\""),
        ("for=\"nonsense, for=198.51.100.70", "for=\"nonsense, for=198.51.100.71"),
    ];
    for (header, clients) in [("X-Forwarded-For", forms.as_slice()), ("Forwarded", &elements)] {
        let server = server::start(&behind_a_proxy().set("server.client_header", header), USERS);
        for (guesser, other) in clients {
            let statuses: Vec<u16> =
                (0..6).map(|_| log_in(&server, "wrong", (header, guesser)).status).collect();
            assert_eq!(statuses, [401, 401, 401, 401, 401, 429], "{header}: {guesser}");
            let refused = log_in(&server, PASSWORD, (header, guesser));
            let accepted = log_in(&server, PASSWORD, (header, other));
            assert_eq!((refused.status, accepted.status), (429, 200), "{header}: {other}");
        }
        assert_eq!(doubts(&server::stop(server)), Vec::<Value>::new(), "{header}");
    }
}

#[test]
fn each_kind_of_doubt_about_a_client_is_logged_once_and_counted() {
    for (trusted, headers, reason, level, told) in [
        (
            false,
            [("X-Forwarded-For", "198.51.100.7")].as_slice(),
            "untrusted",
            "WARN",
            ("header", "x-forwarded-for"),
        ),
        (
            true,
            &[("X-Forwarded-For", "198.51.100.7, a\u{e9}b")],
            "unreadable",
            "WARN",
            ("entry", "a\\xc3\\xa9b"),
        ),
        (true, &[("X-Forwarded-For", "198.51.100.7, unknown")], "hidden", "WARN", ("entry", "unknown")),
        (true, &[("Forwarded", "for=198.51.100.7")], "other_header", "WARN", ("header", "forwarded")),
        (true, &[], "no_header", "INFO", ("peer", "127.0.0.1")),
    ] {
        let proxies = if trusted { vec!["127.0.0.1"] } else { vec![] };
        let config = server::config()
            .set("zulip.realm", "main")
            .set("server.trusted_proxies", proxies)
            .set("metrics.listen", "127.0.0.1:0");
        let server = server::start(&config, USERS);
        let line = server.wait_for_log("\"message\":\"metrics are served at /metrics\"").unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let metrics: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
        for _ in 0..3 {
            let request = Request::new("GET", "/api/v1/server_settings");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
            assert_eq!(server.send(&request).unwrap().status, 200);
        }
        let page = http::send(metrics, &Request::new("GET", "/metrics")).unwrap().text();
        let counted = format!("auth_server_forwarding_doubted_total{{reason=\"{reason}\"}} 3");
        assert!(page.lines().any(|line| line == counted), "{counted}: {page}");
        let lines = doubts(&server::stop(server));
        assert_eq!(lines.len(), 1, "{reason}: {lines:?}");
        assert_eq!((&lines[0]["level"], &lines[0][told.0]), (&json!(level), &json!(told.1)), "{}", lines[0]);
    }
}

#[test]
fn host_in_the_target_replaces_the_header_at_every_protocol() {
    let server = server::start(&behind_a_proxy().set("zettelstore.login_delay", "0s"), USERS);
    let settings = |target: &str| Request::new("GET", &format!("{target}/api/v1/server_settings"));
    for (target, host, name) in [
        ("http://sub.chat.example.org", "chat.example.org", "Sub"),
        ("http://chat.example.org:80", "evil.example.com", "Main"),
        ("", "sub.chat.example.org", "Sub"),
    ] {
        let response = server.send(&settings(target).header("Host", host)).unwrap();
        assert_eq!(response.json().unwrap()["realm_name"], name, "{target} {host}: {}", response.text());
    }
    let foreign = settings("http://evil.example.com").header("Host", "chat.example.org");
    assert_eq!(server.send(&foreign).unwrap().status, 400);

    let rocketchat = Request::new("POST", "http://any.example.org/api/v1/login")
        .json(&json!({"user": "iago", "password": PASSWORD}));
    assert_eq!(server.send(&rocketchat).unwrap().json().unwrap()["status"], "success");
    let zettelstore = Request::new("POST", "http://any.example.org/a").basic("iago", PASSWORD);
    assert_eq!(server.send(&zettelstore).unwrap().status, 200);
    // HTTP/1.1 without the header is malformed, whatever the target.
    let without = Request { without_host: true, ..zettelstore };
    assert_eq!(server.send(&without).unwrap().status, 400);
    let socket = server.send(&Request::new("GET", "http://any.example.org/websocket")).unwrap();
    assert_eq!(socket.status, 426);
}

#[test]
fn demo_server_answers_no_protocol_under_a_foreign_host() {
    let server = DevServer::start(server::binary()).unwrap();
    let port = server.address().port();
    let questions = || {
        [
            Request::new("GET", "/api/v1/dev_list_users"),
            Request::new("GET", "/api/v1/server_settings"),
            Request::new("POST", "/api/v1/login").json(&json!({"user": "iago", "password": "abcd1234"})),
            Request::new("POST", "/a").basic("iago", "abcd1234"),
            Request::new("GET", "/websocket"),
            Request::new("GET", "/"),
        ]
    };
    for (host, is_own) in [
        (format!("127.0.0.1:{port}"), true),
        (format!("localhost:{port}"), true),
        (format!("rebound.example.com:{port}"), false),
        ("192.0.2.1".to_owned(), false),
    ] {
        for question in questions() {
            let response = server.send(&question.clone().header("Host", &host)).unwrap();
            let is_refused = response.status == 421;
            assert_eq!(is_refused, !is_own, "{host} {}: {}", question.path, response.text());
            let told = "This demo server answers requests for this machine only";
            assert_eq!(response.text().starts_with(told), is_refused, "{}", response.text());
        }
    }
    let forwarded = Request::new("GET", "/api/v1/dev_list_users").header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(server.send(&forwarded).unwrap().status, 404);
    assert_eq!(server.send(&Request::new("GET", "/api/v1/dev_list_users")).unwrap().status, 200);
    server.stop().unwrap();
}

#[test]
fn an_act_is_in_the_audit_log_with_the_id_and_the_client_that_the_proxy_names() {
    let server = server::start(&behind_a_proxy(), USERS);
    let key = log_in(&server, PASSWORD, ("X-Forwarded-For", "198.51.100.7")).json().unwrap();
    let regenerate = Request::new("POST", "/api/v1/users/me/api_key/regenerate")
        .basic("iago@zulip.com", key["api_key"].as_str().unwrap())
        .header("X-Forwarded-For", "198.51.100.7")
        .header("X-Request-Id", "probe-1");
    let response = server.send(&regenerate).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let rows = audit_rows(&server);
    let acts: Vec<&str> = rows.iter().map(|row| row.act.as_str()).collect();
    let expected = ["zulip-key-renewed", "imported", "realm-written", "realm-written"];
    assert_eq!(acts, expected, "a login is no act");
    let client = rows[0].client.map(|client| client.to_string());
    assert_eq!((rows[0].request_id.as_str(), client.as_deref()), ("probe-1", Some("198.51.100.7")));
    assert_eq!((rows[0].protocol, rows[0].user.is_some()), (Some(ProtocolName::ZULIP), true));
    assert_eq!((rows[1].request_id.as_str(), rows[1].detail.as_str()), ("", "2 realms, 1 user"));
}

/// The audit log of a server's store, newest row first.
fn audit_rows(server: &Server) -> Vec<AuditRecord> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = Sqlite::open(&server.dir().join("auth.db")).unwrap();
    let rows = runtime.block_on(store.audit_rows(&AuditFilter::default(), LogPage::newest(100))).unwrap();
    rows.into_iter().map(|row| row.record).collect()
}
