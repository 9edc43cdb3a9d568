//! `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use auth_conformance::http::Request;
use auth_conformance::process;
use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use serde_json::json;

use crate::{Watched, config};

const DOCUMENTATION: &str = include_str!("../../../../docs/observability.md");

/// The documented metrics: the labels by the name.
pub(crate) fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let rows = DOCUMENTATION.lines().filter(|line| line.starts_with("| `auth_server_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(", ").filter(|label| !label.is_empty());
        (cells[1].replace('`', ""), labels.map(|label| label.replace('`', "")).collect())
    })
    .collect()
}

/// The metrics of a page: for each name, the labels of all its lines, without those of histograms.
fn shown(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let kinds: BTreeMap<&str, &str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let mut shown = BTreeMap::<String, BTreeSet<String>>::new();
    for line in page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, labels) = line.split_once(['{', ' ']).unwrap();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let name = base.filter(|base| kinds.get(base) == Some(&"histogram")).unwrap_or(name);
        let names = shown.entry(name.to_owned()).or_default();
        if line.contains('{') {
            let labels =
                labels.split("\",").filter_map(|label| label.split_once("=\"")).map(|(name, _)| name);
            names.extend(labels.filter(|name| *name != "le").map(str::to_owned));
        }
    }
    shown
}

fn value(page: &str, line: &str) -> f64 {
    let found = page.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{line}: {page}")).parse().unwrap()
}

#[test]
fn every_metric_is_documented_and_none_tells_a_name_or_a_path() {
    let watched = Watched::start(config());
    let (user, secret) = ("iago", "correct-horse-battery-9876");
    for password in [secret, "wrong-password-text"] {
        let login = json!({"user": user, "password": password});
        watched.server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
    }
    watched.server.send(&Request::new("POST", "/a").basic("typed-name", secret)).unwrap();
    watched.server.send(&Request::new("GET", "/secret-path/secret-token")).unwrap();
    watched.server.send(&Request::new("GET", "/reset/secret-token")).unwrap();
    let page = watched.get("/metrics").text();

    let (shown, documented) = (shown(&page), documented());
    for (name, labels) in &shown {
        assert_eq!(documented.get(name), Some(labels), "{name}");
    }
    let missing: Vec<&String> = documented.keys().filter(|name| !shown.contains_key(*name)).collect();
    // There is no directory here, no mail and no backup.
    let only_elsewhere = [
        "auth_server_backup_last_good_timestamp_seconds",
        "auth_server_directory_answers_total",
        "auth_server_directory_seconds",
        "auth_server_mail_oldest_due_seconds",
    ];
    assert_eq!(missing, only_elsewhere, "{page}");
    for typed in [user, "typed-name", "secret", "correct-horse", "127.0.0.1", "main", "wrong-password-text"] {
        assert!(!page.contains(typed), "{typed}: {page}");
    }

    let attempts = |protocol, outcome, scheme| {
        let labels = format!("protocol=\"{protocol}\",outcome=\"{outcome}\",scheme=\"{scheme}\"");
        value(&page, &format!("auth_server_login_attempts_total{{{labels}}}"))
    };
    assert_eq!(attempts("rocketchat", "granted", "argon2"), 1.0);
    assert_eq!(attempts("rocketchat", "wrong-password", "argon2"), 1.0);
    assert_eq!(attempts("zettelstore", "unknown-user", "none"), 1.0);
    let login = "protocol=\"rocketchat\",route=\"/api/v1/login\"";
    assert_eq!(value(&page, &format!("auth_server_requests_total{{{login},status=\"401\"}}")), 1.0);
    assert_eq!(value(&page, &format!("auth_server_request_seconds_count{{{login}}}")), 2.0);
    assert!(value(&page, &format!("auth_server_request_seconds_sum{{{login}}}")) > 0.0);
    assert_eq!(value(&page, "auth_server_store_up"), 1.0);
    assert!(value(&page, "auth_server_store_look_seconds_count") >= 1.0);
    crate::server::stop(watched.server);
}

#[test]
fn answers_of_directories_are_counted_and_timed() {
    const REALM: &str = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["corp"]}"#;
    let slapd = Slapd::start().unwrap();
    let config = config()
        .set("ldap.corp.servers", vec![format!("ldap://{}", slapd.address())])
        .set("ldap.corp.bind_dn", SERVICE.0)
        .set("ldap.corp.bind_password", SERVICE.1)
        .set("ldap.corp.base", BASE);
    let watched = Watched::with(config, REALM);
    for (name, password) in [("hamlet", "wrong"), ("no-such-person", "wrong")] {
        let login = json!({"user": name, "password": password});
        assert_eq!(
            watched.server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap().status,
            401
        );
    }
    let page = watched.get("/metrics").text();
    for (answer, count) in [("rejected", 1.0), ("unknown", 1.0), ("accepted", 0.0), ("unavailable", 0.0)] {
        let line = format!("auth_server_directory_answers_total{{directory=\"corp\",answer=\"{answer}\"}}");
        assert_eq!(value(&page, &line), count, "{answer}");
    }
    assert_eq!(value(&page, "auth_server_directory_seconds_count{directory=\"corp\"}"), 2.0);
    assert!(value(&page, "auth_server_directory_seconds_sum{directory=\"corp\"}") > 0.0);
    crate::server::stop(watched.server);
}

#[test]
fn prometheus_has_nothing_against_the_metrics() {
    let watched = Watched::start(config());
    let page = watched.get("/metrics").text();
    let checked = process::run(Command::new("promtool").args(["check", "metrics"]), &page).unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success() && told.is_empty(), "{told}");
    crate::server::stop(watched.server);
}
