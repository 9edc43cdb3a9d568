use Dialect::{Envoy, Nginx, XForwarded};
use proptest::prelude::*;

use super::*;

fn read(
    dialect: Dialect,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Question, QuestionError> {
    let request = Request::builder().method(method).uri(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_bytes()));
    Question::of(dialect, &request.body(()).unwrap())
}

/// What each dialect sends about a request.
fn asked(dialect: Dialect, method: &str, host: &str, target: &str) -> Result<Question, QuestionError> {
    match dialect {
        Nginx => {
            let url = format!("https://{host}{target}");
            read(
                Nginx,
                "GET",
                AUTH,
                &[("x-original-url", &url), ("x-original-method", method), ("host", "auth")],
            )
        }
        XForwarded => {
            let headers = [
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", host),
                ("x-forwarded-uri", target),
                ("x-forwarded-method", method),
                ("host", "auth"),
            ];
            read(XForwarded, "GET", "/forward/auth?the=query", &headers)
        }
        Envoy => read(Envoy, method, &format!("{AUTH}{target}"), &[("host", host)]),
    }
}

#[test]
fn every_dialect_says_the_same_of_a_request() {
    for dialect in [Nginx, XForwarded, Envoy] {
        for (method, host, target, read_host) in [
            ("GET", "wiki.example.org", "/", "wiki.example.org"),
            ("POST", "WIKI.example.ORG", "/a/b?c=d", "wiki.example.org"),
            ("HEAD", "wiki.example.org.", "/%2e%2e", "wiki.example.org"),
            ("PROPFIND", "wiki.example.org:443", "//x", "wiki.example.org"),
            ("OPTIONS", "wiki.example.org:8443", "/x?https://y", "wiki.example.org:8443"),
            ("GET", "[::1]:8080", "/", "[::1]:8080"),
        ] {
            let expected = Question {
                method: method.parse().unwrap(),
                host: read_host.to_owned(),
                target: target.to_owned(),
            };
            assert_eq!(asked(dialect, method, host, target), Ok(expected), "{dialect:?} {host}{target}");
        }
    }
}

#[test]
fn what_is_no_host_is_refused_in_every_dialect() {
    for host in [
        "",
        "user@wiki.example.org",
        "wiki example",
        "wiki.example.org:",
        "wiki.example.org:99999",
        "a,b",
        ".",
        "..",
        "wiki.example.org..",
        "wiki..example.org",
        ".example.org",
    ] {
        for dialect in [Nginx, XForwarded, Envoy] {
            let found = asked(dialect, "GET", host, "/");
            assert!(matches!(found, Err(QuestionError::Unreadable(_))), "{dialect:?} {host:?}: {found:?}");
        }
    }
}

#[test]
fn what_is_no_target_is_refused() {
    for target in ["", "x", "*", "http://other.example.org/", "/a b", "/\u{e9}t\u{e9}", "/a#b", "?x"] {
        for dialect in [Nginx, XForwarded] {
            let found = asked(dialect, "GET", "wiki.example.org", target);
            assert!(matches!(found, Err(QuestionError::Unreadable(_))), "{dialect:?} {target:?}: {found:?}");
        }
    }
    for path in ["/forward/auth", "/forward/auth?x", "/other"] {
        let found = read(Envoy, "GET", path, &[("host", "wiki.example.org")]);
        assert_eq!(found, Err(QuestionError::Unreadable(HOST)), "{path}");
    }
}

#[test]
fn a_header_of_another_dialect_is_a_mixture() {
    let own = |dialect| match dialect {
        Nginx => vec![("x-original-url", "https://wiki.example.org/"), ("x-original-method", "GET")],
        XForwarded => vec![
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "wiki.example.org"),
            ("x-forwarded-uri", "/"),
            ("x-forwarded-method", "GET"),
        ],
        Envoy => vec![("host", "wiki.example.org")],
    };
    for dialect in [Nginx, XForwarded, Envoy] {
        for (name, of) in TELLING.iter().filter(|(_, of)| *of != dialect) {
            let headers = [own(dialect), vec![(name.as_str(), "/")]].concat();
            let found = read(dialect, "GET", "/forward/auth/", &headers);
            assert_eq!(found, Err(QuestionError::OtherDialect(name.clone())), "{dialect:?} {of:?}");
        }
        // Any proxy may pass on what a client says of its host and scheme; it is not read.
        let lies = vec![("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "gopher")];
        if dialect != XForwarded {
            let found = read(dialect, "GET", "/forward/auth/", &[own(dialect), lies].concat()).unwrap();
            assert_eq!(found.host, "wiki.example.org", "{dialect:?}");
        }
    }
}

#[test]
fn a_header_that_is_missing_or_there_twice_is_an_error() {
    let all = [
        (Nginx, vec![("x-original-url", "https://wiki.example.org/"), ("x-original-method", "GET")]),
        (
            XForwarded,
            vec![
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "wiki.example.org"),
                ("x-forwarded-uri", "/"),
                ("x-forwarded-method", "GET"),
            ],
        ),
        (Envoy, vec![("host", "wiki.example.org")]),
    ];
    for (dialect, headers) in all {
        for at in 0..headers.len() {
            let name: HeaderName = headers[at].0.parse().unwrap();
            let mut less = headers.clone();
            less.remove(at);
            let found = read(dialect, "GET", "/forward/auth/", &less);
            assert_eq!(found, Err(QuestionError::Missing(name.clone())), "{dialect:?}");
            let twice = [headers.clone(), vec![headers[at]]].concat();
            let found = read(dialect, "GET", "/forward/auth/", &twice);
            assert_eq!(found, Err(QuestionError::Repeated(name)), "{dialect:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_read_has_one_form(
        host in "([a-cA-C0-9.:@\\[\\]-]{0,12})",
        target in "(/|\\.|%2e|a|\\?|#| |é){0,8}",
    ) {
        for dialect in [Nginx, XForwarded] {
            if let Ok(question) = asked(dialect, "GET", &host, &target) {
                prop_assert!(question.target.starts_with('/') && question.target.is_ascii());
                let again = host_of(&question.host);
                prop_assert_eq!(again.as_deref(), Some(question.host.as_str()));
            }
        }
    }
}
