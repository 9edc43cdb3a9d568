//! Log lines of security events, and their ranks.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::MetadataExt;

use auth_conformance::Server;
use auth_conformance::http::{Request, Response, send};
use auth_conformance::process::free_address;
use auth_core::{Act, Event};
use serde_json::{Value, json};

use crate::{USERS, Watched, config, server};

const DOCUMENTATION: &str = include_str!("../../../../docs/observability.md");

#[test]
fn documentation_has_every_event_and_no_other() {
    let rows = DOCUMENTATION.lines().skip_while(|line| *line != "| event | meaning |").skip(2);
    let documented: Vec<String> = rows.take_while(|line| !line.is_empty()).map(str::to_owned).collect();
    let row = |event: &Event| format!("| `{}` | {} |", event.as_str(), event.meaning());
    assert_eq!(documented, Event::ALL.iter().map(row).collect::<Vec<_>>());
    let audit = include_str!("../../../../docs/audit.md");
    for (_, act) in Act::ALL {
        assert!(audit.contains(&format!("`{act}`")), "{act}");
    }
}

fn log_in(server: &Server, name: &str, password: &str) -> Response {
    let login = json!({"user": name, "password": password});
    server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap()
}

#[test]
fn each_security_event_has_a_line_with_its_word_and_its_client() {
    let (admin, socket) = (free_address().unwrap(), tempfile::tempdir().unwrap());
    let socket = socket.path().join("admin.sock");
    let config = config()
        .set("admin.listen", admin.to_string())
        .set("admin.socket", socket.to_str().unwrap())
        .set("limits.shared", "on")
        .set("limits.account", json!({"attempts": 2, "window": "15m"}));
    let server = server::start(&config, USERS);
    let granted = log_in(&server, "iago", "correct-horse-battery-9876").json().unwrap();
    for _ in 0..3 {
        log_in(&server, "nobody", "wrong");
    }
    let signed_in = |path: &str| {
        let of = |key: &str| granted["data"][key].as_str().unwrap().to_owned();
        let request = Request::new("POST", path).header("X-User-Id", &of("userId"));
        request.header("X-Auth-Token", &of("authToken")).json(&json!({}))
    };
    assert_eq!(server.send(&signed_in("/api/v1/users.logoutOtherClients")).unwrap().status, 200);
    let spoofed = Request::new("GET", "/api/v1/server_settings").header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(server.send(&spoofed).unwrap().status, 200);
    let key = |scope: &str| {
        let words = ["key", "add", scope, "--scope", scope, "--all-realms", "--days", "1", "--socket"];
        let mut words = words.to_vec();
        words.push(socket.to_str().unwrap());
        server.run(&words, "").unwrap().trim_end().to_owned()
    };
    let (reader, owner) = (key("read"), key("admin"));
    for (key, status) in [("none", 401), (&reader, 403), (&owner, 200)] {
        let request = Request::new("POST", "/admin/v1/user.deactivate");
        let request = request.header("authorization", &format!("Bearer {key}"));
        let iago = json!({"user": {"realm": "main", "name": "iago"}});
        assert_eq!(send(admin, &request.json(&iago)).unwrap().status, status, "{key}");
    }
    let log = server::stop(server);
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let events: Vec<Value> = lines.filter(|line| line.get("event").is_some()).collect();
    let known: BTreeSet<&str> =
        Event::ALL.iter().map(|event| event.as_str()).chain(Act::ALL.iter().map(|(_, act)| *act)).collect();
    assert!(events.iter().all(|line| known.contains(line["event"].as_str().unwrap())), "{events:?}");
    for (event, field, value) in [
        ("login-granted", "client", "127.0.0.1"),
        ("login-refused", "client", "127.0.0.1"),
        ("login-refused", "outcome", "unknown-user"),
        ("login-limited", "client", "127.0.0.1"),
        ("other-sessions-ended", "target", "auth::account"),
        ("client-doubted", "reason", "untrusted"),
        ("operator-refused", "client", "127.0.0.1"),
        ("operation-refused", "operation", "user.deactivate"),
        ("operation-refused", "why", "not-permitted"),
        ("operation-done", "operation", "user.deactivate"),
        ("operation-done", "actor_name", "admin"),
    ] {
        let is_it = |line: &&Value| line["event"] == event && line[field] == value;
        assert!(events.iter().any(|line| is_it(&line)), "{event} {field}={value}: {events:#?}");
    }
}

#[test]
fn what_banned_networks_send_is_counted_and_has_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let socket = socket.to_str().unwrap();
    let config = config().set("admin.socket", socket).set("server.trusted_proxies", json!(["127.0.0.1"]));
    let watched = Watched::start(config);
    let server = &watched.server;
    let ban = ["limits", "ban", "198.51.100.0/24", "--until", "1d", "--socket", socket];
    server.run(&ban, "").unwrap();
    for _ in 0..3 {
        let settings = Request::new("GET", "/api/v1/server_settings");
        let banned = server.send(&settings.header("X-Forwarded-For", "198.51.100.7")).unwrap();
        assert_eq!(banned.status, 403);
    }
    let page = watched.get("/metrics").text();
    assert!(page.contains("auth_server_refused_total{kind=\"banned\"} 3\n"), "{page}");
    let log = server::stop(watched.server);
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["event"] == "client-banned")
        .collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["client"], &line["count"]), (&json!("198.51.100.7"), &json!(1)));
}

/// The ranks of the lines of a log.
fn ranks(log: &str) -> BTreeSet<&str> {
    log.lines().map(|line| if line.starts_with('<') { &line[..3] } else { "" }).collect()
}

#[test]
fn lines_have_ranks_where_they_go_to_the_journal_or_the_configuration_says_so() {
    for (setting, format, is_journal, expected) in [
        ("auto", "text", false, &[""][..]),
        ("auto", "text", true, &["<4>", "<6>", "<7>"]),
        ("auto", "json", true, &["<4>", "<6>", "<7>"]),
        ("on", "text", false, &["<4>", "<6>", "<7>"]),
        ("off", "json", true, &[""]),
    ] {
        let config = config()
            .set("log.ranks", setting)
            .set("log.format", format)
            .set("server.listen", json!(["127.0.0.1:@PORT@"]));
        let mut server = Server::prepare(server::binary(), &config).unwrap();
        server.import(USERS).unwrap();
        let log = File::create(server.dir().join("log")).unwrap().metadata().unwrap();
        let stream = if is_journal { log.ino() } else { log.ino() + 1 };
        server.set_env("JOURNAL_STREAM", format!("{}:{stream}", log.dev()));
        server.serve().unwrap();
        // A line of rank 7.
        server.wait_for_log("deleted what had ended").unwrap();
        // A loopback listener at which no proxy is trusted is warned of.
        let log = server::stop(server);
        assert_eq!(ranks(&log), expected.iter().copied().collect(), "{setting} {format}: {log}");
    }
}
