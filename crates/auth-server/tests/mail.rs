//! The mail worker of the built binary, with an SMTP server that answers as a test wants.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use auth_conformance::Server;
use auth_conformance::http::Request;
use serde_json::json;

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"first","email":"first@example.org","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"second","email":"second@example.org","email_verified":true,"email_2fa":true,"password":"correct-horse-battery-9876"}
"#;

/// Starts an SMTP server that accepts mail except for `first@`, and returns its port and the accepted mails.
fn smtp_server() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (accepted, mails) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let accepted = accepted.clone();
            // A client that goes away ends its own conversation alone.
            std::thread::spawn(move || serve(&stream.unwrap(), &accepted).ok());
        }
    });
    (port, mails)
}

fn serve(mut stream: &TcpStream, accepted: &mpsc::Sender<String>) -> std::io::Result<()> {
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
                let _ = accepted.send(text.join("\n"));
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 good",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// Everything that `config check` prints about the sections of a configuration, whose others give no warning.
fn check(config: &str) -> String {
    let others = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[zulip]\nexternal_host = \"chat.example.org\"";
    let server = Server::prepare(server::binary(), &format!("{others}\n{config}")).unwrap();
    let output = server.command(&["config", "check", "--config", "@CONFIG@"], "").unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Sends a login, and checks that the response asks for a mailed code.
fn log_in(server: &Server, user: &str) {
    let body = json!({"user": user, "password": "correct-horse-battery-9876"});
    let response = server.send(&Request::new("POST", "/api/v1/login").json(&body)).unwrap();
    assert!(response.text().contains(r#""codeGenerated":true"#), "{}", response.text());
}

/// Waits until the log holds a message, and returns the line.
fn wait_for_message(server: &Server, message: &str) -> String {
    server.wait_for_log(&format!("\"message\":\"{message}\"")).unwrap()
}

#[test]
fn refused_mail_delays_no_other_mail_and_the_log_holds_nothing_of_it() {
    let (port, mails) = smtp_server();
    let config = server::config()
        .set("mail.smtp", format!("smtp://127.0.0.1:{port}"))
        .set("mail.from", "auth@example.org")
        .set("mail.language", "de");
    let server = server::start(&config, USERS);
    log_in(&server, "first");
    log_in(&server, "second");
    let mail = mails.recv_timeout(Duration::from_secs(20)).unwrap();
    for header in ["To: second@example.org", "Subject: Ihr Code zum Anmelden", "Content-Language: de"] {
        assert!(mail.contains(header), "{mail}");
    }
    wait_for_message(&server, "mail sent");
    let log = server::stop(server);
    assert!(log.contains("mail not sent: put off") && log.contains("the SMTP server says 550"));

    let code = mail.split_once("Anmelden ist ").and_then(|(_, text)| text.get(..7)).unwrap();
    assert!(!log.contains(code) && !log.contains(&code.replace('-', "")), "{log}");
    assert!(!log.contains("@example.org"), "{log}");
}

#[test]
fn without_mail_a_warning_says_that_codes_are_not_sent() {
    let server = server::start(&server::config(), USERS);
    wait_for_message(&server, "accounts need mail for codes or passwords, but there is no [mail] to send it");
    // Without accounts that need codes there is no warning.
    let server = server::start(&server::config(), USERS.lines().next().unwrap());
    wait_for_message(&server, "deleted what had ended");
    assert!(!server::stop(server).contains("accounts need mail"));
}

#[test]
fn expired_records_are_deleted_when_the_server_starts() {
    let server = server::start(&server::config(), USERS);
    let line = wait_for_message(&server, "deleted what had ended");
    assert!(line.contains(r#""credentials":0,"attempts":0"#), "{line}");
    // A command can use the store while the server ends.
    server.terminate().unwrap();
    server.run(&["user", "list", "--config", "@CONFIG@"], "").unwrap();
}

#[test]
fn configuration_mistakes_are_reported() {
    let mail =
        |smtp: &str, more: &str| format!("[mail]\nsmtp = \"{smtp}\"\nfrom = \"auth@example.org\"\n{more}");
    for (config, said) in [
        (
            mail("http://localhost", ""),
            "[mail] smtp is written like smtp://host:25, starttls://host or smtps://host",
        ),
        (
            "[mail]\nsmtp = \"smtp://localhost\"\nfrom = \"nobody\"".to_owned(),
            "[mail] from: \"nobody\" is not an address such as \"auth@example.org\"",
        ),
        (mail("smtp://localhost", "user = \"auth\""), "[mail] needs both user and password_file, or neither"),
        (
            mail("smtp://localhost", "user = \"auth\"\npassword_file = \"nowhere\""),
            "/nowhere: No such file or directory",
        ),
        (
            mail("smtp://localhost", "retry = \"0s\""),
            "[mail] retry: \"0s\" is not a duration longer than nothing, such as \"30m\"",
        ),
        (
            mail("smtp://localhost", "ehlo = \"my host\""),
            "[mail] ehlo: \"my host\" is not a host name such as \"auth.example.org\"",
        ),
        (
            "[rocketchat]\nsocket_idle = \"500ms\"".to_owned(),
            "[rocketchat] socket_idle must be at least one second",
        ),
    ] {
        let told = check(&config);
        assert!(
            told.starts_with("auth-server: ") && told.ends_with(&format!("{said}\n")),
            "{config}: {told}"
        );
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    let site = "[rocketchat]\nsite_url = \"https://chat.example.org\"\n";
    for (config, said) in [
        (mail("smtp://localhost", site), ""),
        (mail("starttls://mail.example.org", site), ""),
        (
            mail("smtp://mail.example.org", site),
            "warning: [mail] smtp: codes are sent in clear text; starttls:// or smtps:// protects them\n",
        ),
        (
            "[rocketchat]\nemail_2fa_auto_opt_in = true".to_owned(),
            "warning: [rocketchat] email_2fa_auto_opt_in asks for mailed codes, but there is no [mail] to send them\n",
        ),
        (
            "[rocketchat]\nemail_verification = true".to_owned(),
            "warning: [rocketchat] email_verification refuses accounts until a mailed link is opened, but there is no [mail] \
             to send it: `auth-server user verify-email` takes addresses for verified\n",
        ),
    ] {
        let good = "good: protocols zulip, rocketchat, zettelstore\n";
        assert_eq!(check(&config), format!("{said}{good}"), "{config}");
    }
}

#[test]
fn a_reset_of_passwords_is_offered_only_where_mail_is_sent_and_the_start_says_so() {
    let settings = Request::new("GET", "/api/v1/settings.public?_id=Accounts_PasswordReset");
    let forgot =
        Request::new("POST", "/api/v1/users.forgotPassword").json(&json!({"email": "first@example.org"}));
    let (port, mails) = smtp_server();
    let with_mail = server::config()
        .set("mail.smtp", format!("smtp://127.0.0.1:{port}"))
        .set("mail.from", "auth@example.org")
        .set("rocketchat.api_limit", "off");
    let without = server::config().set("rocketchat.api_limit", "off");
    let off = with_mail.clone().set("rocketchat.password_reset", false);
    for (config, is_offered) in [(with_mail, true), (without, false), (off, false)] {
        let server = server::start(&config, USERS);
        let told = server.send(&settings).unwrap().json().unwrap();
        assert_eq!(told["settings"][0]["value"], is_offered, "{told}");
        let answer = server.send(&forgot).unwrap();
        assert_eq!(answer.status, if is_offered { 200 } else { 400 }, "{}", answer.text());
        let log = server::stop(server);
        assert_eq!(log.contains("password reset mailed"), is_offered, "{log}");
        let said =
            log.contains("there is no [mail]: no codes are mailed, and resets of passwords are not offered");
        assert_eq!(said, !config.to_string().contains("[mail]"), "{log}");
    }
    drop(mails);
}
