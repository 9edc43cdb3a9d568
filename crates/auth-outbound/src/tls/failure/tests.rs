//! Handshakes between rustls clients and servers in memory, and what is said of those that fail.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::*;
use crate::client_config;

/// A server's certificates and its key, and what a client is told to trust.
struct Case {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
    trusted: String,
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// As `openssl req -x509` makes it: signed by itself, marked as an authority's, and without a name to check.
fn openssl_default() -> CertificateParams {
    let mut made = params(&[]);
    made.distinguished_name.push(DnType::CommonName, "whatever");
    made.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    made
}

fn self_signed(params: CertificateParams) -> Case {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Case { chain: vec![certificate.der().clone()], key, trusted: certificate.pem() }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed(params: &CertificateParams, issuer: &Issuer<'_, KeyPair>, trusted: String) -> Case {
    let key = KeyPair::generate().unwrap();
    Case { chain: vec![params.clone().signed_by(&key, issuer).unwrap().der().clone()], key, trusted }
}

/// The words about a handshake with the server, called `localhost`; `None` if it succeeds.
fn handshake(case: &Case) -> Option<String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(case.key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(case.chain.clone(), key).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let config = client_config(Some(case.trusted.as_bytes())).unwrap();
    let mut client = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    loop {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        let mut rest = flight.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut answer = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answer).unwrap();
        }
        if answer.is_empty() && !client.is_handshaking() {
            return None;
        }
        let mut rest = answer.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            if let Err(error) = client.process_new_packets() {
                // As streams wrap it.
                let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
                return Some(describe_tls_failure(&wrapped).unwrap());
            }
        }
        if !client.is_handshaking() && !client.wants_write() {
            return None;
        }
    }
}

#[test]
fn a_certificate_in_the_file_is_pinned_and_others_are_refused_in_words() {
    let (ours, other) = (authority("ours"), authority("theirs"));
    let good = params(&["localhost"]);
    let mut expired = good.clone();
    (expired.not_before, expired.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2001, 2, 1));
    let mut early = good.clone();
    (early.not_before, early.not_after) = (date_time_ymd(2900, 1, 1), date_time_ymd(2901, 1, 1));
    let mut expired_pin = openssl_default();
    (expired_pin.not_before, expired_pin.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2001, 2, 1));
    let mut client_only = good.clone();
    client_only.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let another = |case: Case| Case { trusted: ours.pem(), ..case };
    let elsewhere = params(&["db1.example.org", "db2.example.org", "192.0.2.7", "db3.example.org"]);
    for (case, words) in [
        (signed(&good, &ours, ours.pem()), None),
        // Pinned: marked as an authority's, of no name or another, or signed by somebody who isn't trusted.
        (self_signed(openssl_default()), None),
        (self_signed(good.clone()), None),
        (self_signed(params(&["elsewhere.example.org"])), None),
        {
            let mut leaf = signed(&good, &other, String::new());
            leaf.trusted = pem_of(&leaf.chain[0]);
            (leaf, None)
        },
        // Pinned, and out of date.
        (self_signed(expired_pin), Some("its certificate has expired, ")),
        // The same kind of certificate, but another one.
        (
            another(self_signed(openssl_default())),
            Some("its certificate is an authority's: that very certificate, in ca_file"),
        ),
        (another(self_signed(good.clone())), Some("signed by an authority that isn't trusted")),
        (signed(&good, &other, ours.pem()), Some("signed by an authority that isn't trusted")),
        (signed(&good, &other, authority("theirs").pem()), Some("was one of the two made anew?")),
        (
            signed(&params(&["db.example.org"]), &ours, ours.pem()),
            Some("its certificate is for db.example.org, not for localhost"),
        ),
        (
            signed(&elsewhere, &ours, ours.pem()),
            Some("for db1.example.org, db2.example.org, 192.0.2.7 and 1 others"),
        ),
        (signed(&params(&[]), &ours, ours.pem()), Some("its certificate is for no name, not for localhost")),
        (signed(&expired, &ours, ours.pem()), Some("its certificate has expired, ")),
        (signed(&early, &ours, ours.pem()), Some("its certificate is not valid yet")),
        (signed(&client_only, &ours, ours.pem()), Some("its certificate is not one for servers")),
    ] {
        let said = handshake(&case);
        match words {
            None => assert_eq!(said, None),
            Some(words) => {
                assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{words}: {said:?}");
            }
        }
    }
}

#[test]
fn of_a_pinned_certificate_its_own_dates_alone_count() {
    let root = authority("root");
    let out_of_date = [(2001, 2002), (2900, 2901)];
    for (from, until) in out_of_date {
        let mut between = params(&[]);
        between.distinguished_name.push(DnType::CommonName, "between");
        between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (between.not_before, between.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let between = CertifiedIssuer::signed_by(between, KeyPair::generate().unwrap(), &root).unwrap();
        let chained = |leaf: &CertificateParams| {
            let mut case = signed(leaf, &between, String::new());
            case.trusted = pem_of(&case.chain[0]);
            case.chain.push(between.der().clone());
            case
        };
        let mut pinned = chained(&params(&["elsewhere.example.org"]));
        assert_eq!(handshake(&pinned), None, "until {until}");
        // With its authority in the file too.
        pinned.trusted += &root.pem();
        assert_eq!(handshake(&pinned), None, "until {until}");
        let by_authority = Case { trusted: root.pem(), ..chained(&params(&["localhost"])) };
        assert!(handshake(&by_authority).is_some(), "until {until}: it vouches for nothing");
        for (from, until) in out_of_date {
            let mut own = params(&["localhost"]);
            (own.not_before, own.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
            let said = handshake(&chained(&own)).unwrap();
            let expected = if until < 2900 { "has expired, " } else { "is not valid yet" };
            assert!(said.contains(expected), "{said}");
        }
    }
}

/// A certificate as a file holds it.
fn pem_of(certificate: &CertificateDer<'_>) -> String {
    let base64 = data_encoding::BASE64.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

#[test]
fn plain_text_where_tls_was_expected_is_told_as_such() {
    let made = self_signed(openssl_default());
    for greeting in [
        &b"220 mail.example.org ESMTP\r\n"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"0\x0c\x02\x01\x00x\x07\n\x01\x02\x04\x00\x04\x00",
    ] {
        let config = client_config(Some(made.trusted.as_bytes())).unwrap();
        let mut client = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
        client.write_tls(&mut io::sink()).unwrap();
        client.read_tls(&mut { greeting }).unwrap();
        let error = client.process_new_packets().unwrap_err();
        let said = describe_tls_failure(&error).unwrap();
        assert!(said.starts_with("it answers in plain text where TLS was expected"), "{said} ({error:?})");
    }
}

#[test]
fn other_failures_and_other_errors() {
    for (failure, words) in [
        (Error::AlertReceived(AlertDescription::CertificateRequired), "it asks for a client's certificate"),
        (Error::AlertReceived(AlertDescription::ProtocolVersion), "it speaks neither TLS 1.2 nor TLS 1.3"),
        (Error::AlertReceived(AlertDescription::HandshakeFailure), "no algorithm in common"),
        (Error::AlertReceived(AlertDescription::InternalError), "with the alert InternalError"),
        (Error::NoCertificatesPresented, "it shows no certificate"),
        (Error::DecryptError, "it breaks the rules of TLS"),
        (Error::InvalidCertificate(CertificateError::Revoked), "is revoked"),
        (Error::InvalidCertificate(CertificateError::BadSignature), "signed by another key"),
    ] {
        let said = describe_tls_failure(&failure).unwrap();
        assert!(said.contains(words), "{said}");
    }
    let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
    assert!(describe_tls_failure(&eof).unwrap().contains("ended the connection during the TLS handshake"));
    for other in [io::Error::other("something"), io::Error::from(io::ErrorKind::ConnectionRefused)] {
        assert_eq!(describe_tls_failure(&other), None);
    }
}
