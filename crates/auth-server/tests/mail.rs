//! The mail worker of the built binary, before an SMTP server that says what a test wants.
#![cfg(test)]

#[path = "running/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;

use serde_json::Value;

use crate::server::{PATIENCE, Server, run};

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"first","email":"first@example.org","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"second","email":"second@example.org","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876"}
"#;

/// Takes mail, but none for `first@`; gives the port and what is taken.
fn sink() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, mails) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let taken = taken.clone();
            // A client that goes away ends its own conversation alone.
            std::thread::spawn(move || converse(&stream.unwrap(), &taken).ok());
        }
    });
    (port, mails)
}

fn converse(mut stream: &TcpStream, taken: &mpsc::Sender<String>) -> std::io::Result<()> {
    stream.write_all(b"220 sink\r\n")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut refused = false;
    while let Some(line) = lines.next().transpose()? {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "RCPT" => {
                refused = line.contains("first@");
                if refused { "550 nobody of that name" } else { "250 good" }
            }
            "DATA" if refused => "503 for whom",
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let text = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".");
                let text: Vec<String> = text.collect();
                let _ = taken.send(text.join("\n"));
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 good",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// What `config check` says of sections of a configuration.
fn check(config: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("auth.toml"), config).unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_auth-server"))
        .args(["config", "check", "--config", "auth.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    String::from_utf8([said.stdout, said.stderr].concat()).unwrap()
}

/// Asks for a log-in, whose answer is a question for a mailed code.
fn log_in(server: &Server, user: &str) {
    let body = format!(r#"{{"user":"{user}","password":"correct-horse-battery-9876"}}"#);
    let mut stream = TcpStream::connect(server.address).unwrap();
    let request = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""codeGenerated":true"#), "{answer}");
}

/// Waits for a line of the log; gives all up to it.
fn hear(server: &Server, message: &str) -> String {
    let mut log = String::new();
    loop {
        let line = server.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not {message:?}:\n{log}"));
        log.push_str(&line);
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == message {
            return log;
        }
    }
}

#[test]
fn mail_that_is_refused_holds_up_no_other_and_nothing_of_it_stands_in_the_log() {
    let (port, mails) = sink();
    let mail = format!("[mail]\nsmtp = \"smtp://127.0.0.1:{port}\"\nfrom = \"auth@example.org\"");
    let server = Server::start(USERS, &mail);
    log_in(&server, "first");
    log_in(&server, "second");
    let mail = mails.recv_timeout(PATIENCE).unwrap();
    assert!(mail.contains("To: second@example.org"), "{mail}");
    let mut log = hear(&server, "mail sent");
    server.terminate();
    log.push_str(&server.ended());
    assert!(log.contains("a mail was not sent, and is put off") && log.contains("the SMTP server says 550"));

    let code = mail.split_once("code is ").and_then(|(_, text)| text.get(..7)).unwrap();
    assert!(!log.contains(code) && !log.contains(&code.replace('-', "")), "{log}");
    assert!(!log.contains("@example.org"), "{log}");
}

#[test]
fn without_mail_a_warning_says_that_nobody_gets_codes() {
    let server = Server::start(USERS, "");
    hear(&server, "accounts need mail for codes or passwords, but there is no [mail] to send it");
    // Where nobody is asked for codes, nothing is amiss.
    let quiet = Server::start(USERS.lines().next().unwrap(), "");
    hear(&quiet, "deleted what had ended");
    quiet.terminate();
    assert!(!quiet.ended().contains("[mail]"));
}

#[test]
fn what_has_ended_is_deleted_when_the_server_starts() {
    let server = Server::start(USERS, "");
    let log = hear(&server, "deleted what had ended");
    assert!(log.contains(r#""credentials":0,"attempts":0"#), "{log}");
    // The folder's store is free again, and as good as before.
    server.terminate();
    run(&server.folder, &["user", "list"]);
}

#[test]
fn mistakes_are_named() {
    let mail =
        |smtp: &str, more: &str| format!("[mail]\nsmtp = \"{smtp}\"\nfrom = \"auth@example.org\"\n{more}");
    for (config, said) in [
        (
            mail("http://localhost", ""),
            "[mail] smtp is written like smtp://host:25, starttls://host or smtps://host",
        ),
        (
            "[mail]\nsmtp = \"smtp://localhost\"\nfrom = \"nobody\"".to_owned(),
            "[mail] from is no address such as auth@example.org",
        ),
        (mail("smtp://localhost", "user = \"auth\""), "[mail] needs both user and password_file, or neither"),
        (
            mail("smtp://localhost", "user = \"auth\"\npassword_file = \"nowhere\""),
            "[mail] password_file nowhere: No such file or directory",
        ),
        (mail("smtp://localhost", "retry = \"0s\""), "[mail] retry must be more than nothing"),
        (
            "[rocketchat]\nsocket_idle = \"500ms\"".to_owned(),
            "[rocketchat] socket_idle must be a second or more",
        ),
    ] {
        assert_eq!(check(&config), format!("auth-server: {said}\n"), "{config}");
    }
    for (config, said) in [
        (mail("smtp://localhost", ""), ""),
        (mail("starttls://mail.example.org", ""), ""),
        (
            mail("smtp://mail.example.org", ""),
            "warning: [mail] smtp: codes travel in the clear; starttls:// or smtps:// protects them\n",
        ),
        (
            "[rocketchat]\nemail_2fa_auto_opt_in = true".to_owned(),
            "warning: [rocketchat] email_2fa_auto_opt_in asks for mailed codes, but there is no [mail] to send them\n",
        ),
    ] {
        let good = "good: protocols zulip, rocketchat, zettelstore\n";
        assert_eq!(check(&config), format!("{said}{good}"), "{config}");
    }
}
