//! Logins under actix-web over a socket: in the protocol's form, at their moment, from the right client.

#![cfg(test)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use auth_core::testing::{FakeServices, RealmBuilder};
use auth_core::{Clock, FailureReason, LoginError, LoginReply, Peer, Protocol, SystemClock};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use auth_tower::{ClientHeader, Proxies};
use rocketchat_actix::{Login, answer};

/// How long each refusal takes.
const DELAY: Duration = Duration::from_millis(300);

/// A server on a port of its own, for as long as the test's process lives; and the clients whom it has seen.
fn serve() -> (SocketAddr, Arc<Mutex<Vec<Peer>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let peers = Arc::clone(&seen);
    let services = FakeServices::new().realm(RealmBuilder::new("chat").build()).on_log_in(move |attempt| {
        peers.lock().unwrap().push(attempt.peer.clone());
        LoginReply {
            not_before: Some(SystemClock.now() + DELAY),
            ..LoginReply::refused(LoginError::Credentials(FailureReason::WrongPassword))
        }
    });
    let protocol = RocketChatProtocol::new(Config::new("chat", "http://localhost"), Arc::new(services));
    let protocol: Arc<dyn Protocol> = Arc::new(protocol);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let proxies =
            Proxies { trusted: vec!["127.0.0.0/8".parse().unwrap()], header: ClientHeader::XForwardedFor };
        let login = Data::new(Login { protocol, clock: Arc::new(SystemClock), proxies });
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().app_data(login.clone()).default_service(web::to(answer));
            let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            sender.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    (receiver.recv().unwrap(), seen)
}

/// Sends a body to a path, and gives the whole answer.
fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         X-Forwarded-For: 198.51.100.7\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_refusal_is_rocketchats_comes_at_its_moment_and_counts_for_the_client() {
    let (address, seen) = serve();
    let began = SystemClock.now();
    let answer = post(address, "//api//v1/login", r#"{"user":"ada","password":"guess"}"#);
    assert!(SystemClock.now().since(began) >= DELAY);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let body = r#"{"success":false,"error":"Unauthorized","status":"error","message":"Unauthorized"}"#;
    assert!(answer.ends_with(body), "{answer}");
    assert_eq!(seen.lock().unwrap()[0].address.to_string(), "198.51.100.7");
}

#[test]
fn a_body_beyond_the_limit_is_answered_in_the_protocols_own_form() {
    let (address, seen) = serve();
    let answer = post(address, "/api/v1/login", &"x".repeat(100_000));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("error-body-too-large"), "{answer}");
    assert!(seen.lock().unwrap().is_empty());
}
