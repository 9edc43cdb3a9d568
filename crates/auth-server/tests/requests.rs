//! Requests to the built binary that no protocol is asked about, or that it is asked about early: bodies that are late,
//! broken, too large or never come, heads that can't be read, and clients that ask for too much at a time.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// What does not wait for a body is answered within this time.
const PROMPT: Duration = Duration::from_secs(2);

/// Sends bytes, and returns all that the server answers until it ends the connection.
async fn exchange(to: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    // The server may end the connection before it has read all.
    drop(stream.write_all(bytes.as_bytes()).await);
    let mut response = Vec::new();
    drop(stream.read_to_end(&mut response).await);
    String::from_utf8(response).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_whose_body_is_ignored_is_answered_although_the_body_never_comes() {
    let server = server::start(&server::config(), USERS);
    for request in [
        "GET /api/v1/users/me HTTP/1.1\r\nContent-Length: 1000",
        "GET /api/v1/me HTTP/1.1\r\nContent-Length: 1000",
        "POST /x?cmd=authenticated HTTP/1.1\r\nContent-Length: 1000",
        "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked",
    ] {
        let began = Stopwatch::start();
        let head = format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let response = exchange(server.address(), &head).await;
        assert!(response.starts_with("HTTP/1.1 4"), "{request}: {response}");
        assert!(began.elapsed() < PROMPT, "{request}: {:?}", began.elapsed());
    }
}

#[test]
fn bodies_are_judged_up_to_the_limit_of_their_route_and_refused_beyond_as_the_protocol_does() {
    let server = server::start(&server::config(), USERS);
    for (path, length, status) in [
        // A recorded login of a Zulip.
        ("/api/v1/fetch_api_key", 2_000_035, 401),
        ("/api/v1/fetch_api_key", 3 << 20, 401),
        ("/api/v1/fetch_api_key", (3 << 20) + 1, 400),
        ("/api/v1/login", 64 << 10, 401),
        ("/api/v1/login", (64 << 10) + 1, 413),
        // Read or not, it is no login.
        ("/a", 1 << 16, 401),
        ("/a", (16 << 20) + 1, 401),
    ] {
        let mut request = Request::new("POST", path).form("username=iago%40zulip.com&user=iago&password=");
        request.body.resize(length, b'x');
        let response = server.send(&request).unwrap();
        assert_eq!(response.status, status, "{path} {length}: {}", response.text());
    }
}

/// A trusted proxy has as many connections as it likes, and each of its clients as many requests as any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_one_client_behind_a_proxy_are_limited_and_those_of_another_answered() {
    let config = server::config()
        .set("server.trusted_proxies", vec!["127.0.0.1"])
        .set("server.max_per_client", 8)
        .set("server.body_timeout", "60s");
    let server = server::start(&config, USERS);
    let address = server.address();
    let of = |client: &str| format!("Host: localhost\r\nX-Forwarded-For: {client}\r\n");
    let mut busy = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1/fetch_api_key HTTP/1.1\r\n{}{FORM}\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
            of("198.51.100.1")
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut continues = [0; 25];
        stream.read_exact(&mut continues).await.unwrap();
        busy.push(stream);
    }
    for (client, path, status, form) in [
        ("198.51.100.1", "/api/v1/server_settings", 503, "\"result\":\"error\""),
        ("198.51.100.1", "/api/v1/me", 503, "\"success\":false"),
        ("198.51.100.2", "/api/v1/server_settings", 200, "\"result\":\"success\""),
    ] {
        let head = format!("GET {path} HTTP/1.1\r\n{}Connection: close\r\n\r\n", of(client));
        let response = exchange(address, &head).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{client} {path}: {response}");
        assert!(response.contains(form), "{client} {path}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_late_or_broken_are_told_so_in_each_protocols_form() {
    let server = server::start(
        &server::config().set("server.body_timeout", "1s").set("web.url", "http://localhost:@PORT@"),
        USERS,
    );
    for (path, type_, late, broken) in [
        (
            "/api/v1/fetch_api_key",
            "application/json",
            "{\"result\":\"error\",\"msg\":\"The request's body came too slowly\",\"code\":\"BAD_REQUEST\"}",
            "{\"result\":\"error\",\"msg\":\"The request's body is broken\",\"code\":\"BAD_REQUEST\"}",
        ),
        (
            "/api/v1/login",
            "application/json",
            "{\"success\":false,\"error\":\"The request's body came too slowly\"}",
            "{\"success\":false,\"error\":\"The request's body is broken\"}",
        ),
        ("/a", "text/plain; charset=utf-8", "Request Timeout\n", "Bad request\n"),
        ("/sign-in", "text/html; charset=utf-8", "did not arrive whole", "did not arrive whole"),
    ] {
        for (body, status, text) in [
            ("Content-Length: 100\r\n\r\nuser=x", 408, late),
            ("Transfer-Encoding: chunked\r\n\r\nnot a length\r\n", 400, broken),
        ] {
            let request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\n{body}");
            let response = exchange(server.address(), &request).await;
            assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {response}");
            assert!(response.contains(&format!("Content-Type: {type_}\r\n")), "{path}: {response}");
            assert!(response.contains("Connection: close\r\n"), "{path}: {response}");
            assert!(response.contains(text), "{path}: {response}");
        }
    }
}

/// The HTTP library answers what is no request. No protocol is known then, and the library takes no other answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_can_not_be_read_get_an_empty_answer_or_none_and_the_connection_ends() {
    let server = server::start(&server::config().set("server.header_timeout", "2s"), USERS);
    let long = |length: usize| "x".repeat(length);
    let head = |line: &str, fields: &str| format!("{line}\r\nHost: localhost\r\n{fields}\r\n");
    for (name, bytes, status) in [
        ("no HTTP", "\u{0}\u{1}\r\n\r\n".to_owned(), Some(400)),
        ("no target", "GET\r\n\r\n".to_owned(), Some(400)),
        ("another version", head("GET / HTTP/3.7", ""), Some(400)),
        ("a field without a name", head("GET / HTTP/1.1", ": x\r\n"), Some(400)),
        ("two lengths", head("POST /a HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n"), Some(400)),
        ("a length that is none", head("POST /a HTTP/1.1", "Content-Length: -1\r\n"), Some(400)),
        ("an encoding that is none", head("POST /a HTTP/1.1", "Transfer-Encoding: x\r\n"), Some(400)),
        ("a long target", head(&format!("GET /{} HTTP/1.1", long(70_000)), ""), Some(431)),
        ("a long field", head("GET / HTTP/1.1", &format!("X: {}\r\n", long(70_000))), Some(431)),
        ("many fields", head("GET / HTTP/1.1", &"X: x\r\n".repeat(200)), Some(431)),
        ("half a head", "GET / HTTP/1.1\r\nHost:".to_owned(), None),
    ] {
        let response = exchange(server.address(), &bytes).await;
        let Some(status) = status else {
            assert_eq!(response, "", "{name}");
            continue;
        };
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {response}");
        assert!(response.contains("Connection: close\r\nContent-Length: 0\r\n"), "{name}: {response}");
        assert!(response.ends_with("\r\n\r\n"), "{name}: {response}");
    }
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}
