//! PostgreSQL by TLS: required unless the server is on this machine, and only with a certificate that is trusted.
#![cfg(test)]

use std::path::PathBuf;
use std::sync::Arc;

use auth_core::{RealmStore, SeededRng, StoreError};
use auth_store::{Postgres, PostgresConfig, PostgresOpenError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use test_postgres::{Cluster, Durability};

async fn open(config: PostgresConfig) -> Result<Postgres, PostgresOpenError> {
    Postgres::open(&config, Arc::new(SeededRng::new(7))).await
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn trusting(cluster: &Cluster, host: &str, authorities: Option<PathBuf>) -> PostgresConfig {
    let url = format!("postgres://postgres@{host}:{}/postgres?sslmode=require", cluster.port());
    PostgresConfig { authorities, ..PostgresConfig::new(url) }
}

/// Asserts that a store does not open, for a reason that is told in these words.
async fn refused(config: PostgresConfig, words: &str) {
    let error = open(config).await.expect_err(words);
    let PostgresOpenError::Failed(StoreError::Unavailable(said)) = error else {
        panic!("{words}: {error:?}")
    };
    assert!(said.contains(words), "{words}: {said}");
}

#[tokio::test]
async fn only_a_server_whose_certificate_is_trusted_is_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        Some(path)
    };
    let (ours, other) = (authority("ours"), authority("other"));
    let key = KeyPair::generate().unwrap();
    let certificate = params(&["localhost"]).signed_by(&key, &ours).unwrap();
    let cluster = Cluster::with_tls(&certificate.pem(), &key.serialize_pem()).unwrap();
    let (right, wrong) = (file("right.pem", ours.pem()), file("wrong.pem", other.pem()));
    let namesake = file("namesake.pem", authority("ours").pem());

    let store = open(trusting(&cluster, "localhost", right.clone())).await.unwrap();
    assert!(store.realms().await.unwrap().is_empty());
    for (config, words) in [
        (trusting(&cluster, "localhost", wrong), "signed by an authority that isn't trusted"),
        (trusting(&cluster, "localhost", namesake), "was one of the two made anew?"),
        (trusting(&cluster, "localhost", None), "signed by an authority that isn't trusted"),
        (trusting(&cluster, "127.0.0.1", right), "its certificate is for localhost, not for 127.0.0.1"),
    ] {
        refused(config, words).await;
    }
    let url = format!("postgres://postgres@localhost:{}/postgres", cluster.port());
    refused(PostgresConfig::new(url), "no connection").await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_pinned_and_no_other_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["server", "other"] {
        let done = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=a server"])
            .arg("-keyout")
            .arg(at(&format!("{name}.key")))
            .arg("-out")
            .arg(at(&format!("{name}.pem")))
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    let cluster = Cluster::with_tls(&read("server.pem"), &read("server.key")).unwrap();
    // It bears no name, so that none is checked.
    for host in ["localhost", "127.0.0.1"] {
        let store = open(trusting(&cluster, host, Some(at("server.pem")))).await.unwrap();
        assert!(store.realms().await.unwrap().is_empty(), "{host}");
    }
    let words = "its certificate is an authority's: that very certificate, in ca_file, would be accepted";
    refused(trusting(&cluster, "localhost", None), words).await;
    let error = open(trusting(&cluster, "localhost", Some(at("other.pem")))).await.unwrap_err();
    assert!(matches!(error, PostgresOpenError::Failed(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    assert!(open(PostgresConfig::new(format!("{url}?sslmode=require"))).await.is_err());
    assert!(open(PostgresConfig::new(url)).await.is_ok());
}
