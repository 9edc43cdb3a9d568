//! Malformed input from the network and from the operator: a clear response or one line on standard error, no panic,
//! and a server that continues to serve.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, ServerConfig, server_binary};

fn config() -> ServerConfig {
    ServerConfig::for_tests()
        .without_limits()
        .realm("house")
        .set("server.header_timeout", "1s")
        .set("server.body_timeout", "2s")
        .set("zettelstore.login_delay", "0s")
}

const USERS: &str = r#"{"kind":"realm","realm":"house","name":"House"}
{"kind":"user","realm":"house","username":"ada","email":"ada@example.org","full_name":"Ada","password":"correct horse battery"}
"#;

/// The paths whose requests have a body.
const PATHS: [&str; 4] = ["/api/v1/fetch_api_key", "/api/v1/jwt/fetch_api_key", "/api/v1/login", "/a"];

fn start() -> Server {
    Server::start(&server_binary().unwrap(), &config(), USERS).unwrap()
}

/// Checks that a login still succeeds and that nothing in the server has panicked, and stops the server.
fn assert_still_serves(mut server: Server) {
    let request = Request::new("POST", "/a").form("username=ada&password=correct+horse+battery");
    assert_eq!(server.send(&request).unwrap().status, 200, "{}", server.log());
    assert!(!server.log().contains("panicked"), "{}", server.log());
    server.stop().unwrap();
}

#[test]
fn body_of_100_megabytes_is_refused() {
    let server = start();
    for path in PATHS {
        let mut request = Request::new("POST", path).form("username=a%40example.org&password=");
        request.body.resize(100 << 20, b'x');
        let response = server.send(&request).unwrap();
        assert!(matches!(response.status, 400 | 401 | 413), "{path}: {}", response.status);
    }
    assert_still_serves(server);
}

#[test]
fn ten_thousand_headers_are_refused() {
    let server = start();
    let mut request = Request::new("POST", "/a");
    request.headers = (0..10_000).map(|n| (format!("x-{n}"), "y".to_owned())).collect();
    let response = server.send(&request).unwrap();
    assert!(matches!(response.status, 400 | 431), "{}", response.status);
    assert_still_serves(server);
}

/// Sends `at_once`, then a byte of `slowly` every 200 ms until the server ends the connection. Returns how long that
/// took and the response.
fn trickle(server: &Server, at_once: &str, slowly: &str) -> (Duration, Response) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.write_all(at_once.as_bytes()).unwrap();
    let watch = Stopwatch::start();
    let mut data = Vec::new();
    for byte in slowly.bytes() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        // The wait for a response sets the pace.
        match stream.read_to_end(&mut data) {
            Ok(_) => break,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {}
            Err(_) => break,
        }
    }
    (watch.elapsed(), Response::parse(&data))
}

#[test]
fn slow_clients_are_disconnected() {
    let server = start();
    let (took, _) = trickle(&server, "", &"GET / HTTP/1.1\r\n".repeat(100));
    assert!(took < Duration::from_secs(5), "slow head: {took:?}");
    for path in PATHS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 1000\r\n\r\n"
        );
        let (took, response) = trickle(&server, &head, &"x".repeat(1000));
        assert!(took < Duration::from_secs(6), "slow body of {path}: {took:?}");
        assert!(matches!(response.status, 0 | 400 | 408), "{path}: {}", response.status);
    }
    assert_still_serves(server);
}

#[test]
fn nul_and_invalid_text_in_any_field_get_a_response() {
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
                let status = |request: &Request| server.send(request).unwrap().status;
                let sent = status(&Request::new("POST", path).form(&form));
                assert!(matches!(sent, 400..=404), "{path} {form:?}: {sent}");
                let sent = status(&Request::new("POST", &format!("{path}?{evil}={evil}")));
                assert!(matches!(sent, 400..=404), "{path}?{evil}: {sent}");
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
                let status = server.send(&Request::new("GET", path).header(name, value)).unwrap().status;
                assert!(matches!(status, 200 | 302 | 400..=404), "{path} {name}: {status}");
            }
            let status = server.send(&Request::new("PUT", "/a").header(name, value)).unwrap().status;
            assert!(matches!(status, 400..=404), "/a {name}: {status}");
        }
    }
    assert_still_serves(server);
}

#[test]
fn bytes_that_are_not_http_get_a_response_or_the_end_of_the_connection() {
    let server = start();
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\x00\x00\x00\x00\r\n\r\n", b"GET\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut data = Vec::new();
        let _reset = stream.read_to_end(&mut data);
        assert!(matches!(Response::parse(&data).status, 0 | 400), "{bytes:?}");
    }
    assert_still_serves(server);
}

/// Runs `serve` with a configuration. The command must fail at once, with one line that contains the text.
fn assert_serve_fails(config: &str, prepare: impl FnOnce(&Server), text: &str) {
    let server = Server::prepare(&server_binary().unwrap(), config).unwrap();
    prepare(&server);
    let output = server.command(&["serve", "--config", "@CONFIG@"], "").unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "served: {stderr}");
    let lines = stderr.trim_end().lines().filter(|line| !line.contains("WARN")).collect::<Vec<_>>();
    assert_eq!(lines.len(), 1, "not one line: {stderr}");
    assert!(lines[0].contains(text), "{:?} does not contain {text:?}", lines[0]);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn mistakes_of_the_operator_are_reported_in_one_line() {
    let config = config().to_string();
    assert_serve_fails(&config.replace("[limits]", "[limits]\nsharde = \"on\""), |_| {}, "sharde");
    assert_serve_fails(&config.replace("[limits]", "[limits"), |_| {}, "line");
    let missing = config.replace("sqlite:@DIR@", "sqlite:@DIR@/no/such/folder");
    assert_serve_fails(&missing, |_| {}, "no/such/folder");
    let unreadable = |server: &Server| {
        fs::write(server.dir().join("auth.db"), vec![b'x'; 8192]).unwrap();
    };
    assert_serve_fails(&config, unreadable, "auth.db");
    let broken_keys = |server: &Server| {
        let file = server.dir().join("keys.toml");
        fs::write(&file, "no keys").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    assert_serve_fails(&config, broken_keys, "keys.toml");
}

#[test]
fn store_whose_key_ring_is_missing_or_another_is_not_served() {
    let mut server = start();
    server.stop().unwrap();
    let ring = server.dir().join("keys.toml");
    fs::remove_file(&ring).unwrap();
    for another in [false, true] {
        if another {
            let other = start();
            fs::copy(other.dir().join("keys.toml"), &ring).unwrap();
        }
        let output = server.command(&["serve", "--config", "@CONFIG@"], "").unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "served with another ring: {stderr}");
        assert!(stderr.contains("key"), "{stderr}");
    }
}

#[test]
fn port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_serve_fails(&config().set("server.listen", vec![address.as_str()]).to_string(), |_| {}, &address);
}

#[test]
fn missing_configuration_is_reported() {
    let server = Server::prepare(&server_binary().unwrap(), &config()).unwrap();
    let output = server.command(&["serve", "--config", "/no/such/file.toml"], "").unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(stderr.contains("/no/such/file.toml"), "{stderr}");
}

#[test]
fn many_silent_connections_do_not_prevent_logins() {
    let server = start();
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let request = Request::new("POST", "/a").form("username=ada&password=correct+horse+battery");
    assert_eq!(server.send(&request).unwrap().status, 200);
    drop(silent);
    assert_still_serves(server);
}
