//! A PostgreSQL store behind PgBouncer, in each of its modes.
#![cfg(test)]

use std::sync::Arc;

use auth_core::{ImportMode, NewRecord, OnConflict, UserStore};
use auth_core::{MetaStore, Realm, RealmId, RealmStore, SeededRng, StoreError};
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
    let mut realm = Realm::new(RealmId::from_bytes([number; 16]), &format!("realm-{number}"));
    realm.subdomain = None;
    let records = [Some(NewRecord::Realm(realm))];
    match store.import(Box::new(records.into_iter()), ImportMode::Write, OnConflict::Refuse, None).await {
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

#[tokio::test]
async fn in_transaction_mode_it_works_or_the_pooler_is_named_with_what_to_do() {
    // All clients share one connection of the server, and so its prepared statements.
    let (_pooler, url) = pooled(PoolMode::Transaction, 1);
    let first = open(&url).await;
    let second = open(&url).await;
    if Pooler::knows_prepared_statements().unwrap() {
        let (first, second) = (first.unwrap(), second.unwrap());
        for (number, store) in [(1, &first), (2, &second), (3, &first)] {
            write(store, number).await.unwrap();
        }
        assert_eq!(second.realms().await.unwrap().len(), 3);
    } else {
        let line = told(&second.unwrap_err());
        assert!(line.contains("42P05") || line.contains("26000"), "{line}");
        assert!(line.contains("a pooler in transaction mode mixes up prepared statements"), "{line}");
        assert!(line.contains("PgBouncer 1.21 or later with max_prepared_statements"), "{line}");
        assert!(!line.contains("record"), "no record is at fault: {line}");
    }
}

#[tokio::test]
async fn in_statement_mode_the_refusal_names_the_pooler_and_the_mode_to_use() {
    let (_pooler, url) = pooled(PoolMode::Statement, 4);
    let line = told(&open(&url).await.unwrap_err());
    assert!(line.contains("08P01") && line.contains("statement mode allows no transactions"), "{line}");
    assert!(line.contains("use its session mode") && !line.contains('\n'), "{line}");
}
