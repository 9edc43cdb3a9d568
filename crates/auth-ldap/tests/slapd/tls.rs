//! StartTLS and LDAPS, with a CA of the operator's own.

use auth_conformance::slapd::Slapd;

use crate::fixture::{config, log_in, open, server};

#[tokio::test(flavor = "multi_thread")]
async fn tls_connects_only_to_a_certificate_of_the_trusted_ca() {
    let slapd = Slapd::start().unwrap();
    let other = Slapd::start().unwrap();
    let port = |address: std::net::SocketAddr| format!("localhost:{}", address.port());
    for (server, trusted, expected) in [
        (server("starttls", slapd.address()), true, "hamlet"),
        (server("ldaps", slapd.tls_address()), true, "hamlet"),
        (server("starttls", port(slapd.address())), true, "hamlet"),
        (server("ldaps", port(slapd.tls_address())), true, "hamlet"),
        // A CA that did not sign the certificate.
        (server("starttls", slapd.address()), false, "unavailable"),
        (server("ldaps", slapd.tls_address()), false, "unavailable"),
        // A name that is not in the certificate.
        (server("ldaps", format!("127.0.0.2:{}", slapd.tls_address().port())), true, "unavailable"),
        // TLS on a port without TLS.
        (server("ldaps", slapd.address()), true, "unavailable"),
    ] {
        let mut config = config(&slapd);
        let ca = if trusted { slapd.authority() } else { other.authority() };
        config.ca_certificates = Some(std::fs::read(ca).unwrap());
        config.servers = vec![server.clone()];
        let directory = open(config);
        assert_eq!(log_in(&directory, "hamlet", "hamlet-ldap").await, expected, "{server:?}");
        if expected == "hamlet" {
            assert_eq!(log_in(&directory, "hamlet", "wrong").await, "wrong-password", "{server:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_cas_do_not_trust_it() {
    let slapd = Slapd::start().unwrap();
    let mut config = config(&slapd);
    config.servers = vec![server("starttls", slapd.address())];
    assert_eq!(log_in(&open(config), "hamlet", "hamlet-ldap").await, "unavailable");
}
