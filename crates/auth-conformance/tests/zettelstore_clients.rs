//! The requests of Zettelstore's clients, byte for byte, and whether the clients could continue with the responses: the
//! Go library before and after its change from JSON to symbolic expressions, and curl.
//!
//! The library cannot be installed here, so that this file holds its requests (docs/contract/zettelstore.md, section
//! 8).

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::Response;
use auth_conformance::{IssuedToken, Server, ServerConfig, server_binary};

fn config() -> ServerConfig {
    ServerConfig::for_tests()
        .set("zulip.enabled", false)
        .set("rocketchat.enabled", false)
        .set("zettelstore.login_delay", "50ms")
}

/// The user in the examples of the manual.
const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ident","zettelstore_zid":"20240101000200","password":"PASSWORD"}
"#;

/// A kept-alive connection, as clients use it.
struct Connection {
    stream: TcpStream,
    host: String,
    /// The token of the last response that had one.
    token: String,
}

impl Connection {
    fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, host: server.address().to_string(), token: String::new() }
    }

    /// Sends a head, in which `HOST` and `TOKEN` are filled in, and after its blank line a body as it is.
    fn send(&mut self, request: &str) -> Response {
        let (head, body) = request.split_once("\n\n").unwrap();
        let head = head.replace("HOST", &self.host).replace("TOKEN", &self.token).replace('\n', "\r\n");
        self.stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let response = self.read();
        if let Some(token) = IssuedToken::read(&response).token {
            self.token = token;
        }
        response
    }

    fn read(&mut self) -> Response {
        let mut data = Vec::new();
        while !data.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(self.stream.read(&mut byte).unwrap(), 1, "the connection was closed");
            data.extend(byte);
        }
        let head = Response::parse(&data);
        let length = head.header("content-length").map_or(0, |length| length.parse().unwrap());
        let start = data.len();
        data.resize(start + length, 0);
        self.stream.read_exact(&mut data[start..]).unwrap();
        Response::parse(&data)
    }
}

/// An expected response.
enum Expected {
    /// 200 and a token in JSON, as the earlier Go library reads it.
    Json,
    /// 200 and a token in a symbolic expression.
    List,
    /// A status and a body.
    Status(u16, &'static str),
}
use Expected::{Json, List, Status};

const GO_LOG_IN: &str = "POST /a HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\nContent-Length: 32\n\
     Content-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\npassword=PASSWORD&username=ident";

/// Later logins carry the old token.
const GO_LOG_IN_AGAIN: &str = "POST /a HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\nContent-Length: 32\n\
     Authorization: Bearer TOKEN\nContent-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n\
     password=PASSWORD&username=ident";

/// The library renews its token before each call.
const GO_RENEW: &str = "PUT /a HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\nContent-Length: 0\n\
     Authorization: Bearer TOKEN\nAccept-Encoding: gzip\n\n";

const GO_CHECK: &str = "POST /x?cmd=authenticated HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\n\
     Content-Length: 0\nAuthorization: Bearer TOKEN\nAccept-Encoding: gzip\n\n";

const GO_CHECK_WITHOUT_TOKEN: &str = "POST /x?cmd=authenticated HTTP/1.1\nHost: HOST\n\
     User-Agent: Go-http-client/1.1\nContent-Length: 0\nAccept-Encoding: gzip\n\n";

const GO_WRONG_PASSWORD: &str = "POST /a HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\n\
     Content-Length: 29\nContent-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n\
     password=wrong&username=ident";

const CURL_BASIC: &str = "POST /a HTTP/1.1\nHost: HOST\nAuthorization: Basic SURFTlQ6UEFTU1dPUkQ=\n\
     User-Agent: curl/7.74.0\nAccept: */*\n\n";

const CURL_FORM: &str = "POST /a HTTP/1.1\nHost: HOST\nUser-Agent: curl/7.74.0\nAccept: */*\nContent-Length: 32\n\
     Content-Type: application/x-www-form-urlencoded\n\nusername=IDENT&password=PASSWORD";

const CURL_RENEW: &str = "PUT /a HTTP/1.1\nHost: HOST\nUser-Agent: curl/7.74.0\nAccept: */*\n\
     Authorization: Bearer TOKEN\n\n";

const CURL_CHECK: &str = "POST /x?cmd=authenticated HTTP/1.1\nHost: HOST\nUser-Agent: curl/7.74.0\nAccept: */*\n\
     Authorization: Bearer TOKEN\n\n";

fn check(connection: &mut Connection, request: &str, expected: &Expected) {
    let before = connection.token.clone();
    let response = connection.send(request);
    let line = request.lines().next().unwrap_or_default();
    match expected {
        Json => {
            assert_eq!(response.status, 200, "{line}: {}", response.text());
            let json = response.json().unwrap_or_else(|| panic!("{line}: {}", response.text()));
            // The library sends `token_type`, a space and `token`.
            assert_eq!(json["token"], connection.token.as_str());
            assert_eq!((&json["token_type"], json["expires_in"].is_u64()), (&"Bearer".into(), true));
            assert!(!connection.token.is_empty());
        }
        List => {
            assert_eq!(
                (response.status, response.header("content-type")),
                (200, Some("text/plain; charset=utf-8"))
            );
            let IssuedToken { token, expires_in } = IssuedToken::read(&response);
            let is_long = token.is_some_and(|token| token.len() >= 4);
            assert!(is_long && expires_in.is_some(), "{}", response.text());
        }
        Status(status, text) => {
            assert_eq!((response.status, response.text().as_str()), (*status, *text), "{line}");
            assert_eq!(connection.token, before);
        }
    }
    assert_eq!(response.header("content-encoding"), None, "clients accept gzip and do not require it");
}

fn run(config: &ServerConfig, exchanges: &[(&str, Expected)]) {
    let server = Server::start(&server_binary().unwrap(), config, USERS).unwrap();
    let mut connection = Connection::to(&server);
    for (request, expected) in exchanges {
        check(&mut connection, request, expected);
    }
}

#[test]
fn go_library_with_json_logs_in_and_continues() {
    run(
        &config(),
        &[
            (GO_CHECK_WITHOUT_TOKEN, Status(401, "")),
            (GO_WRONG_PASSWORD, Status(401, "Authentication failed\n")),
            (GO_LOG_IN, Json),
            (GO_RENEW, Json),
            (GO_CHECK, Status(204, "")),
            (GO_RENEW, Json),
            (GO_CHECK, Status(204, "")),
            (GO_LOG_IN_AGAIN, Json),
            (GO_RENEW, Json),
            (GO_CHECK, Status(204, "")),
        ],
    );
}

#[test]
fn go_library_with_symbolic_expressions_logs_in_and_continues() {
    run(
        &config().set("zettelstore.answer", "list"),
        &[
            (GO_CHECK_WITHOUT_TOKEN, Status(401, "")),
            (GO_LOG_IN, List),
            (GO_RENEW, List),
            (GO_CHECK, Status(204, "")),
            (GO_LOG_IN_AGAIN, List),
            (GO_RENEW, List),
            (GO_CHECK, Status(204, "")),
        ],
    );
}

#[test]
fn go_library_has_access_without_login_where_authentication_is_off() {
    for (form, expected) in [("json", Json), ("list", List)] {
        let config = config().set("zettelstore.authentication", false).set("zettelstore.answer", form);
        let status = |status| Status(status, "");
        run(
            &config,
            &[(GO_CHECK_WITHOUT_TOKEN, status(200)), (GO_LOG_IN, expected), (GO_CHECK, status(200))],
        );
    }
}

#[test]
fn curl_commands_of_the_manual_get_a_token() {
    run(
        &config(),
        &[
            (CURL_BASIC, Json),
            (CURL_CHECK, Status(204, "")),
            (CURL_FORM, Json),
            (CURL_RENEW, Json),
            (CURL_CHECK, Status(204, "")),
        ],
    );
}

/// The library keeps a token too long: it tries to renew an expired one, gets status 400, and logs in again with the
/// expired token beside the form.
#[test]
fn go_library_logs_in_again_after_its_token_has_expired() {
    let config = config().set("zettelstore.token_lifetime", "0s");
    let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let mut connection = Connection::to(&server);
    check(&mut connection, GO_LOG_IN, &Json);
    let first = connection.token.clone();
    let watch = Stopwatch::start();
    loop {
        connection.token.clone_from(&first);
        let response = connection.send(GO_RENEW);
        if response.status == 400 {
            assert_eq!(response.text(), "Not authenticated\n");
            break;
        }
        assert_eq!(response.status, 200);
        assert!(watch.elapsed() < Duration::from_secs(10), "the token does not expire");
        thread::sleep(Duration::from_millis(50));
    }
    check(&mut connection, GO_CHECK, &Status(401, ""));
    check(&mut connection, GO_LOG_IN_AGAIN, &Json);
    assert_ne!(connection.token, first);
}
