//! Paths and methods: the answers that need no services.

use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{BodyRule, Protocol, ProtocolName, RouteMatch};
use auth_proto_zettelstore::{AnswerForm, Config, ZettelstoreProtocol};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Version};

use crate::fixtures::{ask, body, check, config, header, peer, request, services};

const TEXT: &str = "text/plain; charset=utf-8";

fn protocol(url_prefix: &str) -> ZettelstoreProtocol {
    let config = Config { url_prefix: url_prefix.to_owned(), ..config() };
    ZettelstoreProtocol::new(config, Arc::new(FakeServices::new()))
}

#[tokio::test]
async fn version_is_told_to_everybody_in_these_bytes() {
    for (form, version) in [(AnswerForm::Json, r#"(0 11 0 "" "")"#), (AnswerForm::List, r#"(1 0 2 "" "")"#)] {
        for (target, authentication) in
            [("/x", true), ("/x/", true), ("/x?cmd=authenticated", true), ("/x", false)]
        {
            let config = Config { answer: form, authentication, ..config() };
            let services = Arc::new(services());
            let answer = ask(config, &services, request("GET", target, &[], "")).await;
            check(&answer, 200, TEXT, version, target);
            assert!(services.checks().is_empty());
        }
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed_and_no_allow_header_is_sent() {
    let services = Arc::new(services());
    for authentication in [true, false] {
        for (method, target) in [
            ("GET", "/a"),
            ("DELETE", "/a"),
            ("OPTIONS", "/a/"),
            ("PATCH", "/%61"),
            ("BREW", "/a"),
            ("DELETE", "/x"),
            ("PUT", "/x?cmd=authenticated"),
            ("POST", "/a/20240101000200"),
            ("PUT", "/a/20240101000200/"),
        ] {
            let config = Config { authentication, ..config() };
            let answer = ask(config, &services, request(method, target, &[], "")).await;
            check(&answer, 405, TEXT, "Method Not Allowed\n", target);
            assert_eq!(
                (header(&answer, "allow"), header(&answer, "x-content-type-options")),
                ("", "nosniff")
            );
        }
    }
}

#[tokio::test]
async fn head_has_the_length_but_no_body() {
    let services = Arc::new(services());
    for (target, status, length) in [("/a", 405, "19"), ("//a", 301, "0"), ("/%zz", 400, "12")] {
        let answer = ask(config(), &services, request("HEAD", target, &[], "")).await;
        assert_eq!((answer.response.status().as_u16(), body(&answer)), (status, ""), "{target}");
        assert_eq!(header(&answer, "content-length"), length, "{target}");
    }
}

#[tokio::test]
async fn unknown_paths_get_a_page_and_other_prefixes_get_text() {
    let services = Arc::new(services());
    let below_prefix = || Config { url_prefix: "/pfx/".to_owned(), ..config() };
    for (config, target) in
        [(config(), "/A"), (config(), "/a/x"), (config(), "/"), (below_prefix(), "/pfx/b")]
    {
        for method in ["GET", "POST"] {
            let answer = ask(config.clone(), &services, request(method, target, &[], "")).await;
            assert_eq!(answer.response.status(), 404, "{target}");
            assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8", "{target}");
            assert!(body(&answer).starts_with("<!DOCTYPE html>"), "{target}");
        }
    }
    for target in ["/a", "/pfx", "/pfxa"] {
        let answer = ask(below_prefix(), &services, request("POST", target, &[], "")).await;
        check(&answer, 404, TEXT, "Not Found\n", target);
    }
}

#[tokio::test]
async fn unclean_paths_are_redirected_with_their_query() {
    let services = Arc::new(services());
    for (answer, status) in [(AnswerForm::Json, 301), (AnswerForm::List, 307)] {
        for (prefix, target, location) in [
            ("/", "//a", "/a"),
            ("/", "//a?x=%zz&y=é", "/a?x=%zz&y=%C3%A9"),
            ("/", "//a?", "/a?"),
            ("/", "//example.com//a", "/example.com/a"),
            ("/pfx/", "/pfx//a/", "/pfx/a/"),
        ] {
            let config = Config { answer, url_prefix: prefix.to_owned(), ..config() };
            let moved = ask(config, &services, request("POST", target, &[], "")).await;
            check(&moved, status, "", "", target);
            assert_eq!(header(&moved, "location"), location);
        }
    }
}

#[tokio::test]
async fn malformed_requests_are_bad() {
    let services = Arc::new(services());
    let answer = ask(config(), &services, request("POST", "/a%2", &[], "")).await;
    check(&answer, 400, TEXT, "Bad request\n", "escape");
    for (version, status) in [(Version::HTTP_10, 401), (Version::HTTP_11, 400), (Version::HTTP_2, 401)] {
        let nameless = Request::post("/a").version(version).body(Bytes::new()).unwrap();
        assert_eq!(ask(config(), &services, nameless).await.response.status(), status, "{version:?}");
    }
}

#[test]
fn own_paths_are_documented_and_all_others_lie_below_the_prefix() {
    for (prefix, path, matched) in [
        ("/", "/a", RouteMatch::Documented),
        ("/", "/a/", RouteMatch::Documented),
        ("/", "/%61", RouteMatch::Documented),
        ("/", "//a", RouteMatch::Documented),
        ("/", "/x", RouteMatch::Documented),
        ("/", "/a/20240101000200", RouteMatch::Documented),
        ("/", "/a/b", RouteMatch::Prefix),
        ("/", "//b", RouteMatch::Prefix),
        ("/", "/api/v1/login", RouteMatch::Prefix),
        ("/", "/%zz", RouteMatch::Prefix),
        ("/pfx/", "/pfx/a", RouteMatch::Documented),
        ("/pfx/", "/a", RouteMatch::Prefix),
    ] {
        assert_eq!(protocol(prefix).route(path).matched, matched, "{prefix} {path}");
    }
}

#[test]
fn body_limit_is_the_configured_one_but_never_tiny() {
    for (set, limit) in [(16 << 20, 16 << 20), (1024, 1024), (1023, 1024), (0, 1024)] {
        let config = Config { max_request_size: set, ..config() };
        let protocol = ZettelstoreProtocol::new(config, Arc::new(FakeServices::new()));
        assert_eq!(body_rule(&protocol, "POST", "/a", FORM), BodyRule::UpTo(limit));
    }
    assert_eq!(body_rule(&protocol("/"), "POST", "/a", FORM), BodyRule::UpTo(16 * 1024 * 1024));
}

#[test]
fn form_of_a_login_is_read_and_every_other_body_ignored() {
    let protocol = protocol("/");
    for (method, path, media_type, is_read) in [
        ("POST", "/a", FORM, true),
        ("POST", "/a", "Application/X-WWW-Form-Urlencoded; charset=utf-8", true),
        ("POST", "/a", "text/plain", false),
        ("PUT", "/a", FORM, false),
        ("POST", "/x", FORM, false),
        ("POST", "/unknown", FORM, false),
        ("GET", "/a", FORM, false),
    ] {
        let rule = body_rule(&protocol, method, path, media_type);
        assert_eq!(rule != BodyRule::Ignored, is_read, "{method} {path} {media_type}");
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn body_rule(protocol: &ZettelstoreProtocol, method: &str, path: &str, media_type: &str) -> BodyRule {
    let headers = [(CONTENT_TYPE, media_type.parse().unwrap())].into_iter().collect();
    protocol.body_rule(&protocol.route(path), &method.parse().unwrap(), &headers)
}

#[tokio::test]
async fn answers_come_from_the_protocol_itself() {
    let protocol = protocol("/");
    assert_eq!(protocol.name(), ProtocolName::ZETTELSTORE);
    let route = protocol.route("/a");
    let answer = protocol.answer(&route, request("POST", "/a", &[], ""), &peer()).await;
    assert_eq!(answer.response.status(), 401);
}
