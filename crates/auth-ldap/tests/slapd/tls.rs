//! StartTLS and LDAPS, with a CA of the operator's own.

use auth_conformance::slapd::Slapd;
use auth_core::Password;
use auth_outbound::relay::Relay;

use crate::fixture::{config, log_in, open, realm, server};

#[tokio::test(flavor = "multi_thread")]
async fn tls_connects_only_to_a_certificate_of_the_trusted_ca() {
    let slapd = Slapd::start().unwrap();
    let other = Slapd::start().unwrap();
    let elsewhere = Relay::at([127, 0, 0, 2].into(), slapd.tls_address()).await.unwrap();
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
        (server("ldaps", elsewhere.address()), true, "unavailable"),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_certificate_is_pinned_and_no_other_is() {
    let (slapd, other) = (Slapd::self_signed().unwrap(), Slapd::self_signed().unwrap());
    let port = |address: std::net::SocketAddr| format!("localhost:{}", address.port());
    for (server, trusted, expected) in [
        (server("starttls", slapd.address()), &slapd, "hamlet"),
        (server("ldaps", slapd.tls_address()), &slapd, "hamlet"),
        // The certificate bears no name that could be checked.
        (server("ldaps", port(slapd.tls_address())), &slapd, "hamlet"),
        (server("ldaps", slapd.tls_address()), &other, "unavailable"),
        (server("starttls", slapd.address()), &other, "unavailable"),
    ] {
        let mut config = config(&slapd);
        config.ca_certificates = Some(std::fs::read(trusted.authority()).unwrap());
        config.servers = vec![server.clone()];
        assert_eq!(log_in(&open(config), "hamlet", "hamlet-ldap").await, expected, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_tls_are_told_in_words() {
    let (slapd, other, own) =
        (Slapd::start().unwrap(), Slapd::start().unwrap(), Slapd::self_signed().unwrap());
    let elsewhere = Relay::at([127, 0, 0, 2].into(), slapd.tls_address()).await.unwrap();
    for (server, trusted, words) in [
        (server("ldaps", slapd.tls_address()), &own, "signed by an authority that isn't trusted"),
        (
            server("ldaps", own.tls_address()),
            &slapd,
            "its certificate is an authority's: that very certificate, in ca_file",
        ),
        (
            server("ldaps", slapd.tls_address()),
            &other,
            "signed by another key than that of the trusted authority of this name",
        ),
        (
            server("ldaps", elsewhere.address()),
            &slapd,
            "its certificate is for localhost, 127.0.0.1, auth.example.org, not for 127.0.0.2",
        ),
        (server("ldaps", slapd.address()), &slapd, "it ended the connection during the TLS handshake"),
    ] {
        let mut config = config(&slapd);
        config.ca_certificates = Some(std::fs::read(trusted.authority()).unwrap());
        config.servers = vec![server.clone()];
        let trace =
            open(config).trace_login(&realm("zulip"), "hamlet", Some(&Password::new("hamlet-ldap"))).await;
        let said = format!("{}\n{}", trace.steps.join("\n"), trace.result.unwrap_err());
        assert!(said.contains(words), "{server:?}: {said}");
        assert!(!said.contains("OtherError") && !said.contains("Context"), "{said}");
    }
}
