//! Mailed codes, from the log-in that asks for one to the log-in with it, by way of a real SMTP server.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auth_conformance::client::Client;
use auth_conformance::http::{self, Request};
use auth_conformance::{Server, server_binary};
use serde_json::{Value, json};

const CONFIG: &str = include_str!("../data/fixtures/rocketchat.toml");
const USERS: &str = include_str!("../data/fixtures/rocketchat.jsonl");

/// The fixture's configuration with mail to a port.
fn config(smtp: &str, more: &str) -> String {
    format!(
        "{CONFIG}\n[mail]\nsmtp = \"{smtp}\"\nfrom = \"auth-server <auth@example.org>\"\nretry = \"1s\"\n{more}\n"
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Takes one mail, with more arguments.
fn sink(port: u16, arguments: &[&str]) -> JoinHandle<Value> {
    let arguments: Vec<String> =
        [&port.to_string(), "1"].into_iter().chain(arguments.iter().copied()).map(str::to_owned).collect();
    thread::spawn(move || {
        let (_, mails) = Client::python("smtp_sink.py").unwrap().log_in(&arguments).unwrap();
        mails[0].clone()
    })
}

fn log_in(code: Option<&str>) -> Request {
    let mut form = json!({"user": "mailuser", "password": "mypassword"});
    if let Some(code) = code {
        form["code"] = code.into();
    }
    Request::new("POST", "/api/v1/login").json(&form)
}

/// The code in a mail: three digits, a hyphen, three digits.
fn code(mail: &Value) -> &str {
    let words =
        mail["text"].as_str().unwrap().split(|symbol: char| symbol != '-' && !symbol.is_ascii_digit());
    words.into_iter().find(|word| word.len() == 7).unwrap_or_else(|| panic!("{mail}"))
}

#[test]
fn log_in_asks_for_a_code_mails_it_and_takes_it() {
    let port = free_port();
    let config = config(&format!("smtp://127.0.0.1:{port}"), "ehlo = \"door.example.org\"");
    let mut server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let mail = sink(port, &[]);
    let asked = server.send(&log_in(None)).unwrap();
    let details = asked.json().unwrap()["details"].clone();
    assert_eq!((asked.status, &details["codeGenerated"]), (401, &json!(true)), "{details}");

    let mail = mail.join().unwrap();
    assert_eq!(mail["recipients"], json!(["mail@email.com"]));
    assert_eq!(
        (&mail["sender"], &mail["greeting"]),
        (&json!("auth@example.org"), &json!("door.example.org"))
    );
    let headers = &mail["headers"];
    assert_eq!(headers["from"], "auth-server <auth@example.org>");
    assert_eq!(
        (&headers["to"], &headers["subject"]),
        (&json!("mail@email.com"), &json!("Authentication code"))
    );
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert!(
        headers["message-id"].as_str().unwrap().ends_with("@example.org>") && headers["date"].is_string()
    );

    let code = code(&mail);
    assert_eq!(server.send(&log_in(Some("000-000"))).unwrap().status, 401);
    let let_in = server.send(&log_in(Some(code))).unwrap();
    assert_eq!(let_in.status, 200, "{}", let_in.text());
    assert_eq!(server.send(&log_in(Some(code))).unwrap().status, 401, "a code is good once");
    server.stop().unwrap();
    assert!(!server.log().contains(code) && !server.log().contains(&code.replace('-', "")));
}

#[test]
fn mail_waits_for_a_server_that_is_down() {
    let port = free_port();
    let config = config(&format!("smtp://127.0.0.1:{port}"), "");
    let mut server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    assert_eq!(server.send(&log_in(None)).unwrap().status, 401);
    wait_for(&server, "a mail was not sent");
    // What waits is not lost when this server goes down as well.
    server.restart().unwrap();
    let mail = sink(port, &[]).join().unwrap();
    assert_eq!(server.send(&log_in(Some(code(&mail)))).unwrap().status, 200);
    server.stop().unwrap();
}

#[test]
fn mail_is_handed_over_with_a_password_and_over_tls() {
    // A certificate for localhost and the authority behind it, for these tests alone.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/smtp");
    let file = |name: &str| data.join(name).to_string_lossy().into_owned();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    for (scheme, mode) in [("smtp", "plain"), ("starttls", "starttls"), ("smtps", "tls")] {
        let port = free_port();
        let config = config(
            &format!("{scheme}://localhost:{port}"),
            "user = \"auth\"\npassword_file = \"@DIR@/smtp-password\"",
        );
        let server = Server::configured(&server_binary().unwrap(), &config).unwrap();
        std::fs::write(server.dir().join("smtp-password"), "p4ssw0rd of the relay\n").unwrap();
        let _running = serve(&server, &file("ca.pem"));
        assert_eq!(http::send(server.address(), &log_in(None)).unwrap().status, 401);
        let mail = sink(port, &["p4ssw0rd of the relay", mode, &certificate, &key]).join().unwrap();
        assert_eq!(mail["tls"], mode != "plain", "{scheme}");
        assert_eq!(http::send(server.address(), &log_in(Some(code(&mail)))).unwrap().status, 200);
    }
}

#[test]
fn relay_whose_certificate_is_not_trusted_gets_no_mail() {
    let port = free_port();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/smtp");
    let [certificate, key] = ["server.pem", "server.key"].map(|name| data.join(name));
    let server =
        Server::start(&server_binary().unwrap(), &config(&format!("smtps://localhost:{port}"), ""), USERS);
    let server = server.unwrap();
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let _untrusted = Sink(
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/python/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python/smtp_sink.py"))
            .args([&port.to_string(), "1", "", "tls", &certificate, &key])
            .spawn()
            .unwrap(),
    );
    assert_eq!(server.send(&log_in(None)).unwrap().status, 401);
    wait_for(&server, "certificate");
}

/// Waits until the server's log says something.
fn wait_for(server: &Server, words: &str) {
    for _ in 0..2000 {
        if server.log().contains(words) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the log doesn't say {words:?}:\n{}", server.log());
}

/// A process that is ended when this is dropped.
struct Sink(Child);

impl Drop for Sink {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Starts a configured server that trusts this authority alone.
fn serve(server: &Server, authority: &str) -> Sink {
    let users = server.dir().join("users.jsonl");
    std::fs::write(&users, USERS).unwrap();
    let users = users.to_string_lossy();
    let imported = server.command(&["import", "--config", "@CONFIG@", &users], "").unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let child = Command::new(server_binary().unwrap())
        .args(["serve", "--config"])
        .arg(server.dir().join("auth.toml"))
        .env("SSL_CERT_FILE", authority)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Sink(child);
    for _ in 0..2000 {
        if std::net::TcpStream::connect(server.address()).is_ok() {
            return running;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the server doesn't listen");
}
