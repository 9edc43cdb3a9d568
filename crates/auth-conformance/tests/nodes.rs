//! Several servers on one store. The long forms: `cargo xtask crash`, `failover`, `revocation`.
#![cfg(test)]

use std::time::Duration;

use auth_conformance::http::{self, Request};
use auth_conformance::nodes::{Nodes, PASSWORD, Session, crash, failover, revocation, wait};
use auth_conformance::server_binary;
use test_postgres::{Cluster, Durability};

/// A machine that is busy with other tests is slower.
const PATIENCE: u32 = 2;

#[test]
fn kills_lose_nothing_that_was_acknowledged() {
    let binary = server_binary().unwrap();
    for outcome in [crash::sqlite(&binary, 2).unwrap(), crash::postgres(&binary, 2).unwrap()] {
        assert_eq!(outcome.rounds, 2);
        assert!(outcome.acknowledged > 50, "{outcome:?}");
    }
}

#[test]
fn servers_go_on_after_a_failover_and_nothing_is_lost() {
    let outcome = failover::run(&server_binary().unwrap()).unwrap();
    assert_eq!(outcome.back_after.len(), 2);
    for took in &outcome.back_after {
        assert!(*took < Duration::from_secs(5), "{took:?}");
    }
    assert!(outcome.acknowledged > outcome.before && outcome.before > 10, "{outcome:?}");
}

#[test]
fn a_revocation_is_refused_elsewhere_within_a_second_told_or_not() {
    let binary = server_binary().unwrap();
    for notifications in [true, false] {
        let seen = revocation::run(&binary, 12, notifications).unwrap();
        assert!(seen.maximum() < PATIENCE * Duration::from_secs(1), "{seen:?}");
    }
}

#[test]
fn tries_are_counted_by_all_servers_together() {
    let url = Cluster::shared().unwrap().database().unwrap();
    let limits = "[limits]\naccount = { attempts = 6, window = \"15m\" }\n";
    let nodes = Nodes::start(&server_binary().unwrap(), &url, 2, limits).unwrap();
    let addresses = nodes.addresses();
    let is_blocked = |number: usize, password: &str| {
        let body = serde_json::json!({"user": "user1", "password": password});
        let request = Request::new("POST", "/api/v1/login").json(&body);
        let answer = http::send(addresses[number % 2], &request).unwrap();
        answer.text().contains("error-login-blocked-for-user")
    };
    // A good log-in counts nowhere.
    for number in 0..12 {
        assert!(!is_blocked(number, PASSWORD), "{number}");
    }
    let refused: Vec<bool> = (0..12).map(|number| is_blocked(number, "wrong")).collect();
    assert!(refused[..6].iter().all(|refused| !refused), "{refused:?}");
    assert!(refused[6..].iter().all(|refused| *refused), "{refused:?}");
    assert!(is_blocked(0, PASSWORD) && is_blocked(1, PASSWORD), "the right password is refused everywhere");
}

#[test]
fn an_outage_of_the_store_is_told_within_two_seconds_and_ends_by_itself() {
    let mut cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    let binary = server_binary().unwrap();
    let strict = Nodes::start(&binary, &url, 1, "").unwrap();
    let address = strict.addresses()[0];
    let session = Session::begin(address, "user0", PASSWORD).unwrap();
    assert_eq!(session.status(address), 200);

    cluster.kill().unwrap();
    let took = wait("503", Duration::from_secs(10), || session.status(address) == 503).unwrap();
    assert!(took < PATIENCE * Duration::from_secs(2), "{took:?}");
    cluster.go_on().unwrap();
    wait("the way back", Duration::from_secs(5), || session.status(address) == 200).unwrap();
}

#[test]
fn an_operator_may_choose_to_go_on_through_an_outage() {
    let mut cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    let nodes = Nodes::with(&server_binary().unwrap(), &url, 1, "outage = \"1h\"", "").unwrap();
    let address = nodes.addresses()[0];
    let session = Session::begin(address, "user0", PASSWORD).unwrap();
    let other = Session::begin(address, "user1", PASSWORD).unwrap();
    // Until it is known by heart.
    for _ in 0..3 {
        assert_eq!(session.status(address), 200);
        std::thread::sleep(Duration::from_millis(500));
    }
    cluster.kill().unwrap();
    wait("the outage", Duration::from_secs(10), || other.status(address) == 503).unwrap();
    assert_eq!(session.status(address), 200, "known before the outage");
    cluster.go_on().unwrap();
    wait("the way back", Duration::from_secs(5), || other.status(address) == 200).unwrap();
}
