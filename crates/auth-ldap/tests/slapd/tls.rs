//! StartTLS and LDAPS, with an authority of the operator's own.

use auth_conformance::slapd::Slapd;

use crate::world::{ask, open, server, settings};

#[tokio::test(flavor = "multi_thread")]
async fn passwords_travel_protected_where_the_authority_is_believed() {
    let slapd = Slapd::start().unwrap();
    let other = Slapd::start().unwrap();
    let port = |address: std::net::SocketAddr| format!("localhost:{}", address.port());
    for (server, ours, expected) in [
        (server("starttls", slapd.address()), true, "hamlet"),
        (server("ldaps", slapd.tls_address()), true, "hamlet"),
        (server("starttls", port(slapd.address())), true, "hamlet"),
        (server("ldaps", port(slapd.tls_address())), true, "hamlet"),
        // Another's authority.
        (server("starttls", slapd.address()), false, "unavailable"),
        (server("ldaps", slapd.tls_address()), false, "unavailable"),
        // A name that the certificate doesn't have.
        (server("ldaps", format!("127.0.0.2:{}", slapd.tls_address().port())), true, "unavailable"),
        // TLS where there is none.
        (server("ldaps", slapd.address()), true, "unavailable"),
    ] {
        let mut settings = settings(&slapd);
        let authority = if ours { slapd.authority() } else { other.authority() };
        settings.authorities = Some(std::fs::read(authority).unwrap());
        settings.servers = vec![server.clone()];
        let directory = open(settings);
        assert_eq!(ask(&directory, "hamlet", "hamlet-ldap").await, expected, "{server:?}");
        if expected == "hamlet" {
            assert_eq!(ask(&directory, "hamlet", "wrong").await, "wrong-password", "{server:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_authorities_do_not_believe_it() {
    let slapd = Slapd::start().unwrap();
    let mut settings = settings(&slapd);
    settings.servers = vec![server("starttls", slapd.address())];
    assert_eq!(ask(&open(settings), "hamlet", "hamlet-ldap").await, "unavailable");
}
