//! Paths and methods: what is answered before anybody is asked.

use std::sync::Arc;

use auth_core::{Protocol, ProtocolName, RouteMatch};
use auth_proto_zettelstore::{AnswerForm, Config, ZettelstoreProtocol};
use bytes::Bytes;
use http::{Request, Version};

use crate::requests::{ask, body, check, header, peer, request, settings};
use crate::services::Fixed;

const TEXT: &str = "text/plain; charset=utf-8";

fn protocol(url_prefix: &str) -> ZettelstoreProtocol {
    let config = Config { url_prefix: url_prefix.to_owned(), ..settings() };
    ZettelstoreProtocol::new(config, Arc::new(Fixed::new()))
}

#[tokio::test]
async fn other_methods_are_not_allowed_and_no_allow_header_is_sent() {
    let services = Fixed::new().shared();
    for authentication in [true, false] {
        for (method, target) in [
            ("GET", "/a"),
            ("DELETE", "/a"),
            ("OPTIONS", "/a/"),
            ("PATCH", "/%61"),
            ("BREW", "/a"),
            ("GET", "/x?cmd=authenticated"),
            ("PUT", "/x?cmd=authenticated"),
            ("POST", "/a/20240101000200"),
            ("PUT", "/a/20240101000200/"),
        ] {
            let config = Config { authentication, ..settings() };
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
    let services = Fixed::new().shared();
    for (target, status, length) in [("/a", 405, "19"), ("//a", 301, "0"), ("/%zz", 400, "12")] {
        let answer = ask(settings(), &services, request("HEAD", target, &[], "")).await;
        assert_eq!((answer.response.status().as_u16(), body(&answer)), (status, ""), "{target}");
        assert_eq!(header(&answer, "content-length"), length, "{target}");
    }
}

#[tokio::test]
async fn unknown_paths_get_a_page_and_other_prefixes_get_text() {
    let services = Fixed::new().shared();
    let below_prefix = || Config { url_prefix: "/pfx/".to_owned(), ..settings() };
    for (config, target) in
        [(settings(), "/A"), (settings(), "/a/x"), (settings(), "/"), (below_prefix(), "/pfx/b")]
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
    let services = Fixed::new().shared();
    for (answer, status) in [(AnswerForm::Json, 301), (AnswerForm::List, 307)] {
        for (prefix, target, location) in [
            ("/", "//a", "/a"),
            ("/", "//a?x=%zz&y=é", "/a?x=%zz&y=%C3%A9"),
            ("/", "//a?", "/a?"),
            ("/", "//example.com//a", "/example.com/a"),
            ("/pfx/", "/pfx//a/", "/pfx/a/"),
        ] {
            let config = Config { answer, url_prefix: prefix.to_owned(), ..settings() };
            let moved = ask(config, &services, request("POST", target, &[], "")).await;
            check(&moved, status, "", "", target);
            assert_eq!(header(&moved, "location"), location);
        }
    }
}

#[tokio::test]
async fn malformed_requests_are_bad() {
    let services = Fixed::new().shared();
    let answer = ask(settings(), &services, request("POST", "/a%2", &[], "")).await;
    check(&answer, 400, TEXT, "Bad request\n", "escape");
    for (version, status) in [(Version::HTTP_10, 401), (Version::HTTP_11, 400), (Version::HTTP_2, 401)] {
        let nameless = Request::post("/a").version(version).body(Bytes::new()).unwrap();
        assert_eq!(ask(settings(), &services, nameless).await.response.status(), status, "{version:?}");
    }
}

#[test]
fn protocol_owns_its_paths_and_takes_the_rest_after_others() {
    for (prefix, path, claim) in [
        ("/", "/a", RouteMatch::Owned),
        ("/", "/a/", RouteMatch::Owned),
        ("/", "/%61", RouteMatch::Owned),
        ("/", "//a", RouteMatch::Owned),
        ("/", "/x", RouteMatch::Owned),
        ("/", "/a/20240101000200", RouteMatch::Owned),
        ("/", "/a/b", RouteMatch::Prefix),
        ("/", "//b", RouteMatch::Prefix),
        ("/", "/api/v1/login", RouteMatch::Prefix),
        ("/", "/%zz", RouteMatch::Prefix),
        ("/pfx/", "/pfx/a", RouteMatch::Owned),
        ("/pfx/", "/a", RouteMatch::Prefix),
    ] {
        assert_eq!(protocol(prefix).claim(path), claim, "{prefix} {path}");
    }
}

#[test]
fn body_limit_is_what_is_set_but_never_tiny() {
    for (set, limit) in [(16 << 20, 16 << 20), (1024, 1024), (1023, 1024), (0, 1024)] {
        let config = Config { max_request_size: set, ..settings() };
        assert_eq!(ZettelstoreProtocol::new(config, Arc::new(Fixed::new())).body_limit(), limit);
    }
    assert_eq!(protocol("/").body_limit(), 16 * 1024 * 1024);
}

#[tokio::test]
async fn answers_come_from_the_protocol_itself() {
    let protocol = protocol("/");
    assert_eq!(protocol.kind(), ProtocolName::Zettelstore);
    let answer = protocol.answer(request("POST", "/a", &[], ""), &peer()).await;
    assert_eq!(answer.response.status(), 401);
}
