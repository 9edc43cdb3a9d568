//! Mail by TLS and through a relay: the built binary, with an SMTP server that this test plays.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use auth_conformance::Server;
use auth_conformance::certificates::{write_certificates, write_self_signed};
use auth_conformance::http::Request;
use auth_outbound::relay::Relay;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

const USERS: [&str; 4] = ["first", "second", "third", "fourth"];

const PATIENCE: Duration = Duration::from_secs(20);

/// What the SMTP server speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Speaks {
    Plain,
    StartTls,
    Tls,
    /// STARTTLS, with an answer in plain text along with the go-ahead, as somebody in between would add one.
    InjectedStartTls,
}

/// Starts an SMTP server with the certificate in a folder, and returns its address and what mails it takes.
fn smtp_server(speaks: Speaks, folder: &Path) -> (SocketAddr, mpsc::Receiver<String>) {
    let chain =
        CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (taken, mails) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, taken) = (Arc::clone(&config), taken.clone());
            std::thread::spawn(move || greet(speaks, stream.unwrap(), config, &taken).ok());
        }
    });
    (address, mails)
}

fn greet(
    speaks: Speaks,
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
    taken: &mpsc::Sender<String>,
) -> io::Result<()> {
    if speaks == Speaks::Plain {
        stream.write_all(b"220 sink\r\n")?;
        return serve(stream, taken);
    }
    if speaks != Speaks::Tls {
        stream.write_all(b"220 sink\r\n")?;
        line(&mut stream)?;
        stream.write_all(b"250-sink\r\n250-8BITMIME\r\n250 STARTTLS\r\n")?;
        assert_eq!(line(&mut stream)?, "STARTTLS");
        let injected: &[u8] = if speaks == Speaks::InjectedStartTls { b"250 sink\r\n" } else { b"" };
        stream.write_all(&[b"220 go on\r\n", injected].concat())?;
    }
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    if speaks == Speaks::Tls {
        stream.write_all(b"220 sink\r\n")?;
    }
    serve(stream, taken)
}

fn serve(mut stream: impl Read + Write, taken: &mpsc::Sender<String>) -> io::Result<()> {
    loop {
        let command = line(&mut stream)?;
        let answer = match command.split([' ', ':']).next().unwrap_or_default() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                loop {
                    match line(&mut stream)?.as_str() {
                        "." => break,
                        text => mail.extend([text, "\n"]),
                    }
                }
                let _gone = taken.send(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 good",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte)?;
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Starts the server with this address for mail, and has it send one.
fn start(smtp: &str, ca_file: Option<&Path>) -> Server {
    let mut config =
        server::config().set("mail.smtp", smtp).set("mail.from", "auth@example.org").set("mail.retry", "1s");
    if let Some(file) = ca_file {
        config = config.set("mail.ca_file", file.to_str().unwrap());
    }
    let mut lines = r#"{"kind":"realm","realm":"main"}"#.to_owned();
    for user in USERS {
        let user = json!({
            "kind": "user", "realm": "main", "username": user, "email": format!("{user}@example.org"),
            "email_verified": true, "email_2fa": true, "password": "correct-horse-battery-9876",
        });
        lines = format!("{lines}\n{user}");
    }
    let server = server::start(&config, &lines);
    ask_for_mail(&server, "first");
    server
}

/// Logs in as a user, who is mailed a code.
fn ask_for_mail(server: &Server, user: &str) {
    let body = json!({"user": user, "password": "correct-horse-battery-9876"});
    let response = server.send(&Request::new("POST", "/api/v1/login").json(&body)).unwrap();
    assert!(response.text().contains(r#""codeGenerated":true"#), "{}", response.text());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn mail_goes_by_tls_to_a_server_whose_certificate_is_trusted_or_pinned() {
    let (signed, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_certificates(signed.path()).unwrap();
    write_self_signed(own.path()).unwrap();
    for folder in [signed.path(), own.path()] {
        for (scheme, speaks) in [("smtps", Speaks::Tls), ("starttls", Speaks::StartTls)] {
            let (address, mails) = smtp_server(speaks, folder);
            let server =
                start(&format!("{scheme}://localhost:{}", address.port()), Some(&folder.join("ca.pem")));
            let mail = mails.recv_timeout(PATIENCE);
            assert!(
                mail.is_ok_and(|mail| mail.contains("To: first@example.org")),
                "{scheme}: {}",
                server.log()
            );
        }
    }
}

#[test]
fn failures_of_tls_are_told_in_words_and_nothing_is_sent() {
    let (signed, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_certificates(signed.path()).unwrap();
    write_self_signed(other.path()).unwrap();
    let runtime = runtime();
    let (ours, theirs) = (signed.path().join("ca.pem"), other.path().join("ca.pem"));
    for (scheme, host, speaks, trusted, words) in [
        ("smtps", "localhost", Speaks::Tls, Some(&theirs), "signed by an authority that isn't trusted"),
        ("starttls", "localhost", Speaks::StartTls, None, "signed by an authority that isn't trusted"),
        (
            "smtps",
            "127.0.0.2",
            Speaks::Tls,
            Some(&ours),
            "its certificate is for localhost, 127.0.0.1, auth.example.org, not for 127.0.0.2",
        ),
        ("smtps", "localhost", Speaks::Plain, Some(&ours), "it answers in plain text where TLS was expected"),
        ("starttls", "localhost", Speaks::Plain, Some(&ours), "the SMTP server doesn't offer STARTTLS"),
        (
            "starttls",
            "localhost",
            Speaks::InjectedStartTls,
            Some(&ours),
            "goes on in plain text after STARTTLS",
        ),
    ] {
        let (address, mails) = smtp_server(speaks, signed.path());
        let relay = runtime.block_on(Relay::at([127, 0, 0, 2].into(), address)).unwrap();
        let port = if host == "127.0.0.2" { relay.address().port() } else { address.port() };
        let server = start(&format!("{scheme}://{host}:{port}"), trusted.map(std::path::PathBuf::as_path));
        let line = server.wait_for_log(words).unwrap_or_else(|_| panic!("{words}: {}", server.log()));
        assert!(!line.contains("OtherError") && !line.contains("Context"), "{line}");
        assert!(mails.try_recv().is_err(), "{words}");
    }
}

#[test]
fn mail_goes_on_at_once_after_a_relay_forgot_its_connections() {
    let folder = tempfile::tempdir().unwrap();
    write_certificates(folder.path()).unwrap();
    let (address, mails) = smtp_server(Speaks::Plain, folder.path());
    let runtime = runtime();
    let relay = runtime.block_on(Relay::to(address)).unwrap();
    let server = start(&format!("smtp://{}", relay.address()), None);
    for (number, user) in USERS.iter().enumerate() {
        if number > 0 {
            ask_for_mail(&server, user);
        }
        let mail = mails.recv_timeout(PATIENCE);
        assert!(mail.is_ok_and(|mail| mail.contains(&format!("To: {user}@"))), "{user}: {}", server.log());
        // Until the server has its answer, the connection isn't idle.
        while server.log().matches(r#""message":"mail sent""#).count() <= number {
            std::thread::sleep(Duration::from_millis(10));
        }
        relay.forget();
    }
    assert!(!server::stop(server).contains("mail not sent"));
}

#[test]
fn a_file_of_certificates_that_cannot_be_used_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let shown = folder.path().display();
    for (file, words) in [
        ("nowhere.pem", "No such file or directory"),
        ("empty.pem", "the file is empty: it must hold a certificate in PEM"),
    ] {
        let config = format!(
            "[mail]\nsmtp = \"smtps://localhost\"\nfrom = \"auth@example.org\"\nca_file = \"{shown}/{file}\"\n"
        );
        let path = folder.path().join("auth.toml");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new(server::binary());
        let output = command.args(["config", "check", "--config"]).arg(path).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(said, format!("auth-server: [mail] ca_file {shown}/{file}: {words}\n"));
    }
}
