//! `auth-server config check --deep`, with real servers.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use auth_conformance::process::free_address;
use auth_conformance::slapd::{BASE, SERVICE, Slapd};

use crate::workspace::{Workspace, arguments, text};

/// Starts an SMTP server that takes one password, and returns its port.
fn smtp_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that goes away ends its own conversation alone.
            std::thread::spawn(move || serve(&stream.unwrap()).ok());
        }
    });
    port
}

fn serve(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 sink\r\n")?;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        // The base64 of "\0auth\0right".
        let answer = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-sink\r\n250 AUTH PLAIN",
            "AUTH" if line.ends_with("AGF1dGgAcmlnaHQ=") => "235 good",
            "AUTH" => "535 wrong password",
            "MAIL" | "RCPT" | "DATA" => "554 no mail is to be sent",
            "QUIT" => "221 bye",
            _ => "250 good",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// Runs the check, and returns whether it succeeded and its lines of what was asked.
fn check(workspace: &Workspace) -> (bool, Vec<String>) {
    let output = workspace.run(&arguments("config check --deep"), "");
    let here = workspace.path("").display().to_string();
    let printed = (text(&output.stdout) + &text(&output.stderr)).replace(&here, "@/");
    assert!(!printed.contains("right") && !printed.contains(SERVICE.1), "no secret is shown: {printed}");
    let lines = printed.lines().filter(|line| !line.starts_with("warning: ")).map(str::to_owned).collect();
    (output.status.success(), lines)
}

#[test]
fn deep_check_asks_store_key_ring_ports_directories_and_mail_and_says_a_line_for_each() {
    let workspace = Workspace::new();
    let slapd = Slapd::start().unwrap();
    let (port, metrics, smtp) = (free_address().unwrap(), free_address().unwrap(), smtp_server());
    let configure = |mail_password: &str, bind_password: &str| {
        workspace.write("smtp-password", mail_password);
        workspace.configure(&format!(
            "[server]\nlisten = [\"{port}\"]\n[metrics]\nlisten = \"{metrics}\"\n\
             [mail]\nsmtp = \"smtp://127.0.0.1:{smtp}\"\nfrom = \"a@example.org\"\nuser = \"auth\"\n\
             password_file = \"smtp-password\"\n\
             [ldap.corp]\nservers = [\"ldap://{}\", \"ldap://127.0.0.1:1\"]\nbase = \"{BASE}\"\nbind_dn = \"{}\"\n\
             bind_password = \"{bind_password}\"",
            slapd.address(),
            SERVICE.0
        ));
    };
    configure("right", SERVICE.1);
    let (good, lines) = check(&workspace);
    let corp = format!("ldap://{}", slapd.address());
    let expected = [
        "good: store: there is none yet: `serve` or `import` will create @/auth.db".to_owned(),
        "good: key ring: there is none yet: `serve` or `import` will create @/keys.toml".to_owned(),
        format!("good: port: {port} is free"),
        format!("good: port for metrics: {metrics} is free"),
        format!("good: directory corp: {corp} answers"),
        "bad: directory corp: ldap://127.0.0.1:1: the directory can't be reached: ".to_owned(),
        format!("good: mail: 127.0.0.1:{smtp} takes the user and the password"),
        "auth-server: 1 of 7 checks failed".to_owned(),
    ];
    assert!(!good && lines.len() == expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected.as_str()), "{line}");
    }
    assert!(
        !workspace.path("auth.db").exists() && !workspace.path("keys.toml").exists(),
        "nothing is created"
    );

    workspace.succeed(&arguments("import users.jsonl"), "");
    let taken = TcpListener::bind(port).unwrap();
    configure("wrong", "also-wrong");
    let (good, lines) = check(&workspace);
    assert!(!good);
    for expected in [
        "good: store: @/auth.db opens",
        "good: key ring: @/keys.toml fits the store",
        &format!("bad: port: {port}: Address already in use"),
        &format!("bad: directory corp: {corp}: the directory refused the service account"),
        &format!("bad: mail: 127.0.0.1:{smtp}: the SMTP server says 535"),
    ] {
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:#?}");
    }
    drop(taken);

    let other = Workspace::new();
    other.succeed(&arguments("import users.jsonl"), "");
    std::fs::copy(other.path("keys.toml"), workspace.path("keys.toml")).unwrap();
    workspace.configure(&format!("[server]\nlisten = [\"{port}\"]"));
    let (good, lines) = check(&workspace);
    assert!(
        !good
            && lines.iter().any(|line| line.starts_with("bad: key ring: the store is sealed under another")),
        "{lines:#?}"
    );
    let (good, lines) = {
        std::fs::remove_file(workspace.path("keys.toml")).unwrap();
        check(&workspace)
    };
    assert!(
        !good
            && lines.contains(&"bad: key ring: @/keys.toml is missing: bring it back from a copy".to_owned()),
        "{lines:#?}"
    );
}

#[test]
fn deep_check_binds_a_port_and_releases_it() {
    let workspace = Workspace::new();
    let port = free_address().unwrap();
    workspace.configure(&format!("[server]\nlisten = [\"{port}\"]"));
    for _ in 0..2 {
        let (good, lines) = check(&workspace);
        assert!(good, "{lines:#?}");
        assert_eq!(lines.last().unwrap(), "good: protocols zulip, rocketchat, zettelstore");
    }
    TcpListener::bind(port).unwrap();
}
