//! What depends on the host of a request, and on the way that it came: who is answered as by a development server, and
//! which answers may be cached.

use auth_proto_zulip::Config;
use serde_json::json;

use crate::routes::{FETCH, FORM, USERS, parsed};
use crate::server::{Server, header, request};
use crate::world::Ways;

const SETTINGS: &str = "/api/v1/server_settings";

/// Every endpoint that answers otherwise on a development server, and one that doesn't.
const QUESTIONS: [(&str, &str, &str); 6] = [
    ("POST", "/api/v1/dev_fetch_api_key", "username=iago@zulip.com"),
    ("GET", "/api/v1/dev_fetch_api_key", ""),
    ("GET", "/api/v1/dev_list_users", ""),
    ("OPTIONS", "/api/v1/dev%5Flist_users", ""),
    ("GET", SETTINGS, ""),
    ("POST", FETCH, "username=iago@zulip.com&password=abcd1234"),
];

fn config(development: bool, external_host: &str) -> Config {
    let realm_hosts = [("chat.example.net".to_owned(), "corp".to_owned())].into();
    Config { external_host: external_host.into(), development, realm_hosts, ..Config::default() }
}

fn server(config: Config) -> Server {
    Server::new(config, USERS, Ways { development: true, ..Ways::default() })
}

/// Whether a development server's answers to a request with these headers are its own: `false` when every one of them is
/// that of a production server, to the byte.
async fn is_development(external_host: &str, headers: &[(&str, &str)]) -> bool {
    let mut differing = 0;
    for (method, path, form) in QUESTIONS {
        let mut answers = Vec::new();
        for development in [true, false] {
            let headers = headers.iter().copied().chain([FORM]);
            let server = server(config(development, external_host));
            let answer = server.send(request(method, path, headers, form)).await.response;
            answers.push((answer.status(), answer.headers().clone(), answer.body().clone()));
        }
        differing += usize::from(answers[0] != answers[1]);
    }
    assert!(differing == 0 || differing == 5, "{headers:?}: {differing}");
    differing > 0
}

#[tokio::test]
async fn development_answers_are_for_hosts_of_this_machine_and_the_external_one() {
    for (external, host, expected) in [
        ("zulip.example.org", "zulip.example.org", true),
        ("zulip.example.org", "corp.zulip.example.org:9991", true),
        ("zulip.example.org", "localhost:9991", true),
        ("zulip.example.org", "127.0.0.1", true),
        ("zulip.example.org", "[::1]:9991", true),
        ("zulip.example.org", "chat.example.net", false),
        ("zulip.example.org", "evil.example.com", false),
        ("", "127.0.0.1:8080", true),
        ("", "zulip.localhost", true),
        ("", "evil.example.com", false),
        ("", "127.0.0.1.evil.example.com", false),
        ("", "192.0.2.1", false),
    ] {
        assert_eq!(is_development(external, &[("host", host)]).await, expected, "{host} at {external:?}");
    }
    assert!(is_development("zulip.example.org", &[]).await, "without a host");
}

#[tokio::test]
async fn forwarded_requests_get_the_answers_of_production() {
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"]
    {
        for value in ["127.0.0.1", ""] {
            let headers = [("host", "localhost"), (name, value)];
            assert!(!is_development("zulip.example.org", &headers).await, "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn addresses_made_of_the_host_as_sent_are_never_cached() {
    const NEVER: &str = "max-age=0, no-cache, no-store, must-revalidate, private";
    for (external_host, host, expected) in
        [("", "evil.example.com", Some(NEVER)), ("zulip.example.org", "zulip.example.org", None)]
    {
        let server = server(config(false, external_host));
        for method in ["GET", "HEAD"] {
            let answer = server.send(request(method, SETTINGS, [("host", host)], "")).await;
            assert_eq!(answer.response.status(), 200);
            assert_eq!(header(&answer, "cache-control"), expected, "{method} at {external_host:?}");
            assert_eq!(header(&answer, "expires").is_some(), expected.is_some());
        }
        let answer = server.send(request("GET", SETTINGS, [("host", host)], "")).await;
        assert_eq!(parsed(&answer)["realm_url"], json!(format!("https://{host}")));
    }
    let server = server(config(true, ""));
    let listed =
        server.send(request("GET", "/api/v1/dev_list_users", [("host", "127.0.0.1:8080")], "")).await;
    assert_eq!(header(&listed, "cache-control"), Some(NEVER));
}
