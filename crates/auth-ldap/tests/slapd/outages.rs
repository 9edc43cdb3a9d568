//! Servers that are gone, hang, come back, or never were directories: an outage is never a wrong password.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth_conformance::slapd::Slapd;
use auth_core::{Clock, ManualClock, Password};
use auth_ldap::{Bind, Directory};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::world::{Now, ask, open, server, settings};

/// Asks until the answer is the expected one: recovery takes a moment, but not more than that.
async fn comes_to(directory: &Directory, password: &str, expected: &str) {
    let begun = Now.now();
    loop {
        let answer = ask(directory, "hamlet", password).await;
        if answer == expected {
            return;
        }
        assert_eq!(answer, "unavailable");
        assert!(Now.now().since(begun) < Duration::from_secs(10), "still {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Something that listens: it never answers, or says what no directory says.
async fn impostor(says: Option<&'static [u8]>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            if let Some(says) = says {
                let _gone = connection.write_all(says).await;
            }
            held.push(connection);
        }
    });
    address
}

/// A way to a server that loses what is on it: connections made before go silent without an end, as behind a
/// firewall that has forgotten them. Gives its address, and what makes it forget.
async fn forgetful_way_to(server: SocketAddr) -> (SocketAddr, watch::Sender<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (forget, forgotten) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut forgotten = forgotten.clone();
            forgotten.mark_unchanged();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    // Both ends stay open from here on, and nothing passes.
                    _ = forgotten.changed() => std::future::pending().await,
                }
            });
        }
    });
    (address, forget)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_rested_is_tried_before_it_is_used() {
    let slapd = Slapd::start().unwrap();
    let (address, forget) = forgetful_way_to(slapd.address()).await;
    let mut settings = settings(&slapd);
    settings.servers = vec![server("ldap", address)];
    let clock = Arc::new(ManualClock::at(Now.now()));
    let directory = Directory::open(settings, Arc::clone(&clock) as _).unwrap();
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet");

    forget.send(1).unwrap();
    clock.advance(Duration::from_secs(30));
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet", "a new one took its place");

    // One that was used a moment ago is believed in: its silence is the server's.
    forget.send(2).unwrap();
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet", "a second later it is asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_an_outage_until_it_is_back() {
    let mut slapd = Slapd::start().unwrap();
    let directory = open(settings(&slapd));
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
    slapd.kill();
    for password in ["hamlet-ldap", "wrong", "hamlet-ldap"] {
        assert_eq!(ask(&directory, "hamlet", password).await, "unavailable", "{password}");
    }
    slapd.resume().unwrap();
    comes_to(&directory, "hamlet-ldap", "hamlet").await;
    assert_eq!(ask(&directory, "hamlet", "wrong").await, "wrong-password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_two_log_ins_is_not_noticed() {
    let mut slapd = Slapd::start().unwrap();
    let directory = open(settings(&slapd));
    for _ in 0..3 {
        assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
        slapd.kill();
        slapd.resume().unwrap();
    }
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_costs_its_time_once_and_recovers() {
    let slapd = Slapd::start().unwrap();
    let directory = open(settings(&slapd));
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "hamlet");
    slapd.hang(true).unwrap();
    let begun = Now.now();
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
    let first = Now.now().since(begun);
    assert!((Duration::from_millis(1450)..Duration::from_millis(4000)).contains(&first), "{first:?}");
    let begun = Now.now();
    assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
    let second = Now.now().since(begun);
    assert!(second < Duration::from_millis(1000), "told at once: {second:?}");
    slapd.hang(false).unwrap();
    comes_to(&directory, "hamlet-ldap", "hamlet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_accepts_and_never_answers_is_an_outage_with_and_without_tls() {
    let slapd = Slapd::start().unwrap();
    let silent = impostor(None).await;
    for scheme in ["ldap", "starttls", "ldaps"] {
        let mut settings = settings(&slapd);
        settings.servers = vec![server(scheme, silent)];
        let directory = open(settings);
        let begun = Now.now();
        assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "unavailable", "{scheme}");
        let taken = Now.now().since(begun);
        assert!(taken < Duration::from_secs(5), "{scheme}: {taken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_directory_is_an_outage() {
    let slapd = Slapd::start().unwrap();
    // Not BER; BER that is no LDAP; an LDAP message for nobody; a bind answered by an answer without parts.
    for says in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x30\x03\x02\x01\x01",
        b"\x30\x0c\x02\x01\x07\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"\x30\x05\x02\x01\x01\x61\x00",
        b"\x30\x84\xff\xff\xff\xff",
    ] {
        let mut settings = settings(&slapd);
        settings.servers = vec![server("ldap", impostor(Some(says)).await)];
        assert_eq!(ask(&open(settings), "hamlet", "hamlet-ldap").await, "unavailable", "{says:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_asked_where_one_is_down_or_hangs() {
    let (mut first, second) = (Slapd::start().unwrap(), Slapd::start().unwrap());
    // Who of them answers is seen by the password.
    second
        .modify(
            "dn: uid=hamlet,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: userPassword\n\
             userPassword: of-the-second\n",
        )
        .unwrap();
    let silent = impostor(None).await;
    let mut both = settings(&first);
    both.servers =
        vec![server("ldap", silent), server("ldap", first.address()), server("ldap", second.address())];
    let both = open(both);
    assert_eq!(ask(&both, "hamlet", "hamlet-ldap").await, "hamlet", "the silent one is passed over");
    assert_eq!(ask(&both, "hamlet", "of-the-second").await, "wrong-password", "the order is kept");
    let begun = Now.now();
    assert_eq!(ask(&both, "hamlet", "hamlet-ldap").await, "hamlet");
    assert!(Now.now().since(begun) < Duration::from_millis(1300), "nobody waits for it again");
    first.kill();
    assert_eq!(ask(&both, "hamlet", "of-the-second").await, "hamlet");
    assert_eq!(ask(&both, "hamlet", "hamlet-ldap").await, "wrong-password");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_operator_are_no_wrong_passwords() {
    let slapd = Slapd::start().unwrap();
    let mut wrong_service = settings(&slapd);
    wrong_service.bind =
        Bind::Service { dn: "cn=auth,dc=example,dc=org".into(), password: Password::new("wrong") };
    let mut wrong_base = settings(&slapd);
    wrong_base.base = "ou=nowhere,dc=example,dc=org".into();
    for settings in [wrong_service, wrong_base] {
        let directory = open(settings);
        for _ in 0..2 {
            assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, "unavailable");
        }
    }
}
