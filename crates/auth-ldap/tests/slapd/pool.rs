//! Many logins through few connections.

use std::sync::Arc;

use auth_conformance::slapd::Slapd;

use crate::fixture::{config, log_in, open};

/// The number of established connections to a port of the loopback interface, as the system counts them.
fn connections_to(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (established, port) = ("01", format!(":{port:04X}"));
    table
        .lines()
        .filter(|line| {
            let mut fields = line.split_whitespace().skip(2);
            fields.next().is_some_and(|remote| remote.ends_with(&port)) && fields.next() == Some(established)
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_parallel_logins_share_eight_connections() {
    let slapd = Slapd::start().unwrap();
    let mut config = config(&slapd);
    // Enough to wait for a free connection on a busy machine.
    config.timeout = std::time::Duration::from_secs(20);
    assert_eq!(config.connections, 8);
    let directory = Arc::new(open(config));
    let rows = [
        ("hamlet", "hamlet-ldap", "hamlet"),
        ("hamlet", "wrong", "wrong-password"),
        ("newuser@zulip.com", "newuser-ldap", "newuser"),
        ("nobody", "x", "not mine"),
        ("ldapuser", "ldappass", "ldapuser"),
    ];
    for _ in 0..2 {
        let mut tasks = Vec::new();
        for n in 0..200 {
            let directory = Arc::clone(&directory);
            let (typed, password, expected) = rows[n % rows.len()];
            tasks.push(tokio::spawn(async move {
                assert_eq!(log_in(&directory, typed, password).await, expected, "{typed} {password}");
            }));
        }
        let mut most = 0;
        for task in tasks {
            most = most.max(connections_to(slapd.address().port()));
            task.await.unwrap();
        }
        assert!((1..=8).contains(&most), "{most} connections");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_login_leaves_no_connection_bound_as_its_user() {
    let slapd = Slapd::start().unwrap();
    let mut config = config(&slapd);
    config.connections = 1;
    let directory = open(config);
    for n in 0..60_u64 {
        let login = log_in(&directory, "hamlet", "hamlet-ldap");
        // Cancelled at any point, as when a client disconnects.
        let _dropped = tokio::time::timeout(std::time::Duration::from_micros(n * 100), login).await;
        assert_eq!(log_in(&directory, "ldapuser", "wrong").await, "wrong-password");
        assert_eq!(log_in(&directory, "ldapuser", "ldappass").await, "ldapuser");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_a_free_connection_in_time_is_busy_or_unavailable() {
    let slapd = Slapd::start().unwrap();
    let mut config = config(&slapd);
    config.connections = 1;
    let directory = Arc::new(open(config));
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
    slapd.hang(true).unwrap();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { log_in(&directory, "hamlet", "hamlet-ldap").await })
        })
        .collect();
    for task in tasks {
        let answer = task.await.unwrap();
        assert!(answer == "unavailable" || answer.starts_with("busy"), "{answer}");
    }
}
