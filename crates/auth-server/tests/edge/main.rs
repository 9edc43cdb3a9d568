//! Listeners of the built binary: TLS, redirects, the PROXY protocol, Unix sockets, and SIGHUP.
#![cfg(test)]

mod asking;
#[path = "../common/server.rs"]
mod server;
mod service_manager;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::nodes::wait_until;
use auth_conformance::process::free_address;
use rcgen::generate_simple_self_signed;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::asking::{AtEnd, SETTINGS, USERS, ask_until, config, curl};

/// A certificate and its key in a folder.
struct Certificate(TempDir);

impl Certificate {
    fn new() -> Self {
        let certificate = Self(tempfile::tempdir().unwrap());
        certificate.renew();
        certificate
    }

    fn renew(&self) {
        let made = generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        std::fs::write(self.file("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(self.file("key.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The table of a listener that shows it.
    fn listen(&self, address: SocketAddr, more: &Value) -> Value {
        let mut table = json!({
            "address": address.to_string(),
            "certificate_file": self.file("cert.pem").to_str(),
            "key_file": self.file("key.pem").to_str(),
        });
        table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        table
    }
}

/// Sends bytes on a connection of its own, and returns all that is answered.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    // The server has opened its first port when a test begins; others follow.
    let opened = RefCell::new(None);
    let connect = || {
        *opened.borrow_mut() = TcpStream::connect(address).ok();
        opened.borrow().is_some()
    };
    wait_until("a port of the server", Duration::from_secs(20), connect).unwrap();
    let mut stream = opened.into_inner().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that has closed the connection doesn't read on.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn login(headers: &str) -> String {
    let body = "username=iago%40zulip.com&password=wrong";
    format!(
        "POST /api/v1/fetch_api_key HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The clients of all attempts that a log tells of.
fn clients(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let attempts = lines.filter(|line| line["message"] == "login attempt");
    attempts.map(|line| line["client"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tls_is_spoken_in_both_versions_of_http_and_pages_tell_browsers_to_keep_to_it() {
    let (certificate, address) = (Certificate::new(), free_address().unwrap());
    let config = config(&[certificate.listen(address, &json!({}))]).set("server.hsts", "180d");
    let server = server::start(&config, USERS);
    let cert = certificate.file("cert.pem");
    let url = |path: &str| format!("https://localhost:{}{path}", address.port());
    let ask = |options: &[&str], path: &str| {
        curl(&[options, &["--cacert", cert.to_str().unwrap(), &url(path)]].concat())
    };
    for (options, expected) in [
        (&["--http1.1"][..], "HTTP/1.1 200"),
        (&["--http2"], "HTTP/2 200"),
        (&["--tls-max", "1.2"], "HTTP/2 200"),
        (&["--tlsv1.3"], "HTTP/2 200"),
    ] {
        let answer = ask(options, SETTINGS);
        assert!(answer.starts_with(expected), "{options:?}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("strict-transport-security"), "{answer}");
    }
    let page = ask(&["--http1.1"], "/sign-in");
    assert!(page.contains("Strict-Transport-Security: max-age=15552000\r\n"), "{page}");
    // Nobody is answered in clear where TLS is spoken, and a silent handshake ends.
    let nonsense = exchange(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!nonsense.contains("HTTP/"), "{nonsense}");
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

#[test]
fn a_listener_that_redirects_sends_browsers_to_tls_and_takes_no_password() {
    let address = free_address().unwrap();
    let listen = json!({"address": address.to_string(), "redirect": "https://login.example.org"});
    let server = server::start(&config(&[listen]), USERS);
    let url = format!("http://{address}");
    let answer = curl(&[&format!("{url}/sign-in?next=%2Faccount")]);
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    assert!(answer.contains("Location: https://login.example.org/sign-in?next=%2Faccount\r\n"), "{answer}");
    let refused = exchange(address, login("").as_bytes());
    assert!(refused.starts_with("HTTP/1.1 403 ") && refused.contains("Connection: close"), "{refused}");
    assert_eq!(clients(&server::stop(server)), Vec::<String>::new(), "nobody's password was tried");
}

#[test]
fn the_proxy_protocol_names_the_client_and_is_demanded_and_of_trusted_proxies_alone() {
    let address = free_address().unwrap();
    let listen = json!({"address": address.to_string(), "proxy_protocol": true});
    let trusted = json!(["127.0.0.1", "198.51.100.0/24"]);
    let server =
        server::start(&config(std::slice::from_ref(&listen)).set("server.trusted_proxies", trusted), USERS);
    let ask = |header: &[u8], headers: &str| exchange(address, &[header, login(headers).as_bytes()].concat());
    let v2 = |address: [u8; 4]| {
        let head: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        [head, &address, &[127, 0, 0, 1, 0, 7, 1, 187]].concat()
    };
    let v1 = |address: &str| format!("PROXY TCP4 {address} 127.0.0.1 7 443\r\n").into_bytes();
    let v6 = b"PROXY TCP6 2001:db8::1 2001:db8::2 7 443\r\n".to_vec();
    let mut expected = Vec::new();
    for (header, headers, client) in [
        (v1("203.0.113.1"), "", "203.0.113.1"),
        (v2([203, 0, 113, 2]), "", "203.0.113.2"),
        (v6, "", "2001:db8::/64"),
        // A client that is no trusted proxy names nobody.
        (v1("203.0.113.3"), "X-Forwarded-For: 192.0.2.9\r\n", "203.0.113.3"),
        // A second proxy does, before which this one stands.
        (v1("198.51.100.7"), "X-Forwarded-For: 203.0.113.4\r\n", "203.0.113.4"),
        // The proxy's own connections are its own.
        (b"PROXY UNKNOWN\r\n".to_vec(), "X-Forwarded-For: 203.0.113.5\r\n", "203.0.113.5"),
    ] {
        let answer = ask(&header, headers);
        assert!(answer.starts_with("HTTP/1.1 401 "), "{client}: {answer}");
        expected.push(client.to_owned());
    }
    assert_eq!(ask(b"", ""), "", "a connection without the header is closed");
    server.wait_for_log("did not begin with the PROXY protocol").unwrap();
    assert_eq!(clients(&server::stop(server)), expected);

    // From anybody else, a header is worth nothing.
    let elsewhere = config(&[listen]).set("server.trusted_proxies", json!(["192.0.2.1"]));
    let server = server::start(&elsewhere, USERS);
    assert_eq!(ask(&v1("203.0.113.1"), ""), "");
    server.wait_for_log("takes those of trusted proxies alone").unwrap();
    assert_eq!(clients(&server::stop(server)), Vec::<String>::new());
}

#[test]
fn clients_behind_the_proxy_protocol_are_limited_one_by_one_also_with_tls() {
    let (certificate, address) = (Certificate::new(), free_address().unwrap());
    let listen = certificate.listen(address, &json!({"proxy_protocol": true}));
    let config = config(&[listen])
        .set("server.trusted_proxies", json!(["127.0.0.1"]))
        .set("server.max_per_client", 3)
        .set("server.header_timeout", "20s");
    let server = server::start(&config, USERS);
    let connect = |client: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("PROXY TCP4 {client} 127.0.0.1 7 443\r\n").as_bytes()).unwrap();
        stream
    };
    // Silent ones of a client make room for its own new ones, and hinder no other client.
    let mut greedy: Vec<TcpStream> = (0..6).map(|_| connect("203.0.113.1")).collect();
    let cert = certificate.file("cert.pem");
    // curl names its own address, which is the proxy's here.
    let answer = curl(&[
        "--haproxy-protocol",
        "--cacert",
        cert.to_str().unwrap(),
        &format!("https://localhost:{}{SETTINGS}", address.port()),
        "--resolve",
        &format!("localhost:{}:127.0.0.1", address.port()),
    ]);
    assert!(answer.starts_with("HTTP/2 200"), "{answer}");
    // Those that made room are closed soon, and the others stay.
    for stream in &greedy {
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    }
    let is_open = |stream: &mut TcpStream| !matches!(stream.read(&mut [0; 1]), Ok(0));
    for _ in 0..100 {
        greedy.retain_mut(is_open);
        if greedy.len() <= 3 {
            break;
        }
    }
    assert_eq!(greedy.len(), 3, "a client has three connections");
    server::stop(server);
}

#[test]
fn a_client_that_says_nothing_before_http_is_closed_in_time() {
    let certificate = Certificate::new();
    let [tls, proxied, both] = std::array::from_fn(|_| free_address().unwrap());
    let listeners = [
        certificate.listen(tls, &json!({})),
        json!({"address": proxied.to_string(), "proxy_protocol": true}),
        certificate.listen(both, &json!({"proxy_protocol": true})),
    ];
    let config = config(&listeners)
        .set("server.trusted_proxies", json!(["127.0.0.1"]))
        .set("server.header_timeout", "2s");
    let server = server::start(&config, USERS);
    let header: &[u8] = b"PROXY TCP4 203.0.113.1 127.0.0.1 7 443\r\n";
    std::thread::scope(|scope| {
        for (address, sent) in [
            (tls, &b""[..]),
            // The beginning of a handshake.
            (tls, b"\x16\x03\x01"),
            (proxied, b""),
            (proxied, b"PROXY TC"),
            (proxied, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"),
            (proxied, header),
            (both, header),
        ] {
            scope.spawn(move || {
                let began = Stopwatch::start();
                assert_eq!(exchange(address, sent), "", "{}", sent.escape_ascii());
                let lasted = began.elapsed();
                let expected = Duration::from_millis(1900)..Duration::from_secs(6);
                assert!(expected.contains(&lasted), "{}: {lasted:?}", sent.escape_ascii());
            });
        }
    });
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

#[test]
fn a_unix_socket_answers_and_goes_with_the_server_and_one_that_a_killed_server_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http.sock");
    let listen = json!(format!("unix:{}", socket.display()));
    let config = config(&[listen]).set("server.trusted_proxies", json!(["127.0.0.1"]));
    let mut server = server::start(&config, USERS);
    let ask = || curl(&["--unix-socket", socket.to_str().unwrap(), &format!("http://localhost{SETTINGS}")]);
    assert!(ask().starts_with("HTTP/1.1 200"));
    server.kill();
    assert!(socket.exists());
    server.serve().unwrap();
    assert!(ask().starts_with("HTTP/1.1 200"));
    // Whoever connects there is the proxy of this machine, and names the client.
    let body = ["--data", "username=iago@zulip.com", "--data", "password=wrong"];
    let from = ["--header", "X-Forwarded-For: 203.0.113.8", "--unix-socket", socket.to_str().unwrap()];
    curl(&[&from[..], &body, &["http://localhost/api/v1/fetch_api_key"]].concat());
    assert_eq!(clients(&server::stop(server)), ["203.0.113.8"]);
    assert!(!socket.exists());
}

#[test]
fn all_addresses_of_both_kinds_share_a_port() {
    let port = free_address().unwrap().port();
    let both = [json!(format!("0.0.0.0:{port}")), json!(format!("[::]:{port}"))];
    let server = server::start(&config(&both), USERS);
    for host in ["127.0.0.1", "[::1]"] {
        let answer = curl(&["--globoff", &format!("http://{host}:{port}{SETTINGS}")]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    server::stop(server);
}

#[test]
fn a_listener_answers_the_protocols_that_it_is_given_alone() {
    let address = free_address().unwrap();
    let listen = json!({"address": address.to_string(), "protocols": ["zettelstore"]});
    let server = server::start(&config(&[listen]), USERS);
    let has = |address: SocketAddr| curl(&[&format!("http://{address}{SETTINGS}")]).contains("zulip_version");
    assert!(has(server.address()) && !has(address));
    server::stop(server);
}

#[test]
fn sighup_renews_certificates_and_what_can_change_under_load_without_a_request_that_fails() {
    let (certificate, address) = (Certificate::new(), free_address().unwrap());
    let config = config(&[certificate.listen(address, &json!({}))]).set("log.level", "info");
    let server = server::start(&config, USERS);
    let (url, file) =
        (format!("https://localhost:{}{SETTINGS}", address.port()), server.dir().join("auth.toml"));
    let hang_up = || {
        let pid = server.pid().unwrap().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    let shown = || {
        let printed = Command::new("sh")
            .args([
                "-c",
                "openssl s_client -connect $0 < /dev/null 2>/dev/null | openssl x509 -noout -serial",
            ])
            .arg(address.to_string())
            .output();
        String::from_utf8(printed.unwrap().stdout).unwrap()
    };
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _end = AtEnd(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                let done = ask_until(&stop, || {
                    // A certificate that is being renewed is trusted before and after.
                    let answer = curl(&["--insecure", &url]);
                    assert!(answer.starts_with("HTTP/2 200"), "{answer}");
                });
                count.fetch_add(done, Ordering::Relaxed);
            });
        }
        let before = shown();
        certificate.renew();
        hang_up();
        server.wait_for_log("the configuration was read anew").unwrap();
        assert_ne!(shown(), before, "the certificate is the new one");

        let text = std::fs::read_to_string(&file).unwrap();
        let trusted: toml::Table = text.parse().unwrap();
        let mut changed = trusted.clone();
        let section = |table: &mut toml::Table, key: &str, name: &str, value: toml::Value| {
            let section = table.entry(key).or_insert_with(|| toml::Table::new().into());
            section.as_table_mut().unwrap().insert(name.into(), value);
        };
        section(&mut changed, "server", "trusted_proxies", vec!["127.0.0.1"].into());
        section(&mut changed, "passwords", "min_length", 12.into());
        std::fs::write(&file, changed.to_string()).unwrap();
        hang_up();
        let line = server.wait_for_log("changes that need a restart").unwrap();
        assert!(line.contains("passwords.min_length") && !line.contains("trusted_proxies"), "{line}");
        server.wait_for_log("\"changed\":\"server.trusted_proxies\"").unwrap();
        exchange(server.address(), login("X-Forwarded-For: 203.0.113.9\r\n").as_bytes());
        server.wait_for_log("\"client\":\"203.0.113.9\"").unwrap();

        std::fs::write(&file, "[server]\nlisten = 7\n").unwrap();
        hang_up();
        let line = server.wait_for_log("the configuration stays as it is").unwrap();
        assert!(line.contains("server.listen") || line.contains("listen"), "{line}");
        std::fs::write(&file, text).unwrap();
    });
    assert!(count.load(Ordering::Relaxed) > 0);
    server::stop(server);
}
