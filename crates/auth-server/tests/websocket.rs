//! Sockets of the built binary: a client's whole way, the limits, and how sockets end.
#![cfg(test)]

#[path = "running/server.rs"]
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::server::{PATIENCE, Server, run};

const PASSWORD: &str = "correct-horse-battery-9876";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","digest_logins":true}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

/// A server with settings of its listeners and of the Rocket.Chat protocol.
fn start(listeners: &str, rocketchat: &str) -> Server {
    Server::start(USERS, &format!("{listeners}\n[rocketchat]\n{rocketchat}"))
}

/// A socket before the greeting.
async fn connect(server: &Server) -> Socket {
    Socket::open(server.address, "").await.unwrap()
}

/// A socket on which somebody is signed in, and the answer to the log-in.
async fn signed_in(server: &Server) -> (Socket, Value) {
    let mut socket = connect(server).await;
    socket.greet().await;
    let answer = socket.log_in(PASSWORD).await;
    assert_eq!(answer["type"], "password", "{answer}");
    (socket, answer)
}

/// A client's end of a socket.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a socket with more headers; the status when it is refused.
    async fn open(address: SocketAddr, headers: &str) -> Result<Self, u16> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            return Err(status);
        }
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        Ok(Self(WebSocketStream::from_raw_socket(stream, Role::Client, None).await))
    }

    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn greet(&mut self) {
        self.say(&json!({"msg": "connect", "version": "1", "support": ["1"]})).await;
        assert_eq!(self.hear().await.unwrap()["msg"], "connected");
    }

    /// The next frame, or the code that the socket was closed with.
    async fn hear(&mut self) -> Result<Value, u16> {
        match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap() {
            Some(Ok(Message::Text(frame))) => Ok(serde_json::from_str(&frame).unwrap()),
            Some(Ok(Message::Close(Some(close)))) => Err(close.code.into()),
            other => panic!("{other:?}"),
        }
    }

    /// Calls a method; gives result or error.
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
async fn client_signs_in_resumes_asks_and_signs_out() {
    let server = start("", "");
    let (mut socket, answer) = signed_in(&server).await;
    let ends = answer["tokenExpires"]["$date"].as_i64().unwrap();
    let now = std::fs::metadata(server.folder.path().join("auth.db")).unwrap().modified().unwrap();
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
    // The token is gone, and with it whoever else was signed in by it.
    assert_eq!(other.hear().await, Err(1008));
    assert_eq!(socket.call("login", resume).await["error"], 401);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_look_alike() {
    let server = start("", "");
    let mut socket = connect(&server).await;
    socket.greet().await;
    let wrong = socket.log_in("wrong").await;
    let form = json!([{"user": {"username": "nobody"}, "password": "wrong"}]);
    assert_eq!(socket.call("login", form).await, wrong);
    assert_eq!(wrong["reason"], "User not found");
}

#[tokio::test]
async fn deactivated_user_is_hung_up_on_within_a_second() {
    let server = start("", "");
    let (mut socket, _) = signed_in(&server).await;
    run(&server.folder, &["user", "deactivate", "iago"]);
    let closed = tokio::time::timeout(Duration::from_secs(1), socket.hear()).await;
    assert_eq!(closed.expect("within a second"), Err(1008));
}

#[tokio::test]
async fn frames_sent_at_once_are_answered_one_after_the_other() {
    let server = start("", "");
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
async fn strangers_are_capped_by_network_and_users_are_not() {
    let server = start("trusted_proxies = [\"127.0.0.0/8\"]", "max_sockets_per_network = 2");
    let from = |network: &str| {
        let headers = format!("X-Forwarded-For: {network}\r\n");
        let address = server.address;
        async move { Socket::open(address, &headers).await }
    };
    let mut first = from("192.0.2.1").await.unwrap();
    let mut second = from("192.0.2.1").await.unwrap();
    assert_eq!(from("192.0.2.1").await.err(), Some(429));
    let _elsewhere = from("192.0.2.2").await.unwrap();
    // Who signs in makes room for another.
    first.greet().await;
    first.log_in(PASSWORD).await;
    let third = from("192.0.2.1").await.unwrap();
    assert_eq!(from("192.0.2.1").await.err(), Some(429));
    // Who signs out needs a place again, and there is none.
    assert_eq!(first.call("logout", json!([])).await, Value::Null);
    assert_eq!(first.hear().await, Err(1013));
    // Who leaves makes room as well.
    second.0.close(None).await.unwrap();
    drop(third);
    for _ in 0..200 {
        if from("192.0.2.1").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the places of those who left are not given back");
}

#[tokio::test]
async fn silent_client_is_asked_and_then_hung_up_on() {
    let server = start("", "socket_idle = \"1s\"");
    let mut socket = connect(&server).await;
    assert_eq!(socket.hear().await, Ok(json!({"msg": "ping"})));
    assert_eq!(socket.hear().await, Err(1000));
}

#[tokio::test]
async fn message_that_is_too_long_or_no_text_ends_the_socket() {
    let server = start("", "max_socket_message = 1000");
    let long = "x".repeat(1001);
    for (message, code) in [(Message::text(long.as_str()), 1009), (Message::binary(vec![0; 8]), 1003)] {
        let mut socket = connect(&server).await;
        socket.greet().await;
        socket.0.send(message).await.unwrap();
        assert_eq!(socket.hear().await, Err(code));
    }
    // The longest that is taken, which makes no sense.
    let mut socket = connect(&server).await;
    socket.greet().await;
    socket.0.send(Message::text(&long[..1000])).await.unwrap();
    assert_eq!(socket.hear().await.unwrap()["reason"], "Bad request");
}

#[tokio::test]
async fn socket_takes_up_a_connection_until_it_ends() {
    let server = start("max_connections = 1", "");
    let (mut socket, _) = signed_in(&server).await;
    let address = server.address;
    let mut next = tokio::spawn(async move { Socket::open(address, "").await.map(drop) });
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut next).await.is_err());
    assert_eq!(socket.call("rooms/get", json!([])).await, json!([]));
    socket.0.close(None).await.unwrap();
    drop(socket);
    assert_eq!(tokio::time::timeout(PATIENCE, next).await.unwrap().unwrap(), Ok(()));
}

#[tokio::test]
async fn stopping_server_says_that_it_goes_away() {
    let server = start("", "");
    let mut stranger = connect(&server).await;
    let (mut socket, _) = signed_in(&server).await;
    server.terminate();
    for socket in [&mut stranger, &mut socket] {
        assert_eq!(socket.hear().await, Err(1001));
        // The answer to the close frame goes out when the socket is read again.
        assert!(socket.0.next().await.is_none_or(|end| end.is_err()));
    }
    server.ended();
}

#[tokio::test]
async fn listener_without_the_protocol_has_no_sockets() {
    let listen = r#"listen = [{ address = "127.0.0.1:0", protocols = ["zulip", "zettelstore"] }]"#;
    let server = start(listen, "");
    // Zulip's answer to any path that it doesn't know.
    assert_eq!(Socket::open(server.address, "").await.err(), Some(404));
}

#[tokio::test]
async fn nothing_that_is_said_on_a_socket_stands_in_the_log() {
    let server = start("", "");
    let (mut socket, answer) = signed_in(&server).await;
    let form = json!([{"user": {"username": "iago"}, "password": PASSWORD}]);
    socket.call("login", form).await;
    socket.0.close(None).await.unwrap();
    server.terminate();
    let log = server.ended();
    assert!(log.contains("log-in attempt") && log.contains("a socket was closed"), "{log}");
    let digest = ring::digest::digest(&ring::digest::SHA256, PASSWORD.as_bytes());
    for secret in
        [PASSWORD, answer["token"].as_str().unwrap(), &data_encoding::HEXLOWER.encode(digest.as_ref())]
    {
        let hexadecimal = data_encoding::HEXLOWER.encode(secret.as_bytes());
        assert!(!log.contains(secret) && !log.contains(&hexadecimal));
    }
}

#[tokio::test]
async fn bytes_that_are_no_frames_end_the_socket_and_nothing_else() {
    let server = start("", "");
    for garbage in [&[0xFF; 64][..], &[0x81, 0x05, 1, 2, 3, 4, 5], &[0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFF]] {
        let mut socket = connect(&server).await;
        socket.0.get_mut().write_all(garbage).await.unwrap();
        let code = socket.hear().await.unwrap_err();
        assert!(matches!(code, 1002 | 1007), "{code}");
    }
    signed_in(&server).await;
}

/// The code of a TOTP device at a moment (RFC 6238), so many steps on from now.
fn totp(secret: &str, steps: u64) -> String {
    let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server under test goes by the real clock")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let hash = ring::hmac::sign(&key, &(now / 30 + steps).to_be_bytes());
    let at = usize::from(hash.as_ref()[19] & 15);
    let digits = u32::from_be_bytes(hash.as_ref()[at..at + 4].try_into().unwrap()) & 0x7FFF_FFFF;
    format!("{:06}", digits % 1_000_000)
}

#[tokio::test]
async fn device_is_enrolled_asked_for_and_taken_away() {
    let server = start("", "");
    let (mut socket, _) = signed_in(&server).await;
    let (mut other, _) = signed_in(&server).await;
    let enrolled = socket.call("2fa:enable", json!([])).await;
    let secret = enrolled["secret"].as_str().unwrap_or_else(|| panic!("{enrolled}")).to_owned();
    assert!(enrolled["url"].as_str().unwrap().contains(&secret));
    let codes = socket.call("2fa:validateTempToken", json!([totp(&secret, 0)])).await;
    let codes = codes["codes"].as_array().unwrap_or_else(|| panic!("{codes}")).clone();
    assert_eq!(codes.len(), 12);
    // The other sessions have ended.
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
    assert_eq!(socket.call("2fa:disable", json!([totp(&secret, 1)])).await, json!(true));
    assert_eq!(socket.call("2fa:checkCodesRemaining", json!([])).await["error"], "invalid-totp");
    assert_eq!(socket.log_in(PASSWORD).await["type"], "password");
}
