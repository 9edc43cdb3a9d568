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

use auth_core::{Activity, Actor, AuditFilter, LogPage, Revocation, SeededRng, Store, Timestamp, UserId};
use auth_store::{OpenError, PendingUpgrade, Postgres, PostgresConfig, PostgresOpenError, Sqlite};
use rusqlite::Connection;
use test_postgres::Cluster;

use crate::content::{everybody, fill, listed};

const CONTENT: &str = include_str!("content.txt");

/// Stores of SQLite, by the version that wrote them.
const SQLITE: [&str; 7] = [
    include_str!("sqlite-1.sql"),
    include_str!("sqlite-2.sql"),
    include_str!("sqlite-3.sql"),
    include_str!("sqlite-4.sql"),
    include_str!("sqlite-5.sql"),
    include_str!("sqlite-6.sql"),
    include_str!("sqlite-7.sql"),
];

/// Stores of PostgreSQL, by the version that wrote them.
const POSTGRES: [&str; 7] = [
    include_str!("postgres-1.sql"),
    include_str!("postgres-2.sql"),
    include_str!("postgres-3.sql"),
    include_str!("postgres-4.sql"),
    include_str!("postgres-5.sql"),
    include_str!("postgres-6.sql"),
    include_str!("postgres-7.sql"),
];

/// What is listed of a store that an earlier version wrote. Up to version 3 app passwords lay under SHA-256 of themselves,
/// which clients may present. Now the digest is another one, and the old one opens nothing. Up to version 4 nobody knew the
/// owner of a bot, and up to version 5 where a credential was made, a language, or which realm demands a second factor.
fn content_of(version: usize) -> String {
    let app_password = |line: &str| {
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            &[&b"auth-server app password"[..], &[13; 32]].concat(),
        );
        let digest = format!("digest {}", digest.as_ref()[0]);
        format!("{}, in the clear alone", line.replacen("digest 13", &digest, 1))
    };
    let line = |line: &str| match line {
        line if version <= 3 && line.starts_with("credential: app-password") => app_password(line) + "\n",
        line => format!("{line}\n"),
    };
    let content: String = CONTENT.lines().map(line).collect();
    let content = match version {
        ..=4 => content.replace("bot_owner: Some(3)", "bot_owner: None"),
        _ => content,
    };
    if version > 5 {
        return content;
    }
    content
        .replace(", made at Origin { client: ClientKey(192.0.2.9), agent: Some(\"test/1\") }", "")
        .replace("language: Some(German)", "language: None")
        .replace("require_second_factor: true", "require_second_factor: false")
}

/// Checks the rows of the audit log that version 6 has written: one by each actor that it knew.
async fn check_audit(store: &impl Store) {
    let user = UserId::from_bytes([3; 16]);
    let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
    let rows = store.audit_rows(&filter, LogPage::oldest(9)).await.unwrap();
    let told: Vec<(Actor, &str)> =
        rows.iter().map(|row| (row.record.actor.clone(), row.record.detail.as_str())).collect();
    let expected = [
        (Actor::Owner, "row 70"),
        (Actor::User(UserId::from_bytes([2; 16])), "row 71"),
        (Actor::MailedLink, "row 72"),
        (Actor::Directory("corp".into()), "row 73"),
        (Actor::Operator, "row 74"),
    ];
    assert_eq!(told, expected);
}

/// Checks that it is known when users were last seen: when they were created, had logged in, or used a credential.
async fn check_activity(store: &impl Store, version: usize) {
    let ids = [1, 2, 3].map(|number| UserId::from_bytes([number; 16]));
    let mut found = store.activities(&ids).await.unwrap();
    found.sort_by_key(|(id, _)| *id);
    let at = |secs: i64| Timestamp::from_secs(1_700_000_000 + secs);
    let seen = |last_login, last_use, seen| Activity { last_login, last_use, seen: at(seen) };
    let expected = [seen(None, Some(at(9)), 9), seen(None, None, 2), seen(Some(at(60)), None, 60)];
    assert_eq!(found, ids.into_iter().zip(expected).collect::<Vec<_>>(), "version {version}");
}

/// Checks that a store holds what is expected, and that nothing is left of users that are deleted.
async fn check(store: &impl Store, content: &str, which: &str) {
    let found = listed(store).await;
    assert_eq!(found, content, "{which}");
    for user in everybody(store).await {
        assert!(store.delete(user, &Revocation::NOTHING, None).await.unwrap(), "{which}");
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
        check_activity(&store, version).await;
        if version == 6 {
            check_audit(&store).await;
        }
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
        let store = postgres(&url).await;
        check_activity(&store, version).await;
        if version == 6 {
            check_audit(&store).await;
        }
        check(&store, &content_of(version), &format!("version {version}")).await;
    }
}

/// Checks that a store that was opened unchanged tells of its upgrade, and that its realms and values can be read.
async fn check_unchanged(store: &impl Store, pending: Option<PendingUpgrade>, version: usize, content: &str) {
    let PendingUpgrade { from, to } = pending.unwrap();
    assert!(from == version && to > version, "{from} {to}");
    let realms: Vec<String> =
        store.realms().await.unwrap().iter().map(|realm| format!("{realm:?}")).collect();
    let expected: Vec<&str> = content.lines().filter(|line| line.starts_with("Realm")).collect();
    assert_eq!(realms, expected, "version {version}");
    assert_eq!(store.meta("ring").await, Ok(Some(vec![0, 1, 255])), "version {version}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_sqlite_that_is_opened_unchanged_stays_of_its_version() {
    let folder = tempfile::tempdir().unwrap();
    for (version, dump) in (1..).zip(SQLITE) {
        let file = folder.path().join(format!("{version}.db"));
        Connection::open(&file).unwrap().execute_batch(dump).unwrap();
        let before = std::fs::read(&file).unwrap();
        let store = Sqlite::open_unchanged(&file).unwrap();
        check_unchanged(&store, store.pending_upgrade(), version, &content_of(version)).await;
        let copy = folder.path().join(format!("{version}.copy"));
        store.backup(&copy).await.unwrap();
        drop(store);
        assert_eq!(std::fs::read(&file).unwrap(), before, "version {version}");
        let copied = Sqlite::open_unchanged(&copy).unwrap();
        check_unchanged(&copied, copied.pending_upgrade(), version, &content_of(version)).await;
    }
    let missing = folder.path().join("missing.db");
    assert!(matches!(Sqlite::open_unchanged(&missing), Err(OpenError::Missing)));
    assert!(!missing.exists());
    let new = folder.path().join("new.db");
    drop(Sqlite::open(&new).unwrap());
    assert_eq!(Sqlite::open_unchanged(&new).unwrap().pending_upgrade(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_postgresql_that_is_opened_unchanged_stays_of_its_version() {
    let cluster = Cluster::shared().unwrap();
    let rng = || Arc::new(SeededRng::new(7));
    for (version, dump) in (1..).zip(POSTGRES) {
        let url = cluster.database().unwrap();
        let name = url.rsplit('/').next().expect("a database").to_owned();
        cluster.sql_in(&name, dump).unwrap();
        for _ in 0..2 {
            let store = Postgres::open_unchanged(&PostgresConfig::new(&url), rng()).await.unwrap();
            check_unchanged(&store, store.pending_upgrade(), version, &content_of(version)).await;
        }
    }
    let new = PostgresConfig::new(cluster.database().unwrap());
    for _ in 0..2 {
        let missing = Postgres::open_unchanged(&new, rng()).await;
        assert!(matches!(missing, Err(PostgresOpenError::Missing)), "and nothing is created");
    }
    drop(Postgres::open(&new, rng()).await.unwrap());
    assert_eq!(Postgres::open_unchanged(&new, rng()).await.unwrap().pending_upgrade(), None);
}
