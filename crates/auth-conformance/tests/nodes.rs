//! Several servers on one store. The long forms: `cargo xtask crash`, `failover`, `revocation`.
#![cfg(test)]

use std::time::Duration;

use auth_conformance::http::{self, Request};
use auth_conformance::nodes::{Nodes, PASSWORD, Session, config, crash, failover, revocation, wait_until};
use auth_conformance::server_binary;
use serde_json::json;
use test_postgres::{Cluster, Durability};

/// The factor by which time bounds are multiplied, because the machine is busy with other tests.
const PATIENCE: u32 = 2;

#[test]
fn crashes_lose_nothing_that_was_acknowledged() {
    let binary = server_binary().unwrap();
    for outcome in [crash::sqlite(&binary, 2).unwrap(), crash::postgres(&binary, 2).unwrap()] {
        assert_eq!(outcome.rounds, 2);
        assert!(outcome.acknowledged > 50, "{outcome:?}");
    }
}

#[test]
fn servers_continue_after_a_failover_and_nothing_is_lost() {
    let outcome = failover::run(&server_binary().unwrap()).unwrap();
    assert_eq!(outcome.back_after.len(), 2);
    for took in &outcome.back_after {
        assert!(*took < Duration::from_secs(5), "{took:?}");
    }
    assert!(outcome.acknowledged > outcome.before && outcome.before > 10, "{outcome:?}");
}

#[test]
fn revoked_token_is_refused_elsewhere_within_a_second_with_and_without_notifications() {
    let binary = server_binary().unwrap();
    for notifications in [true, false] {
        let latencies = revocation::run(&binary, 12, notifications).unwrap();
        assert!(latencies.maximum() < PATIENCE * Duration::from_secs(1), "{latencies:?}");
    }
}

#[test]
fn failed_logins_are_counted_by_all_servers_together() {
    let url = Cluster::shared().unwrap().database().unwrap();
    let limit = json!({"attempts": 6, "window": "15m"});
    let config = config().unset("limits.shared").set("limits.account", limit);
    let nodes = Nodes::start(&server_binary().unwrap(), &url, 2, &config).unwrap();
    let addresses = nodes.addresses();
    let is_blocked = |number: usize, password: &str| {
        let body = json!({"user": "user1", "password": password});
        let request = Request::new("POST", "/api/v1/login").json(&body);
        let response = http::send(addresses[number % 2], &request).unwrap();
        response.text().contains("error-login-blocked-for-user")
    };
    // A successful login is not counted.
    for number in 0..12 {
        assert!(!is_blocked(number, PASSWORD), "{number}");
    }
    let refused: Vec<bool> = (0..12).map(|number| is_blocked(number, "wrong")).collect();
    assert!(refused[..6].iter().all(|refused| !refused), "{refused:?}");
    assert!(refused[6..].iter().all(|refused| *refused), "{refused:?}");
    assert!(is_blocked(0, PASSWORD) && is_blocked(1, PASSWORD), "the right password is refused everywhere");
}

#[test]
fn outage_of_the_store_is_reported_within_two_seconds_and_ends_by_itself() {
    let mut cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    let binary = server_binary().unwrap();
    let nodes = Nodes::start(&binary, &url, 1, &config()).unwrap();
    let address = nodes.addresses()[0];
    let session = Session::log_in(address, "user0", PASSWORD).unwrap();
    assert_eq!(session.status(address), 200);

    cluster.kill().unwrap();
    let took = wait_until("503", Duration::from_secs(10), || session.status(address) == 503).unwrap();
    assert!(took < PATIENCE * Duration::from_secs(2), "{took:?}");
    cluster.restart().unwrap();
    wait_until("the recovery", Duration::from_secs(5), || session.status(address) == 200).unwrap();
}

#[test]
fn operator_may_choose_to_accept_cached_tokens_through_an_outage() {
    let mut cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    let config = config().set("store.outage", "1h");
    let nodes = Nodes::start(&server_binary().unwrap(), &url, 1, &config).unwrap();
    let address = nodes.addresses()[0];
    let session = Session::log_in(address, "user0", PASSWORD).unwrap();
    let other = Session::log_in(address, "user1", PASSWORD).unwrap();
    // Until the server has the token in its cache.
    for _ in 0..3 {
        assert_eq!(session.status(address), 200);
        std::thread::sleep(Duration::from_millis(500));
    }
    cluster.kill().unwrap();
    wait_until("the outage", Duration::from_secs(10), || other.status(address) == 503).unwrap();
    assert_eq!(session.status(address), 200, "a token that was cached before the outage");
    cluster.restart().unwrap();
    wait_until("the recovery", Duration::from_secs(5), || other.status(address) == 200).unwrap();
}
