//! Whatever comes in, from the network or from the operator: a clear answer or one line on standard error, no
//! panic, and a server that goes on serving.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, server_binary};

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:@PORT@"]
header_timeout = "1s"
body_timeout = "2s"

[store]
url = "sqlite:@DIR@/auth.db"

[keys]
file = "@DIR@/keys.toml"

[limits]
shared = "off"

[passwords]
memory_kib = 1024
iterations = 1

[zulip]
realm = "house"
login_limit = "off"

[rocketchat]
realm = "house"
api_limit = "off"
block_by_user = "off"
block_by_address = "off"

[zettelstore]
realm = "house"
login_delay = "0s"
"#;

const USERS: &str = r#"{"kind":"realm","realm":"house","name":"House"}
{"kind":"user","realm":"house","username":"ada","email":"ada@example.org","full_name":"Ada","password":"correct horse battery"}
"#;

/// Paths that read a body.
const PATHS: [&str; 4] = ["/api/v1/fetch_api_key", "/api/v1/jwt/fetch_api_key", "/api/v1/login", "/a"];

fn start() -> Server {
    Server::start(&server_binary().unwrap(), CONFIG, USERS).unwrap()
}

/// The server still lets people in, and nothing in it has panicked.
fn still_serves(server: Server) {
    let request = Request::new("POST", "/a").form("username=ada&password=correct+horse+battery");
    assert_eq!(server.send(&request).unwrap().status, 200, "{}", server.log());
    assert!(!server.log().contains("panicked"), "{}", server.log());
    let mut server = server;
    server.stop().unwrap();
}

#[test]
fn a_body_of_100_megabytes_is_refused() {
    let server = start();
    for path in PATHS {
        let mut request = Request::new("POST", path).form("username=a%40example.org&password=");
        request.body.resize(100 << 20, b'x');
        let answer = server.send(&request).unwrap();
        assert!(matches!(answer.status, 400 | 401 | 413), "{path}: {}", answer.status);
    }
    still_serves(server);
}

#[test]
fn ten_thousand_headers_are_refused() {
    let server = start();
    let mut request = Request::new("POST", "/a");
    request.headers = (0..10_000).map(|n| (format!("x-{n}"), "y".to_owned())).collect();
    let answer = server.send(&request).unwrap();
    assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    still_serves(server);
}

/// Sends a byte of the text each 200 ms until the server ends the connection.
fn trickle(server: &Server, at_once: &str, slowly: &str) -> (Duration, Response) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.write_all(at_once.as_bytes()).unwrap();
    let since = Stopwatch::start();
    let mut answer = Vec::new();
    for byte in slowly.bytes() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        // Waiting for an answer is what sets the pace.
        match stream.read_to_end(&mut answer) {
            Ok(_) => break,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {}
            Err(_) => break,
        }
    }
    (since.elapsed(), Response::parse(&answer))
}

#[test]
fn slow_clients_are_cut_off() {
    let server = start();
    let (took, _) = trickle(&server, "", &"GET / HTTP/1.1\r\n".repeat(100));
    assert!(took < Duration::from_secs(5), "slow head: {took:?}");
    for path in PATHS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 1000\r\n\r\n"
        );
        let (took, answer) = trickle(&server, &head, &"x".repeat(1000));
        assert!(took < Duration::from_secs(6), "slow body of {path}: {took:?}");
        assert!(matches!(answer.status, 0 | 400 | 408), "{path}: {}", answer.status);
    }
    still_serves(server);
}

#[test]
fn nul_and_broken_text_in_any_field_get_an_answer() {
    let server = start();
    for evil in ["%00", "a%00b", "%ff%fe", "%c3%28", "%ed%a0%80", "%f0%9f%98%80", "\u{0}", "a%", "%zz"] {
        for form in [
            format!("username={evil}&password=x"),
            format!("username=ada&password={evil}"),
            format!("username=ada%40example.org&password={evil}"),
            format!("user={evil}&password=x"),
            format!("user=ada&password={evil}&code={evil}"),
            format!("token={evil}"),
            format!("{evil}={evil}"),
        ] {
            for path in PATHS {
                let answer = server.send(&Request::new("POST", path).form(&form)).unwrap();
                assert!(matches!(answer.status, 400..=404), "{path} {form:?}: {}", answer.status);
                let answer = server.send(&Request::new("POST", &format!("{path}?{evil}={evil}"))).unwrap();
                assert!(matches!(answer.status, 400..=404), "{path}?{evil}: {}", answer.status);
            }
        }
        let json = format!(r#"{{"user":"{evil}\u0000","password":"{evil}\ud800","code":"\u0000"}}"#);
        let mut request = Request::new("POST", "/api/v1/login").header("Content-Type", "application/json");
        request.body = json.into_bytes();
        assert_eq!(server.send(&request).unwrap().status, 401);
    }
    for name in ["Authorization", "X-Auth-Token", "X-User-Id", "Cookie", "Host", "x-2fa-code", "User-Agent"] {
        for value in ["Basic \u{ff}\u{fe}", "Bearer .", "Basic AAAA", "zsession=\u{ff}", "\u{fffd}", ""] {
            for path in ["/api/v1/users/me", "/api/v1/me", "/api/v1/server_settings"] {
                let answer = server.send(&Request::new("GET", path).header(name, value)).unwrap();
                assert!(matches!(answer.status, 200 | 302 | 400..=404), "{path} {name}: {}", answer.status);
            }
            let answer = server.send(&Request::new("PUT", "/a").header(name, value)).unwrap();
            assert!(matches!(answer.status, 400..=404), "/a {name}: {}", answer.status);
        }
    }
    still_serves(server);
}

#[test]
fn bytes_that_are_no_http_get_an_answer_or_the_end() {
    let server = start();
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\x00\x00\x00\x00\r\n\r\n", b"GET\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        assert!(matches!(Response::parse(&answer).status, 0 | 400), "{bytes:?}");
    }
    still_serves(server);
}

/// `serve` with a configuration: it must end at once, unsuccessfully, with one line that holds the text.
fn refuses(config: &str, prepare: impl FnOnce(&Server), says: &str) {
    let server = Server::configured(&server_binary().unwrap(), config).unwrap();
    prepare(&server);
    let done = server.command(&["serve", "--config", "@CONFIG@"], "").unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success(), "served: {said}");
    let last = said.trim_end().lines().filter(|line| !line.contains("WARN")).collect::<Vec<_>>();
    assert_eq!(last.len(), 1, "not one line: {said}");
    assert!(last[0].contains(says), "{:?} doesn't hold {says:?}", last[0]);
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn what_the_operator_got_wrong_is_told_in_one_line() {
    refuses(&CONFIG.replace("[limits]", "[limits]\nsharde = \"on\""), |_| {}, "sharde");
    refuses(&CONFIG.replace("[limits]", "[limits"), |_| {}, "line");
    refuses(&CONFIG.replace("sqlite:@DIR@", "sqlite:@DIR@/no/such/folder"), |_| {}, "no/such/folder");
    let unreadable = |server: &Server| {
        fs::write(server.dir().join("auth.db"), vec![b'x'; 8192]).unwrap();
    };
    refuses(CONFIG, unreadable, "auth.db");
    let broken_keys = |server: &Server| {
        let file = server.dir().join("keys.toml");
        fs::write(&file, "no keys").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    refuses(CONFIG, broken_keys, "keys.toml");
}

#[test]
fn a_store_whose_key_ring_is_gone_or_another_is_not_served() {
    let mut server = start();
    server.stop().unwrap();
    let ring = server.dir().join("keys.toml");
    fs::remove_file(&ring).unwrap();
    for another in [false, true] {
        if another {
            let other = start();
            fs::copy(other.dir().join("keys.toml"), &ring).unwrap();
        }
        let done = server.command(&["serve", "--config", "@CONFIG@"], "").unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success(), "served with another ring: {said}");
        assert!(said.contains("key"), "{said}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refuses(&CONFIG.replace("127.0.0.1:@PORT@", &address), |_| {}, &address);
}

#[test]
fn a_missing_configuration_is_told() {
    let server = Server::configured(&server_binary().unwrap(), CONFIG).unwrap();
    let done = server.command(&["serve", "--config", "/no/such/file.toml"], "").unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success());
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains("/no/such/file.toml"), "{said}");
}

#[test]
fn many_silent_connections_keep_nobody_out() {
    let server = start();
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let request = Request::new("POST", "/a").form("username=ada&password=correct+horse+battery");
    assert_eq!(server.send(&request).unwrap().status, 200);
    drop(silent);
    still_serves(server);
}
