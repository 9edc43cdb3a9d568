//! Traces, as a collector takes them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use auth_conformance::ServerConfig;
use auth_conformance::clock::Stopwatch;
use auth_conformance::http::Request;
use auth_conformance::process::free_address;
use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::json;

use crate::{USERS, config, server};

/// A collector: takes spans on a thread of its own, until the test ends.
struct Collector {
    address: SocketAddr,
    spans: Receiver<Span>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, spans) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
                }
                assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
                let head = head.to_lowercase();
                assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let mut body = vec![0; length.unwrap().parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                let taken = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
                for span in
                    taken.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans)
                {
                    // The test may have ended.
                    let _ = sender.send(span);
                }
                let answer =
                    "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { address, spans }
    }

    /// The next span of a request.
    fn next(&self) -> Span {
        self.next_with_parts().0
    }

    /// The next span of a request, and the spans below it, which end before it.
    fn next_with_parts(&self) -> (Span, Vec<Span>) {
        let mut parts = Vec::new();
        loop {
            let span = self.spans.recv_timeout(Duration::from_secs(20)).unwrap();
            if is_of_request(&span) {
                parts.retain(|part: &Span| part.parent_span_id == span.span_id);
                return (span, parts);
            }
            parts.push(span);
        }
    }
}

fn is_of_request(span: &Span) -> bool {
    span.kind() == SpanKind::Server
}

/// How often each name is among spans.
fn names(spans: &[Span]) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for span in spans {
        *names.entry(span.name.as_str()).or_default() += 1;
    }
    names
}

fn to(collector: SocketAddr) -> ServerConfig {
    config()
        .set("traces.otlp_endpoint", format!("http://{collector}/v1/traces"))
        .set("traces.sample", json!(1.0))
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.unwrap_or_else(|| panic!("{key}: {span:?}")).value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn request_has_a_span_with_its_route_its_id_and_its_status_and_no_more_of_it() {
    let collector = Collector::start();
    let server = server::start(&to(collector.address), USERS);
    let login = json!({"user": "iago", "password": "wrong-password-text"});
    let request = Request::new("POST", "/api/v1/login?typed=query").json(&login);
    assert_eq!(server.send(&request).unwrap().status, 401);
    let span = collector.next();
    assert_eq!((span.name.as_str(), span.parent_span_id.len()), ("POST /api/v1/login", 0), "{span:?}");
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/login"),
        ("auth.protocol", "rocketchat"),
        ("http.response.status_code", "401"),
    ] {
        assert_eq!(attribute(&span, key), value, "{key}");
    }
    assert!(span.end_time_unix_nano > span.start_time_unix_nano, "{span:?}");
    let line = server.wait_for_log("\"message\":\"login attempt\"").unwrap();
    assert!(line.contains(&format!("\"id\":\"{}\"", attribute(&span, "auth.request_id"))), "{line}");

    server.send(&Request::new("DANCE", "/secret-path/secret-token")).unwrap();
    let other = collector.next();
    assert_eq!(attribute(&other, "http.request.method"), "_OTHER");
    let told = format!("{span:?}{other:?}");
    for typed in ["iago", "wrong-password", "typed", "secret", "DANCE", "127.0.0.1"] {
        assert!(!told.contains(typed), "{typed}: {told}");
    }
    server::stop(server);
}

#[test]
fn trusted_proxy_alone_says_of_which_trace_a_request_is_a_part() {
    let parent = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    for (proxies, is_part) in [(json!(["127.0.0.1"]), true), (json!([]), false)] {
        let collector = Collector::start();
        let server = server::start(&to(collector.address).set("server.trusted_proxies", proxies), USERS);
        let traceparent = format!("00-{}-{}-01", parent.0, parent.1);
        let request = Request::new("GET", "/api/v1/server_settings").header("traceparent", &traceparent);
        server.send(&request).unwrap();
        let span = collector.next();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let found = (hex(&span.trace_id), hex(&span.parent_span_id));
        assert_eq!((found.0 == parent.0, found.1 == parent.1), (is_part, is_part), "{found:?}");
        server::stop(server);
    }
}

#[test]
fn last_spans_are_sent_before_the_end() {
    let collector = Collector::start();
    let server = server::start(&to(collector.address), USERS);
    for _ in 0..50 {
        server.send(&Request::new("GET", "/api/v1/server_settings")).unwrap();
    }
    server::stop(server);
    assert_eq!(collector.spans.try_iter().filter(is_of_request).count(), 50);
}

#[test]
fn parts_of_a_login_are_spans_below_it_and_tell_no_more_than_their_names() {
    let collector = Collector::start();
    let server = server::start(&to(collector.address), USERS);
    for (password, status) in [("correct-horse-battery-9876", 200), ("wrong-password-text", 401)] {
        let login = json!({"user": "iago", "password": password});
        let request = Request::new("POST", "/api/v1/login").json(&login);
        assert_eq!(server.send(&request).unwrap().status, status);
        let (span, parts) = collector.next_with_parts();
        let names = names(&parts);
        assert_eq!((names.get("hashing wait"), names.get("hashing")), (Some(&1), Some(&1)), "{names:?}");
        assert!(names.contains_key("store find"), "{names:?}");
        assert_eq!(names.contains_key("store add"), status == 200, "{names:?}");
        for part in &parts {
            assert_eq!(part.trace_id, span.trace_id, "{part:?}");
            assert!(part.attributes.is_empty() && part.events.is_empty(), "{part:?}");
            assert!(part.start_time_unix_nano <= part.end_time_unix_nano, "{part:?}");
            assert!(part.end_time_unix_nano <= span.end_time_unix_nano, "{part:?} {span:?}");
        }
        let time = |name: &str| {
            let part = parts.iter().find(|part| part.name == name).unwrap();
            (part.start_time_unix_nano, part.end_time_unix_nano)
        };
        assert_eq!(time("hashing wait").1, time("hashing").0);
        assert!(time("hashing").1 > time("hashing").0);
        assert!(!format!("{parts:?}").contains("iago"), "{parts:?}");
    }
    server::stop(server);
}

#[test]
fn request_that_is_not_sampled_has_no_spans_and_background_work_is_part_of_no_request() {
    let collector = Collector::start();
    let server = server::start(&to(collector.address).set("traces.sample", json!(0.0)), USERS);
    let login = json!({"user": "iago", "password": "wrong-password-text"});
    server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
    server::stop(server);
    assert_eq!(collector.spans.try_iter().count(), 0);
}

#[test]
fn answer_of_a_directory_is_a_span_and_so_is_its_failure() {
    const REALM: &str = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["corp"]}"#;
    let (collector, slapd) = (Collector::start(), Slapd::start().unwrap());
    let nobody = free_address().unwrap();
    for (address, failed) in [(slapd.address(), false), (nobody, true)] {
        let config = to(collector.address)
            .set("ldap.corp.servers", vec![format!("ldap://{address}")])
            .set("ldap.corp.bind_dn", SERVICE.0)
            .set("ldap.corp.bind_password", SERVICE.1)
            .set("ldap.corp.base", BASE);
        let server = server::start(&config, REALM);
        let login = json!({"user": "hamlet", "password": "wrong"});
        server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
        let (_, parts) = collector.next_with_parts();
        let asked = parts.iter().find(|part| part.name == "directory verify").unwrap();
        let is_error = asked.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
        assert_eq!(is_error, failed, "{asked:?}");
        server::stop(server);
    }
}

#[test]
fn mail_is_a_span_of_its_own() {
    const USER: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876"}"#;
    let collector = Collector::start();
    let config = to(collector.address)
        .set("mail.smtp", format!("smtp://{}", free_address().unwrap()))
        .set("mail.from", "auth@example.org");
    let server = server::start(&config, USER);
    let login = json!({"user": "iago", "password": "correct-horse-battery-9876"});
    server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
    let mut spans = std::iter::from_fn(|| collector.spans.recv_timeout(Duration::from_secs(20)).ok());
    let mail = spans.find(|span| span.name == "mail").unwrap();
    assert!(mail.parent_span_id.is_empty() && mail.attributes.is_empty(), "{mail:?}");
    assert_eq!(mail.status.unwrap().code(), StatusCode::Error, "nobody takes it");
    server::stop(server);
}

#[test]
fn collector_that_hangs_holds_up_no_request_and_not_the_end() {
    // It takes connections and reads nothing.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server::start(&to(hanging.local_addr().unwrap()), USERS);
    let settings = Request::new("GET", "/api/v1/server_settings");
    let clock = Stopwatch::start();
    while !server.log().contains("traces can't be sent") {
        let began = clock.elapsed();
        assert_eq!(server.send(&settings).unwrap().status, 200);
        assert!((clock.elapsed() - began).as_secs() < 3, "a request waited for the collector");
    }
    let began = clock.elapsed();
    let log = server::stop(server);
    assert!((clock.elapsed() - began).as_secs() < 10, "the last spans are given up");
    assert_eq!(log.matches("traces can't be sent").count(), 1, "{log}");
}

#[test]
fn collector_that_is_not_there_holds_up_nothing_and_is_told_once() {
    let server = server::start(&to(free_address().unwrap()), USERS);
    let settings = Request::new("GET", "/api/v1/server_settings");
    while !server.log().contains("traces can't be sent") {
        assert_eq!(server.send(&settings).unwrap().status, 200);
    }
    assert_eq!(server.send(&settings).unwrap().status, 200);
    let log = server::stop(server);
    assert_eq!(log.matches("traces can't be sent").count(), 1, "{log}");
}
