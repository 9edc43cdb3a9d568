//! Many log-ins through few connections.

use std::sync::Arc;

use auth_conformance::slapd::Slapd;

use crate::world::{ask, open, settings};

/// How many connections a process has to a port of loopback, as the system counts them.
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
async fn two_hundred_log_ins_at_a_time_go_through_eight_connections() {
    let slapd = Slapd::start().unwrap();
    let mut settings = settings(&slapd);
    // Enough to wait for a place, on a machine that is busy with other things.
    settings.timeout = std::time::Duration::from_secs(20);
    assert_eq!(settings.connections, 8);
    let directory = Arc::new(open(settings));
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
                assert_eq!(ask(&directory, typed, password).await, expected, "{typed} {password}");
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
async fn a_log_in_that_is_given_up_leaves_no_connection_that_is_somebody_elses() {
    let slapd = Slapd::start().unwrap();
    let mut settings = settings(&slapd);
    settings.connections = 1;
    let directory = open(settings);
    for n in 0..60_u64 {
        let asked = ask(&directory, "hamlet", "hamlet-ldap");
        // Dropped in the middle of whatever it was doing: a client went away.
        let _dropped = tokio::time::timeout(std::time::Duration::from_micros(n * 100), asked).await;
        assert_eq!(ask(&directory, "ldapuser", "wrong").await, "wrong-password");
        assert_eq!(ask(&directory, "ldapuser", "ldappass").await, "ldapuser");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_place_in_time_is_told_to_come_back() {
    let slapd = Slapd::start().unwrap();
    let mut settings = settings(&slapd);
    settings.connections = 1;
    let directory = Arc::new(open(settings));
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
    slapd.hang(true).unwrap();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { ask(&directory, "hamlet", "hamlet-ldap").await })
        })
        .collect();
    for task in tasks {
        let answer = task.await.unwrap();
        assert!(answer == "unavailable" || answer.starts_with("busy"), "{answer}");
    }
}
