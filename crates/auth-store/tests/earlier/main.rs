//! Stores of earlier versions of the schema: each is brought up to date, and reads as it did before.
//!
//! `content.txt` lists what [`fill`] writes. Beside it are stores that each earlier version filled in this way, as
//! `sqlite3 FILE .dump` and `pg_dump --inserts` write them. Before a version is added, a store of the present one is
//! dumped.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the helpers of tests are no #[test]s"
)]

mod content;

use std::sync::Arc;

use auth_core::{SeededRng, Store};
use auth_store::{Postgres, PostgresConfig, Sqlite};
use rusqlite::Connection;
use test_postgres::Cluster;

use crate::content::{everybody, fill, listed};

const CONTENT: &str = include_str!("content.txt");

/// Stores of SQLite, by the version that wrote them.
const SQLITE: [&str; 3] =
    [include_str!("sqlite-1.sql"), include_str!("sqlite-2.sql"), include_str!("sqlite-3.sql")];

/// Stores of PostgreSQL, by the version that wrote them.
const POSTGRES: [&str; 3] =
    [include_str!("postgres-1.sql"), include_str!("postgres-2.sql"), include_str!("postgres-3.sql")];

/// What is listed of a store that an earlier version wrote. Up to version 3 app passwords lay under SHA-256 of themselves,
/// which clients may present. Now the digest is another one, and the old one opens nothing.
fn content_of(version: usize) -> String {
    let app_password = |line: &str| {
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            &[&b"auth-server app password"[..], &[13; 32]].concat(),
        );
        let digest = format!("digest {}", digest.as_ref()[0]);
        format!("{}, in the clear alone", line.replacen("digest 13", &digest, 1))
    };
    let is_older = version <= 3;
    let line = |line: &str| match line {
        line if is_older && line.starts_with("credential: app-password") => app_password(line) + "\n",
        line => format!("{line}\n"),
    };
    CONTENT.lines().map(line).collect()
}

/// Checks that a store holds what is expected, and that nothing is left of users that are deleted.
async fn check(store: &impl Store, content: &str, which: &str) {
    let found = listed(store).await;
    assert_eq!(found, content, "{which}");
    for user in everybody(store).await {
        assert!(store.delete(user, None).await.unwrap(), "{which}");
    }
    let left = listed(store).await;
    let is_of_a_user = |line: &&str| line.starts_with("user") || line.starts_with("credential");
    assert_eq!(left.lines().find(is_of_a_user), None, "{which}");
    fill(store).await;
    assert!(listed(store).await.contains("user"), "{which}: what was deleted leaves no trace in the way");
}

async fn postgres(url: &str) -> Postgres {
    Postgres::open(&PostgresConfig::new(url), Arc::new(SeededRng::new(7))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_sqlite_reads_as_the_version_that_wrote_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let new = Sqlite::open(&folder.path().join("new.db")).unwrap();
    fill(&new).await;
    check(&new, CONTENT, "this version").await;
    for (version, dump) in (1..).zip(SQLITE) {
        let file = folder.path().join(format!("{version}.db"));
        Connection::open(&file).unwrap().execute_batch(dump).unwrap();
        let store = Sqlite::open(&file).unwrap();
        assert_eq!(store.integrity_check().await, Ok(vec![]), "version {version}");
        check(&store, &content_of(version), &format!("version {version}")).await;
        assert_eq!(store.integrity_check().await, Ok(vec![]), "version {version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_postgresql_reads_as_the_version_that_wrote_it_did() {
    let cluster = Cluster::shared().unwrap();
    let new = postgres(&cluster.database().unwrap()).await;
    fill(&new).await;
    check(&new, CONTENT, "this version").await;
    for (version, dump) in (1..).zip(POSTGRES) {
        let url = cluster.database().unwrap();
        let name = url.rsplit('/').next().expect("a database").to_owned();
        cluster.sql_in(&name, dump).unwrap();
        check(&postgres(&url).await, &content_of(version), &format!("version {version}")).await;
    }
}
