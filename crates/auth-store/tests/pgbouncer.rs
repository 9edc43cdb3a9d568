//! A PostgreSQL store behind PgBouncer, in each of its modes.
#![cfg(test)]

use std::sync::Arc;

use auth_core::{
    ImportMode, MetaStore, NewRecord, OnConflict, Realm, RealmId, RealmStore, SeededRng, StoreError,
    UserStore,
};
use auth_store::{Postgres, PostgresConfig, PostgresOpenError};
use test_postgres::{Cluster, PoolMode, Pooler};

/// A pooler before a new database, and the database's URL through it.
fn pooled(mode: PoolMode, connections: u32) -> (Pooler, String) {
    let cluster = Cluster::shared().unwrap();
    let pooler = Pooler::start(cluster, mode, connections).unwrap();
    let url = pooler.url(&cluster.database().unwrap());
    (pooler, url)
}

async fn open(url: &str) -> Result<Postgres, PostgresOpenError> {
    Postgres::open(&PostgresConfig::new(url), Arc::new(SeededRng::new(7))).await
}

/// Writes a realm in a transaction.
async fn write(store: &Postgres, number: u8) -> Result<(), StoreError> {
    let mut realm = Realm::new(RealmId::from_bytes([number; 16]), format!("realm-{number}"));
    realm.subdomain = None;
    let records = [Some(NewRecord::from(realm))];
    match store
        .import(
            Box::new(records.into_iter()),
            ImportMode::Write,
            OnConflict::Refuse,
            Box::new(|_, _| ()),
            None,
        )
        .await
    {
        Ok(_) => Ok(()),
        Err(failed) => Err(failed.error.unwrap()),
    }
}

/// The whole line that an operator reads of an opening that failed.
fn told(error: &PostgresOpenError) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

#[tokio::test]
async fn in_session_mode_everything_works() {
    let (_pooler, url) = pooled(PoolMode::Session, 40);
    let (one, two) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    assert!(one.is_new() && !two.is_new());
    for (number, store) in [(1, &one), (2, &two), (3, &one)] {
        write(store, number).await.unwrap();
        assert_eq!(store.set_meta_once("ring", &[number]).await.unwrap(), [1], "the first value stays");
    }
    assert_eq!(two.realms().await.unwrap().len(), 3);
}

/// Ends the server's connections to the database that a URL leads to. The pooler makes new ones, and keeps its clients.
fn end_connections(url: &str) {
    let cluster = Cluster::shared().unwrap();
    let of_database = format!("FROM pg_stat_activity WHERE datname = '{}'", url.rsplit('/').next().unwrap());
    cluster.sql(&format!("SELECT pg_terminate_backend(pid) {of_database}")).unwrap();
    while cluster.sql(&format!("SELECT count(*) {of_database}")).unwrap() != "0" {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn in_transaction_mode_it_works_or_the_pooler_is_named_with_what_to_do() {
    let (_pooler, url) = pooled(PoolMode::Transaction, 1);
    let store = open(&url).await.unwrap();
    write(&store, 1).await.unwrap();
    // A new connection of the server has none of the statements that the client has prepared.
    let mut told = None;
    for _ in 0..20 {
        assert!(told.is_none() && store.realms().await.is_ok());
        end_connections(&url);
        told = store.realms().await.err();
        if told.is_some() {
            break;
        }
    }
    if Pooler::knows_prepared_statements().unwrap() {
        assert_eq!(told, None);
    } else {
        let line = told.unwrap().to_string();
        assert!(line.starts_with("the store is unavailable: PostgreSQL says 26000"), "{line}");
        assert!(line.contains("a pooler in transaction mode mixes up prepared statements"), "{line}");
        assert!(line.contains("PgBouncer 1.21 or later with max_prepared_statements"), "{line}");
    }
}

#[tokio::test]
async fn in_statement_mode_the_refusal_names_the_pooler_and_the_mode_to_use() {
    let (_pooler, url) = pooled(PoolMode::Statement, 4);
    let line = told(&open(&url).await.unwrap_err());
    assert!(line.contains("08P01") && line.contains("statement mode allows no transactions"), "{line}");
    assert!(line.contains("use its session mode") && !line.contains('\n'), "{line}");
}
