//! Mailed codes, from the login that requires one to the login with it, through a real SMTP server.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread::{self, JoinHandle};

use auth_conformance::certificates::write_certificates;
use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::process::free_address;
use auth_conformance::{Server, ServerConfig, server_binary};
use serde_json::{Value, json};

const CONFIG: &str = include_str!("../data/fixtures/rocketchat.toml");
const USERS: &str = include_str!("../data/fixtures/rocketchat.jsonl");

/// The fixture's configuration with mail to this server.
fn config(smtp: &str) -> ServerConfig {
    ServerConfig::parse(CONFIG)
        .unwrap()
        .set("mail.smtp", smtp)
        .set("mail.from", "auth-server <auth@example.org>")
        .set("mail.retry", "1s")
}

fn free_port() -> u16 {
    free_address().unwrap().port()
}

/// Starts an SMTP server that accepts one mail, and returns the mail.
fn receive_mail(port: u16, arguments: &[&str]) -> JoinHandle<Value> {
    let arguments: Vec<String> =
        [&port.to_string(), "1"].into_iter().chain(arguments.iter().copied()).map(str::to_owned).collect();
    thread::spawn(move || {
        let (_, mails) = Client::python("smtp_sink.py").unwrap().log_in(&arguments).unwrap();
        mails[0].clone()
    })
}

fn log_in(code: Option<&str>) -> Request {
    let mut body = json!({"user": "mailuser", "password": "mypassword"});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    Request::new("POST", "/api/v1/login").json(&body)
}

/// The code in a mail: three digits, a hyphen, three digits.
fn code(mail: &Value) -> &str {
    let words =
        mail["text"].as_str().unwrap().split(|symbol: char| symbol != '-' && !symbol.is_ascii_digit());
    words.into_iter().find(|word| word.len() == 7).unwrap_or_else(|| panic!("{mail}"))
}

#[test]
fn login_requires_a_code_mails_it_and_accepts_it() {
    let port = free_port();
    let config = config(&format!("smtp://127.0.0.1:{port}")).set("mail.ehlo", "auth.example.org");
    let mut server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let mail = receive_mail(port, &[]);
    let challenge = server.send(&log_in(None)).unwrap();
    let details = challenge.json().unwrap()["details"].clone();
    assert_eq!((challenge.status, &details["codeGenerated"]), (401, &json!(true)), "{details}");

    let mail = mail.join().unwrap();
    assert_eq!(mail["recipients"], json!(["mail@email.com"]));
    assert_eq!(
        (&mail["sender"], &mail["greeting"]),
        (&json!("auth@example.org"), &json!("auth.example.org"))
    );
    let headers = &mail["headers"];
    assert_eq!(headers["from"], "auth-server <auth@example.org>");
    assert_eq!(
        (&headers["to"], &headers["subject"]),
        (&json!("mail@email.com"), &json!("Authentication code"))
    );
    assert_eq!(
        (&headers["auto-submitted"], &headers["content-language"]),
        (&json!("auto-generated"), &json!("en"))
    );
    assert!(
        headers["message-id"].as_str().unwrap().ends_with("@example.org>") && headers["date"].is_string()
    );

    let code = code(&mail);
    let html = mail["html"].as_str().unwrap();
    assert!(html.contains("<title>Authentication code</title>") && html.contains(code), "{html}");
    assert_eq!(server.send(&log_in(Some("000-000"))).unwrap().status, 401);
    let accepted = server.send(&log_in(Some(code))).unwrap();
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert_eq!(server.send(&log_in(Some(code))).unwrap().status, 401, "a code is valid once");
    server.stop().unwrap();
    assert!(!server.log().contains(code) && !server.log().contains(&code.replace('-', "")));
}

#[test]
fn mail_is_kept_for_an_smtp_server_that_is_down() {
    let port = free_port();
    let config = config(&format!("smtp://127.0.0.1:{port}"));
    let mut server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    assert_eq!(server.send(&log_in(None)).unwrap().status, 401);
    server.wait_for_log("mail not sent").unwrap();
    // A restart of the server does not lose the mail.
    server.restart().unwrap();
    let mail = receive_mail(port, &[]).join().unwrap();
    assert_eq!(server.send(&log_in(Some(code(&mail)))).unwrap().status, 200);
    server.stop().unwrap();
}

#[test]
fn mail_is_sent_with_a_password_and_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    write_certificates(dir.path()).unwrap();
    let file = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    for (scheme, mode) in [("smtp", "plain"), ("starttls", "starttls"), ("smtps", "tls")] {
        let port = free_port();
        let config = config(&format!("{scheme}://localhost:{port}"))
            .set("mail.user", "auth")
            .set("mail.password_file", "@DIR@/smtp-password");
        let mut server = Server::prepare(&server_binary().unwrap(), &config).unwrap();
        std::fs::write(server.dir().join("smtp-password"), "p4ssw0rd of the relay\n").unwrap();
        server.import(USERS).unwrap();
        server.set_env("SSL_CERT_FILE", file("ca.pem"));
        server.serve().unwrap();
        assert_eq!(server.send(&log_in(None)).unwrap().status, 401);
        let mail = receive_mail(port, &["p4ssw0rd of the relay", mode, &certificate, &key]).join().unwrap();
        assert_eq!(mail["tls"], mode != "plain", "{scheme}");
        assert_eq!(server.send(&log_in(Some(code(&mail)))).unwrap().status, 200);
    }
}

#[test]
fn smtp_server_whose_certificate_is_not_trusted_gets_no_mail() {
    let port = free_port();
    let dir = tempfile::tempdir().unwrap();
    write_certificates(dir.path()).unwrap();
    let [certificate, key] = ["server.pem", "server.key"].map(|name| dir.path().join(name));
    let config = config(&format!("smtps://localhost:{port}"));
    let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let arguments = [&port.to_string(), "1", "", "tls", &certificate, &key];
    let _untrusted = Client::python("smtp_sink.py").unwrap().spawn(&arguments).unwrap();
    assert_eq!(server.send(&log_in(None)).unwrap().status, 401);
    server.wait_for_log("certificate").unwrap();
}
