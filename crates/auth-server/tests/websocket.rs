//! WebSockets of the built binary: a client's sessions, the limits, and how sockets are closed.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use auth_conformance::{Server, ServerConfig, totp};
use auth_core::{Act, Actor, AuditFilter, AuditStore, LogPage, ProtocolName};
use auth_store::Sqlite;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The most that a test waits for a frame.
const TIMEOUT: Duration = Duration::from_secs(20);

const PASSWORD: &str = "correct-horse-battery-9876";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","digest_logins":true}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

fn start(config: &ServerConfig) -> Server {
    server::start(config, USERS)
}

/// Opens a socket, and does not greet the server.
async fn connect(server: &Server) -> Socket {
    Socket::open(server.address(), "").await.unwrap()
}

/// Opens a socket and logs in on it. Returns the socket and the response to the login.
async fn logged_in(server: &Server) -> (Socket, Value) {
    let mut socket = connect(server).await;
    socket.greet().await;
    let answer = socket.log_in(PASSWORD).await;
    assert_eq!(answer["type"], "password", "{answer}");
    (socket, answer)
}

/// The client's end of a socket.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a socket with additional headers, or returns the status of the refusal.
    async fn open(address: SocketAddr, headers: &str) -> Result<Self, u16> {
        Self::open_at("/websocket", address, headers).await
    }

    /// Opens a socket at another path.
    async fn open_at(path: &str, address: SocketAddr, headers: &str) -> Result<Self, u16> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tokio::time::timeout(TIMEOUT, stream.read_u8()).await.unwrap().unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            return Err(status);
        }
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        Ok(Self(WebSocketStream::from_raw_socket(stream, Role::Client, None).await))
    }

    /// Sends a frame.
    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Exchanges the first frames of the protocol.
    async fn greet(&mut self) {
        self.say(&json!({"msg": "connect", "version": "1", "support": ["1"]})).await;
        assert_eq!(self.hear().await.unwrap()["msg"], "connected");
    }

    /// Waits for the next frame that isn't of the collection of users, or returns the code that the socket was closed with.
    async fn hear(&mut self) -> Result<Value, u16> {
        loop {
            let frame = self.hear_any().await?;
            if frame["collection"] != "users" {
                return Ok(frame);
            }
        }
    }

    async fn hear_any(&mut self) -> Result<Value, u16> {
        match tokio::time::timeout(TIMEOUT, self.0.next()).await.unwrap() {
            Some(Ok(Message::Text(frame))) => Ok(serde_json::from_str(&frame).unwrap()),
            Some(Ok(Message::Close(Some(close)))) => Err(close.code.into()),
            other => panic!("{other:?}"),
        }
    }

    /// Calls a method, and returns its result or its error.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.say(&json!({"msg": "method", "method": method, "id": "1", "params": params})).await;
        let mut result = self.hear().await.unwrap();
        assert_eq!(self.hear().await.unwrap(), json!({"msg": "updated", "methods": ["1"]}));
        let key = if result.get("error").is_some() { "error" } else { "result" };
        result[key].take()
    }

    async fn log_in(&mut self, password: &str) -> Value {
        let digest = ring::digest::digest(&ring::digest::SHA256, password.as_bytes());
        let digest = data_encoding::HEXLOWER.encode(digest.as_ref());
        let password = json!({"digest": digest, "algorithm": "sha-256"});
        self.call("login", json!([{"user": {"username": "iago"}, "password": password}])).await
    }
}

#[tokio::test]
async fn client_logs_in_resumes_calls_methods_and_logs_out() {
    let server = start(&server::config());
    let (mut socket, answer) = logged_in(&server).await;
    let ends = answer["tokenExpires"]["$date"].as_i64().unwrap();
    let now = std::fs::metadata(server.dir().join("auth.db")).unwrap().modified().unwrap();
    let now = i64::try_from(now.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    assert!((ends - now - 90 * 86_400_000).abs() < 600_000, "{ends} {now}");
    assert_eq!(socket.call("rooms/get", json!([])).await, json!([]));
    assert_eq!(socket.call("sendMessage", json!([])).await["error"], 404);

    let resume = json!([{"resume": answer["token"]}]);
    let mut other = connect(&server).await;
    other.greet().await;
    let resumed = other.call("login", resume.clone()).await;
    assert_eq!((&resumed["token"], &resumed["type"]), (&answer["token"], &json!("resume")));

    assert_eq!(socket.call("logout", json!([])).await, Value::Null);
    // The logout revokes the token, and closes the other socket that used it.
    assert_eq!(other.hear().await, Err(1008));
    assert_eq!(socket.call("login", resume).await["error"], 401);
}

#[tokio::test]
async fn sockets_are_opened_at_each_path_of_meteors_server() {
    let server = start(&ServerConfig::for_tests());
    for (path, opens) in [
        ("/websocket", true),
        ("/websocket?token=x", true),
        ("/websocket/", true),
        ("/sockjs/websocket", true),
        ("/sockjs", false),
        ("/websocket/x", false),
    ] {
        let opened = Socket::open_at(path, server.address(), "").await;
        assert_eq!(opened.map(drop), if opens { Ok(()) } else { Err(404) }, "{path}");
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_look_alike() {
    let server = start(&server::config());
    let mut socket = connect(&server).await;
    socket.greet().await;
    let wrong = socket.log_in("wrong").await;
    let form = json!([{"user": {"username": "nobody"}, "password": "wrong"}]);
    assert_eq!(socket.call("login", form).await, wrong);
    assert_eq!(wrong["reason"], "User not found");
}

#[tokio::test]
async fn socket_of_a_deactivated_user_is_closed_within_a_second() {
    let server = start(&server::config());
    let (mut socket, _) = logged_in(&server).await;
    server.run(&["user", "deactivate", "--config", "@CONFIG@", "iago"], "").unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(1), socket.hear()).await;
    assert_eq!(closed.expect("within a second"), Err(1008));
}

#[tokio::test]
async fn frames_sent_at_once_are_answered_one_after_the_other() {
    let server = start(&server::config());
    let mut socket = connect(&server).await;
    socket.greet().await;
    let form = json!([{"user": {"username": "iago"}, "password": PASSWORD}]);
    for id in ["1", "2", "3"] {
        socket.say(&json!({"msg": "method", "method": "login", "id": id, "params": form})).await;
    }
    socket.say(&json!({"msg": "ping"})).await;
    for id in ["1", "2", "3"] {
        assert_eq!(socket.hear().await.unwrap()["id"], id);
        assert_eq!(socket.hear().await.unwrap()["methods"], json!([id]));
    }
    assert_eq!(socket.hear().await, Ok(json!({"msg": "pong"})));
}

#[tokio::test]
async fn newest_anonymous_sockets_of_a_client_stay_and_those_of_users_are_not_displaced() {
    let config = server::config()
        .set("server.trusted_proxies", vec!["127.0.0.0/8"])
        .set("rocketchat.max_sockets_per_network", 2);
    let server = start(&config);
    let from = |client: &str| {
        let headers = format!("X-Forwarded-For: {client}\r\n");
        let address = server.address();
        async move { Socket::open(address, &headers).await.unwrap() }
    };
    let mut first = from("192.0.2.1").await;
    let mut second = from("192.0.2.1").await;
    let mut elsewhere = from("192.0.2.2").await;
    // The third takes the place of the oldest, and can log in.
    let mut third = from("192.0.2.1").await;
    assert_eq!(first.hear().await, Err(1013));
    third.greet().await;
    third.log_in(PASSWORD).await;
    // A login makes room for another anonymous socket.
    let mut fourth = from("192.0.2.1").await;
    for socket in [&mut second, &mut fourth, &mut elsewhere] {
        socket.greet().await;
    }
    // A logout makes the socket anonymous again: the oldest gives way.
    assert_eq!(third.call("logout", json!([])).await, Value::Null);
    assert_eq!(second.hear().await, Err(1013));
    assert_eq!(third.log_in(PASSWORD).await["type"], "password", "it stays open");
}

#[tokio::test]
async fn sockets_of_signed_in_users_are_limited_by_client() {
    let config =
        server::config().set("server.trusted_proxies", vec!["127.0.0.0/8"]).set("server.max_per_client", 2);
    let server = start(&config);
    let log_in = |client: &'static str| {
        let address = server.address();
        async move {
            let mut socket = Socket::open(address, &format!("X-Forwarded-For: {client}\r\n")).await.unwrap();
            socket.greet().await;
            socket.log_in(PASSWORD).await;
            socket
        }
    };
    let mut first = log_in("192.0.2.1").await;
    let _second = log_in("192.0.2.1").await;
    let mut third = log_in("192.0.2.1").await;
    assert_eq!(third.hear().await, Err(1013));
    let mut elsewhere = log_in("192.0.2.2").await;
    for socket in [&mut first, &mut elsewhere] {
        assert_eq!(socket.call("rooms/get", json!([])).await, json!([]));
    }
}

#[tokio::test]
async fn silent_client_gets_a_ping_and_then_its_socket_is_closed() {
    let server = start(&server::config().set("rocketchat.socket_idle", "1s"));
    let mut socket = connect(&server).await;
    assert_eq!(socket.hear().await, Ok(json!({"msg": "ping"})));
    assert_eq!(socket.hear().await, Err(1000));
}

#[tokio::test]
async fn message_that_is_too_long_or_not_text_closes_the_socket() {
    let server = start(&server::config().set("rocketchat.max_socket_message", 1000));
    let long = "x".repeat(1001);
    for (message, code) in [(Message::text(long.as_str()), 1009), (Message::binary(vec![0; 8]), 1003)] {
        let mut socket = connect(&server).await;
        socket.greet().await;
        socket.0.send(message).await.unwrap();
        assert_eq!(socket.hear().await, Err(code));
    }
    // The longest message is read, and is not a valid frame.
    let mut socket = connect(&server).await;
    socket.greet().await;
    socket.0.send(Message::text(&long[..1000])).await.unwrap();
    assert_eq!(socket.hear().await.unwrap()["reason"], "Bad request");
}

#[tokio::test]
async fn socket_occupies_a_connection_until_it_is_closed() {
    let server = start(&server::config().set("server.max_connections", 1));
    let (mut socket, _) = logged_in(&server).await;
    let address = server.address();
    let mut next = tokio::spawn(async move { Socket::open(address, "").await.map(drop) });
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut next).await.is_err());
    assert_eq!(socket.call("rooms/get", json!([])).await, json!([]));
    socket.0.close(None).await.unwrap();
    drop(socket);
    assert_eq!(tokio::time::timeout(TIMEOUT, next).await.unwrap().unwrap(), Ok(()));
}

#[tokio::test]
async fn stopping_server_closes_sockets_as_going_away() {
    let mut server = start(&server::config());
    let mut anonymous = connect(&server).await;
    let (mut socket, _) = logged_in(&server).await;
    server.terminate().unwrap();
    for socket in [&mut anonymous, &mut socket] {
        assert_eq!(socket.hear().await, Err(1001));
        // The reply to the close frame goes out when the socket is read again.
        assert!(socket.0.next().await.is_none_or(|end| end.is_err()));
    }
    server.wait().unwrap();
}

#[tokio::test]
async fn listener_without_the_protocol_has_no_sockets() {
    let listener = json!({"address": "127.0.0.1:@PORT@", "protocols": ["zulip", "zettelstore"]});
    let server = start(&server::config().set("server.listen", vec![listener]));
    // Zulip's response to any unknown path.
    assert_eq!(Socket::open(server.address(), "").await.err(), Some(404));
}

#[tokio::test]
async fn log_holds_no_content_of_a_socket() {
    let server = start(&server::config());
    let (mut socket, answer) = logged_in(&server).await;
    let form = json!([{"user": {"username": "iago"}, "password": PASSWORD}]);
    socket.call("login", form).await;
    socket.0.close(None).await.unwrap();
    let log = server::stop(server);
    assert!(log.contains("login attempt") && log.contains("a socket was closed"), "{log}");
    let digest = ring::digest::digest(&ring::digest::SHA256, PASSWORD.as_bytes());
    for secret in
        [PASSWORD, answer["token"].as_str().unwrap(), &data_encoding::HEXLOWER.encode(digest.as_ref())]
    {
        let hexadecimal = data_encoding::HEXLOWER.encode(secret.as_bytes());
        assert!(!log.contains(secret) && !log.contains(&hexadecimal));
    }
}

#[tokio::test]
async fn bytes_that_are_not_frames_close_the_socket_and_affect_no_other() {
    let server = start(&server::config());
    for garbage in [&[0xFF; 64][..], &[0x81, 0x05, 1, 2, 3, 4, 5], &[0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFF]] {
        let mut socket = connect(&server).await;
        socket.0.get_mut().write_all(garbage).await.unwrap();
        let code = socket.hear().await.unwrap_err();
        assert!(matches!(code, 1002 | 1007), "{code}");
    }
    logged_in(&server).await;
}

#[tokio::test]
async fn device_is_enrolled_required_and_removed() {
    let server = start(&server::config());
    let (mut socket, _) = logged_in(&server).await;
    let (mut other, _) = logged_in(&server).await;
    let enrolled = socket.call("2fa:enable", json!([])).await;
    let secret = enrolled["secret"].as_str().unwrap_or_else(|| panic!("{enrolled}")).to_owned();
    assert!(enrolled["url"].as_str().unwrap().contains(&secret));
    let codes = socket.call("2fa:validateTempToken", json!([totp(&secret, 0).unwrap()])).await;
    let codes = codes["codes"].as_array().unwrap_or_else(|| panic!("{codes}")).clone();
    assert_eq!(codes.len(), 12);
    // Enrolment ends the other sessions.
    assert_eq!(other.hear().await, Err(1008));
    assert_eq!(socket.call("2fa:checkCodesRemaining", json!([])).await, json!({"remaining": 12}));

    let mut third = connect(&server).await;
    third.greet().await;
    let login = json!({"user": {"username": "iago"}, "password": PASSWORD});
    let asked = third.call("login", json!([login])).await;
    assert_eq!((&asked["error"], &asked["details"]["method"]), (&json!("totp-required"), &json!("totp")));
    let with_code = json!([{"totp": {"code": codes[0], "login": login}}]);
    assert_eq!(third.call("login", with_code).await["type"], "password");
    assert_eq!(socket.call("2fa:checkCodesRemaining", json!([])).await, json!({"remaining": 11}));

    assert_eq!(socket.call("2fa:disable", json!(["000000"])).await, json!(false));
    assert_eq!(socket.call("2fa:disable", json!([totp(&secret, 1).unwrap()])).await, json!(true));
    assert_eq!(socket.call("2fa:checkCodesRemaining", json!([])).await["error"], "invalid-totp");
    assert_eq!(socket.log_in(PASSWORD).await["type"], "password");
}

#[tokio::test]
async fn socket_that_pings_and_reads_nothing_takes_no_memory() {
    let server = start(&server::config());
    let mut socket = connect(&server).await;
    socket.greet().await;
    let resident_kib = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let before = resident_kib();
    // A masked frame of the longest ping.
    let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
    ping.extend([b'x'; 125]);
    let pings = ping.repeat(500);
    let mut sent = 0;
    while sent < 24 << 20 {
        // A server that stops reading, or closes the socket, takes no more memory either.
        let written =
            tokio::time::timeout(Duration::from_secs(2), socket.0.get_mut().write_all(&pings)).await;
        if !matches!(written, Ok(Ok(()))) {
            break;
        }
        sent += pings.len();
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 8 << 10, "{grown} KiB for {sent} bytes");
}

#[tokio::test]
async fn an_act_on_a_socket_is_in_the_audit_log_with_the_id_of_the_handshake() {
    let server = start(&server::config().set("server.trusted_proxies", vec!["127.0.0.1"]));
    let headers = "X-Request-Id: handshake-1\r\nX-Forwarded-For: 198.51.100.7\r\n";
    let mut socket = Socket::open(server.address(), headers).await.unwrap();
    socket.greet().await;
    assert_eq!(socket.log_in(PASSWORD).await["type"], "password");
    let enrolled = socket.call("2fa:enable", json!([])).await;
    let code = totp(enrolled["secret"].as_str().unwrap(), 0).unwrap();
    assert!(socket.call("2fa:validateTempToken", json!([code])).await["codes"].is_array());
    let store = Sqlite::open(&server.dir().join("auth.db")).unwrap();
    let newest =
        store.audit_rows(&AuditFilter::default(), LogPage::newest(1)).await.unwrap().remove(0).record;
    assert_eq!((newest.act, newest.actor), (Act::DeviceEnrolled, Actor::Owner));
    let client = newest.client.map(|client| client.to_string());
    assert_eq!((newest.request_id.as_str(), client.as_deref()), ("handshake-1", Some("198.51.100.7")));
    assert_eq!(newest.protocol, Some(ProtocolName::ROCKETCHAT));
}
