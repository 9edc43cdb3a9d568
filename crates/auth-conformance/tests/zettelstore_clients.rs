//! What Zettelstore's clients send, byte for byte (zettelstore.md 8), and whether they could go on with the
//! answers: the Go library of both eras, and curl. Nothing of them can be installed, so their requests are here.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::Response;
use auth_conformance::matching::answered_token;
use auth_conformance::{Server, server_binary};

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:@PORT@"]

[store]
url = "sqlite:@DIR@/auth.db"

[keys]
file = "@DIR@/keys.toml"

[passwords]
memory_kib = 64

[zulip]
enabled = false

[rocketchat]
enabled = false

[zettelstore]
login_delay = "50ms"
"#;

/// The user of the manual's examples.
const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ident","zettelstore_zid":"20240101000200","password":"PASSWORD"}
"#;

/// A connection that is kept, as clients keep theirs.
struct Connection {
    stream: TcpStream,
    host: String,
    /// The token of the last answer that had one.
    token: String,
}

impl Connection {
    fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, host: server.address().to_string(), token: String::new() }
    }

    /// Sends lines, with `HOST` and `TOKEN` filled in, and the text after the blank line as it stands.
    fn send(&mut self, request: &str) -> Response {
        let (head, body) = request.split_once("\n\n").unwrap();
        let head = head.replace("HOST", &self.host).replace("TOKEN", &self.token).replace('\n', "\r\n");
        self.stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let answer = self.read();
        if let Some(token) = answered_token(&answer).0 {
            self.token = token;
        }
        answer
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

/// What an answer must be.
enum Expected {
    /// 200 and a token in JSON, as the Go library of that era reads it.
    Json,
    /// 200 and a token in a list.
    List,
    /// A status and a body.
    Answer(u16, &'static str),
}
use Expected::{Answer, Json, List};

const GO_LOG_IN: &str = "POST /a HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\nContent-Length: 32\n\
     Content-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\npassword=PASSWORD&username=ident";

/// On later log-ins the old token comes along.
const GO_LOG_IN_AGAIN: &str = "POST /a HTTP/1.1\nHost: HOST\nUser-Agent: Go-http-client/1.1\nContent-Length: 32\n\
     Authorization: Bearer TOKEN\nContent-Type: application/x-www-form-urlencoded\nAccept-Encoding: gzip\n\n\
     password=PASSWORD&username=ident";

/// Goes before each call.
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
    let answer = connection.send(request);
    let line = request.lines().next().unwrap_or_default();
    match expected {
        Json => {
            assert_eq!(answer.status, 200, "{line}: {}", answer.text());
            let json = answer.json().unwrap_or_else(|| panic!("{line}: {}", answer.text()));
            // The library reads `token` and uses `token_type` as the word before it.
            assert_eq!(json["token"], connection.token.as_str());
            assert_eq!((&json["token_type"], json["expires_in"].is_u64()), (&"Bearer".into(), true));
            assert!(!connection.token.is_empty());
        }
        List => {
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some("text/plain; charset=utf-8"))
            );
            let (token, seconds) = answered_token(&answer);
            assert!(token.is_some_and(|token| token.len() >= 4) && seconds.is_some(), "{}", answer.text());
        }
        Answer(status, text) => {
            assert_eq!((answer.status, answer.text().as_str()), (*status, *text), "{line}");
            assert_eq!(connection.token, before);
        }
    }
    assert_eq!(answer.header("content-encoding"), None, "gzip is offered, not asked for");
}

fn run(config: &str, exchanges: &[(&str, Expected)]) {
    let server = Server::start(&server_binary().unwrap(), config, USERS).unwrap();
    let mut connection = Connection::to(&server);
    for (request, expected) in exchanges {
        check(&mut connection, request, expected);
    }
}

#[test]
fn go_library_of_the_json_era_logs_in_and_goes_on() {
    run(
        CONFIG,
        &[
            (GO_CHECK_WITHOUT_TOKEN, Answer(401, "")),
            (GO_WRONG_PASSWORD, Answer(401, "Authentication failed\n")),
            (GO_LOG_IN, Json),
            (GO_RENEW, Json),
            (GO_CHECK, Answer(204, "")),
            (GO_RENEW, Json),
            (GO_CHECK, Answer(204, "")),
            (GO_LOG_IN_AGAIN, Json),
            (GO_RENEW, Json),
            (GO_CHECK, Answer(204, "")),
        ],
    );
}

#[test]
fn go_library_of_the_list_era_logs_in_and_goes_on() {
    run(
        &format!("{CONFIG}answer = \"list\"\n"),
        &[
            (GO_CHECK_WITHOUT_TOKEN, Answer(401, "")),
            (GO_LOG_IN, List),
            (GO_RENEW, List),
            (GO_CHECK, Answer(204, "")),
            (GO_LOG_IN_AGAIN, List),
            (GO_RENEW, List),
            (GO_CHECK, Answer(204, "")),
        ],
    );
}

#[test]
fn go_library_gets_its_free_access_where_nobody_has_to_log_in() {
    for (form, expected) in [("json", Json), ("list", List)] {
        let config = format!("{CONFIG}authentication = false\nanswer = \"{form}\"\n");
        let answer = |status| Answer(status, "");
        run(
            &config,
            &[(GO_CHECK_WITHOUT_TOKEN, answer(200)), (GO_LOG_IN, expected), (GO_CHECK, answer(200))],
        );
    }
}

#[test]
fn curl_lines_of_the_manual_are_answered() {
    run(
        CONFIG,
        &[
            (CURL_BASIC, Json),
            (CURL_CHECK, Answer(204, "")),
            (CURL_FORM, Json),
            (CURL_RENEW, Json),
            (CURL_CHECK, Answer(204, "")),
        ],
    );
}

/// The library holds a token too long: it tries to renew one that has ended, is told 400, and logs in again with
/// the ended token beside the form.
#[test]
fn go_library_comes_back_after_its_token_has_ended() {
    let config = format!("{CONFIG}token_lifetime = \"0s\"\n");
    let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let mut connection = Connection::to(&server);
    check(&mut connection, GO_LOG_IN, &Json);
    let first = connection.token.clone();
    let since = Stopwatch::start();
    loop {
        connection.token.clone_from(&first);
        let answer = connection.send(GO_RENEW);
        if answer.status == 400 {
            assert_eq!(answer.text(), "Not authenticated\n");
            break;
        }
        assert_eq!(answer.status, 200);
        assert!(since.elapsed() < Duration::from_secs(10), "it doesn't end");
        thread::sleep(Duration::from_millis(50));
    }
    check(&mut connection, GO_CHECK, &Answer(401, ""));
    check(&mut connection, GO_LOG_IN_AGAIN, &Json);
    assert_ne!(connection.token, first);
}
