//! PostgreSQL by TLS: required unless the server is on this machine, and only with a certificate that is trusted.

use std::sync::Arc;

use auth_core::{RealmStore, SeededRng};
use auth_store::{Postgres, PostgresConfig, PostgresOpenError};
use rcgen::CertifiedKey;
use test_postgres::{Cluster, Durability};

async fn open(config: PostgresConfig) -> Result<Postgres, PostgresOpenError> {
    Postgres::open(&config, Arc::new(SeededRng::new(7))).await
}

#[tokio::test]
async fn only_a_server_whose_certificate_is_trusted_is_spoken_to() {
    let made = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = made();
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right.pem"), folder.path().join("wrong.pem"));
    std::fs::write(&right, cert.pem()).unwrap();
    std::fs::write(&wrong, made().cert.pem()).unwrap();
    let cluster = Cluster::with_tls(&cert.pem(), &signing_key.serialize_pem()).unwrap();
    let url = |host: &str, more: &str| {
        PostgresConfig::new(format!("postgres://postgres@{host}:{}/postgres{more}", cluster.port()))
    };

    let trusting = |host, more, authority| PostgresConfig { authorities: Some(authority), ..url(host, more) };
    let store = open(trusting("localhost", "?sslmode=require", right.clone())).await.unwrap();
    assert!(store.realms().await.unwrap().is_empty());

    for (refused, why) in [
        (trusting("localhost", "?sslmode=require", wrong), "another authority"),
        (url("localhost", "?sslmode=require"), "the system's authorities"),
        (trusting("127.0.0.1", "?sslmode=require", right), "another name"),
        (url("localhost", ""), "no TLS, since it is this machine"),
    ] {
        let error = open(refused).await.expect_err(why);
        assert!(matches!(error, PostgresOpenError::Failed(_)), "{why}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_asked_for() {
    let cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    assert!(open(PostgresConfig::new(format!("{url}?sslmode=require"))).await.is_err());
    assert!(open(PostgresConfig::new(url)).await.is_ok());
}
