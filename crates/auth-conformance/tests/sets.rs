//! Every set against the built server: each case that does not hold is listed with a reason, and no case that holds is
//! listed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use auth_conformance::{Options, Set, server_binary};

/// Tests run side by side on few cores. The command line checks the upper bounds of time more strictly.
const PATIENCE: f64 = 10.0;

fn check(set: Set) {
    let options = Options { patience: PATIENCE, servers: 4, ..Options::new(server_binary().unwrap()) };
    let expected = options.expected_failures().unwrap();
    let report = set.run(&options).unwrap();
    let surprises = report.surprises(&expected);
    assert!(report.verdicts().len() > 50, "only {} cases were run", report.verdicts().len());
    assert!(surprises.is_empty(), "\n{surprises}");
}

#[test]
fn transcripts_of_a_real_zulip_server_hold() {
    check(Set::ZulipLive);
}

#[test]
fn zulip_cases_hold() {
    check(Set::Zulip);
}

#[test]
fn transcripts_of_a_real_zulip_s_pages_hold() {
    check(Set::ZulipWebLive);
}

#[test]
fn zulip_web_cases_hold() {
    check(Set::ZulipWeb);
}

#[test]
fn rocketchat_cases_hold() {
    check(Set::RocketChat);
}

#[test]
fn zettelstore_cases_hold() {
    check(Set::Zettelstore);
}

#[test]
fn every_listed_failure_is_a_case() {
    let options = Options::new("unused".into());
    let files = [
        "zulip-live",
        "zulip-cases",
        "zulip-web-live",
        "zulip-web-cases",
        "rocketchat-cases",
        "zettelstore-cases",
    ];
    let ids: Vec<String> = files
        .iter()
        .flat_map(|name| {
            let text = std::fs::read_to_string(options.data.join(format!("{name}.jsonl"))).unwrap();
            let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string();
            text.lines().map(|line| id(line).trim_matches('"').to_owned()).collect::<Vec<_>>()
        })
        .collect();
    for listed in options.expected_failures().unwrap().ids() {
        assert!(ids.iter().any(|id| id == listed), "no such case: {listed}");
    }
}
