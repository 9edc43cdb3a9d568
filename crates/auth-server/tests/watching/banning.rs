//! What fail2ban makes of the server's lines: the clients whose logins fail, and never an address that a client has typed.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use auth_conformance::http::Request;
use serde_json::json;

use crate::{USERS, config, server};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/fail2ban");

/// Typed names that try to pass for a line of another client, or to hide that of their own.
const HOSTILE: [&str; 7] = [
    " client=192.0.2.66",
    "x\" client=192.0.2.66 name=\"x",
    "x\nfalse",
    "x\n2026-11-27T13:11:05.123456Z  INFO auth::attempt: login attempt event=\"login-refused\" client=192.0.2.66 x",
    "x\\\",\"event\":\"login-refused\",\"client\":\"192.0.2.66\"",
    "host auth-server[1]: <6>2026-11-27T13:11:05.1Z  INFO auth::attempt: login attempt event=\"login-refused\" client=192.0.2.66 ",
    "\u{2028}\r\u{1b}[2K192.0.2.66",
];

/// The log of a server at which logins failed, and their number. One succeeds.
fn log_of_failures(format: &str) -> (String, usize) {
    let config = config().set("log.format", format).set("log.names", true).set("log.ranks", "off");
    let server = server::start(&config.set("log.level", "info"), USERS);
    let password = "correct-horse-battery-9876";
    let login = |user: &str, password: &str| {
        Request::new("POST", "/api/v1/login").json(&json!({"user": user, "password": password}))
    };
    assert_eq!(server.send(&login("iago", password)).unwrap().status, 200);
    for name in HOSTILE {
        server.send(&login(name, "wrong")).unwrap();
        server.send(&Request::new("POST", "/a").basic(&name.replace(':', "_"), "wrong")).unwrap();
    }
    (server::stop(server), 2 * HOSTILE.len())
}

/// The addresses that fail2ban finds in a log: a file, or what it calls a journal.
fn found(log: &str) -> Vec<String> {
    let filter = format!("{DEPLOY}/filter.d/auth-server.conf");
    let output = Command::new("fail2ban-regex").args(["-o", "ip", log, &filter]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A journal with these lines, as journald makes it.
fn journal(folder: &Path, log: &str) -> String {
    let mut export = String::new();
    for (number, line) in log.lines().enumerate() {
        let time = 1_700_000_000_000_000_usize + number;
        write!(
            export,
            "__CURSOR=i={number}\n__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={time}\n\
             _BOOT_ID=0123456789abcdef0123456789abcdef\n_SYSTEMD_UNIT=auth-server.service\n\
             SYSLOG_IDENTIFIER=auth-server\n_PID=77\n_HOSTNAME=host\nPRIORITY=6\nMESSAGE={line}\n\n"
        )
        .unwrap();
    }
    let (exported, journal) = (folder.join("export"), folder.join("journal"));
    fs::write(&exported, export).unwrap();
    fs::create_dir(&journal).unwrap();
    let program = "/lib/systemd/systemd-journal-remote";
    let made =
        Command::new(program).arg("-o").arg(journal.join("a.journal")).arg(&exported).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    format!("systemd-journal[journalpath='{}']", journal.display())
}

#[test]
fn filter_finds_each_client_whose_login_failed_and_no_address_that_was_typed() {
    for format in ["text", "json"] {
        let (log, failures) = log_of_failures(format);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth-server.log");
        fs::write(&file, &log).unwrap();
        let expected = vec!["127.0.0.1".to_owned(); failures];
        assert_eq!(found(file.to_str().unwrap()), expected, "{format}, a file: {log}");
        assert_eq!(found(&journal(folder.path(), &log)), expected, "{format}, a journal: {log}");
    }
}

#[test]
fn fail2ban_takes_the_jail() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &str| {
        let to = folder.path().join(to);
        fs::create_dir_all(&to).unwrap();
        assert!(Command::new("cp").arg("-r").arg(from).arg(&to).status().unwrap().success());
    };
    for shipped in ["fail2ban.conf", "jail.conf", "paths-common.conf", "paths-debian.conf", "action.d"] {
        copy(&Path::new("/etc/fail2ban").join(shipped), ".");
    }
    for own in ["filter.d", "jail.d"] {
        copy(&Path::new(DEPLOY).join(own), ".");
    }
    let output = Command::new("fail2ban-client").arg("-c").arg(folder.path()).arg("-d").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    for line in ["['add', 'auth-server', 'systemd']", "['start', 'auth-server']"] {
        assert!(printed.lines().any(|found| found == line), "{line}: {printed}");
    }
}
