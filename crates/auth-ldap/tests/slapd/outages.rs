//! Servers that are down, hang, come back, or are no directories: an outage is never a wrong password.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth_conformance::slapd::Slapd;
use auth_core::{Clock, ManualClock, Password, SystemClock};
use auth_ldap::{BindMethod, Directory};
use auth_outbound::idle::PROBE_AFTER;
use auth_outbound::relay::Relay;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fixture::{config, log_in, open, server};

/// Logs in until the answer is the expected one. Fails after ten seconds.
async fn eventually_answers(directory: &Directory, password: &str, expected: &str) {
    let begun = SystemClock.now();
    loop {
        let answer = log_in(directory, "hamlet", password).await;
        if answer == expected {
            return;
        }
        assert_eq!(answer, "unavailable");
        assert!(SystemClock.now().since(begun) < Duration::from_secs(10), "still {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A listener that is no directory: it sends `greeting` to each client, or nothing, and never answers.
async fn impostor(greeting: Option<&'static [u8]>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            if let Some(greeting) = greeting {
                let _gone = connection.write_all(greeting).await;
            }
            held.push(connection);
        }
    });
    address
}

/// What a login through a relay takes at most that has forgotten all connections: one probe, and a login on a slow machine.
const ONE_PROBE: Duration = Duration::from_millis(2500);

#[tokio::test(flavor = "multi_thread")]
async fn eight_connections_that_a_relay_forgot_cost_one_probe() {
    let slapd = Slapd::start().unwrap();
    let relay = Relay::to(slapd.address()).await.unwrap();
    let mut config = config(&slapd);
    config.servers = vec![server("ldap", relay.address())];
    config.timeout = Duration::from_secs(5);
    let directory = Arc::new(open(config));
    for _ in 0..2 {
        let before = relay.accepted();
        // While the server hangs, each login takes a connection of its own.
        slapd.hang(true).unwrap();
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let directory = Arc::clone(&directory);
                tokio::spawn(async move { log_in(&directory, "hamlet", "hamlet-ldap").await })
            })
            .collect();
        while relay.accepted() < before.max(8) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        slapd.hang(false).unwrap();
        for login in logins {
            assert_eq!(login.await.unwrap(), "hamlet");
        }
        for _ in 0..2 {
            // Idle for long enough that the first is probed before it is used.
            tokio::time::sleep(4 * PROBE_AFTER).await;
            relay.forget();
            let begun = SystemClock.now();
            assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
            let taken = SystemClock.now().since(begun);
            assert!(taken < ONE_PROBE, "{taken:?}");
            // All died together, so that no other login meets one of them.
            for _ in 0..8 {
                assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
            }
            assert!(SystemClock.now().since(begun) < 2 * ONE_PROBE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_dies_in_use_says_nothing_of_its_server() {
    let slapd = Slapd::start().unwrap();
    let relay = Relay::to(slapd.address()).await.unwrap();
    let mut config = config(&slapd);
    config.servers = vec![server("ldap", relay.address())];
    // By this clock no connection is ever idle, so that none is probed.
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let directory = Directory::open(config, clock).unwrap();
    for _ in 0..3 {
        assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
        relay.forget();
    }
    assert_eq!(log_in(&directory, "hamlet", "wrong").await, "wrong-password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_an_outage_until_it_is_back() {
    let mut slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
    slapd.kill();
    for password in ["hamlet-ldap", "wrong", "hamlet-ldap"] {
        assert_eq!(log_in(&directory, "hamlet", password).await, "unavailable", "{password}");
    }
    slapd.resume().unwrap();
    eventually_answers(&directory, "hamlet-ldap", "hamlet").await;
    assert_eq!(log_in(&directory, "hamlet", "wrong").await, "wrong-password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_two_logins_is_not_noticed() {
    let mut slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    for _ in 0..3 {
        assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
        slapd.kill();
        slapd.resume().unwrap();
    }
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_costs_one_login_its_time_limit_and_recovers() {
    let slapd = Slapd::start().unwrap();
    let directory = open(config(&slapd));
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
    slapd.hang(true).unwrap();
    let begun = SystemClock.now();
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
    let first = SystemClock.now().since(begun);
    assert!((Duration::from_millis(1450)..Duration::from_millis(4000)).contains(&first), "{first:?}");
    let begun = SystemClock.now();
    assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
    let second = SystemClock.now().since(begun);
    assert!(second < Duration::from_millis(1000), "answered at once: {second:?}");
    slapd.hang(false).unwrap();
    eventually_answers(&directory, "hamlet-ldap", "hamlet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_never_answers_is_an_outage_with_and_without_tls() {
    let slapd = Slapd::start().unwrap();
    let silent = impostor(None).await;
    for scheme in ["ldap", "starttls", "ldaps"] {
        let mut config = config(&slapd);
        config.servers = vec![server(scheme, silent)];
        let directory = open(config);
        let begun = SystemClock.now();
        assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "unavailable", "{scheme}");
        let taken = SystemClock.now().since(begun);
        assert!(taken < Duration::from_secs(5), "{scheme}: {taken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_protocol_is_an_outage() {
    let slapd = Slapd::start().unwrap();
    // Not BER; BER but not LDAP; a message with an unknown id; a bind response without fields; a length of 4 GiB.
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x30\x03\x02\x01\x01",
        b"\x30\x0c\x02\x01\x07\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"\x30\x05\x02\x01\x01\x61\x00",
        b"\x30\x84\xff\xff\xff\xff",
    ] {
        let mut config = config(&slapd);
        config.servers = vec![server("ldap", impostor(Some(greeting)).await)];
        assert_eq!(log_in(&open(config), "hamlet", "hamlet-ldap").await, "unavailable", "{greeting:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_asked_when_one_is_down_or_hangs() {
    let (mut first, second) = (Slapd::start().unwrap(), Slapd::start().unwrap());
    // The accepted password shows which server answered.
    second
        .modify(
            "dn: uid=hamlet,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: userPassword\n\
             userPassword: of-the-second\n",
        )
        .unwrap();
    let silent = impostor(None).await;
    let mut both = config(&first);
    both.servers =
        vec![server("ldap", silent), server("ldap", first.address()), server("ldap", second.address())];
    let both = open(both);
    assert_eq!(log_in(&both, "hamlet", "hamlet-ldap").await, "hamlet", "the silent server is passed over");
    assert_eq!(log_in(&both, "hamlet", "of-the-second").await, "wrong-password", "the order is kept");
    let begun = SystemClock.now();
    assert_eq!(log_in(&both, "hamlet", "hamlet-ldap").await, "hamlet");
    assert!(
        SystemClock.now().since(begun) < Duration::from_millis(1300),
        "the silent server is not waited for again"
    );
    first.kill();
    assert_eq!(log_in(&both, "hamlet", "of-the-second").await, "hamlet");
    assert_eq!(log_in(&both, "hamlet", "hamlet-ldap").await, "wrong-password");
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_mistakes_are_not_wrong_passwords() {
    let slapd = Slapd::start().unwrap();
    let mut wrong_password = config(&slapd);
    wrong_password.bind = BindMethod::ServiceAccount {
        dn: "cn=auth,dc=example,dc=org".into(),
        password: Password::new("wrong"),
    };
    let mut wrong_base = config(&slapd);
    wrong_base.base = "ou=nowhere,dc=example,dc=org".into();
    for config in [wrong_password, wrong_base] {
        let directory = open(config);
        for _ in 0..2 {
            assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
        }
    }
}
