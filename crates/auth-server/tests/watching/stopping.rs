//! The two stages of a server's end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::Request;

use crate::{Watched, config};

/// Longer than this test may take: what ends before, ends for another reason.
const LONG: &str = "120s";

fn settings() -> Request {
    Request::new("GET", "/api/v1/server_settings")
}

/// A request whose body is on its way.
fn unfinished(watched: &Watched) -> TcpStream {
    let mut stream = TcpStream::connect(watched.server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = "POST /api/v1/fetch_api_key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The body is asked for once the request is being answered.
    let mut line = [0; 25];
    stream.read_exact(&mut line).unwrap();
    assert!(line.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&line));
    stream
}

fn wait_until_closed(watched: &Watched) {
    let clock = Stopwatch::start();
    while TcpStream::connect(watched.server.address()).is_ok() {
        assert!(clock.elapsed().as_secs() < 20, "the listener is still open");
        std::thread::yield_now();
    }
}

#[test]
fn server_that_drains_answers_and_is_not_ready_and_each_further_signal_ends_a_stage() {
    let mut watched =
        Watched::start(config().set("server.drain_time", LONG).set("server.shutdown_timeout", LONG));
    watched.server.terminate().unwrap();
    let response = watched.wait_for("/readyz", 503);
    let text = "failed serving: the server is about to end\nok store\nok ring\nok outbox\n";
    assert_eq!(response.text(), text);
    assert_eq!(watched.get("/livez").status, 200);
    assert_eq!(watched.server.send(&settings()).unwrap().status, 200, "a new connection is taken");

    let mut running = unfinished(&watched);
    watched.server.terminate().unwrap();
    wait_until_closed(&watched);
    running.write_all(b"username=x").unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Connection: close"), "{answer}");
    // Nothing runs any more.
    watched.server.wait().unwrap();
}

#[test]
fn third_signal_ends_a_server_at_once() {
    let mut watched =
        Watched::start(config().set("server.drain_time", LONG).set("server.shutdown_timeout", LONG));
    let _running = unfinished(&watched);
    watched.server.terminate().unwrap();
    watched.wait_for("/readyz", 503);
    watched.server.terminate().unwrap();
    wait_until_closed(&watched);
    watched.server.terminate().unwrap();
    watched.server.wait().unwrap();
    assert!(watched.server.log().contains("\"message\":\"stopped\""));
}

#[test]
fn drained_server_goes_on_to_stop_by_itself_when_its_time_is_over() {
    let mut watched = Watched::start(config().set("server.drain_time", "1s"));
    let clock = Stopwatch::start();
    watched.server.terminate().unwrap();
    watched.server.wait().unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(1));
}
