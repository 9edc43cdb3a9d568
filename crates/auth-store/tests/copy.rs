//! Copies of whole stores, between SQLite and PostgreSQL in each direction.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "the helpers of tests are no #[test]s")]

#[path = "earlier/content.rs"]
mod content;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use auth_core::{
    Act, Actor, AuditFilter, AuditRecord, AuditStore, LogPage, MetaStore, SeededRng, Store, Timestamp,
};
use auth_store::{
    CopyEnd, CopyError, CopyReport, OpenError, Postgres, PostgresConfig, PostgresOpenError, Sqlite, StoreCopy,
};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use test_postgres::Cluster;

use crate::content::{fill, listed};

/// Rows of the kinds that [`fill`] leaves out, some tables with more than one batch, and text that PostgreSQL can't hold as
/// it is. Attempts of one moment are told apart by their order alone.
const MORE: &str = "
UPDATE user SET full_name = 'a' || char(0) || char(1) || 'b',
    external = '{\"ids\":{\"gitlab\":18446744073709551615,\"wiki\":\"w\"},\"roles\":{\"gitlab\":[\"owner\"]}}' WHERE zulip = 3;
INSERT INTO external_id SELECT number, 'gitlab', realm, -1, NULL FROM user WHERE zulip = 3;
INSERT INTO external_id SELECT number, 'wiki', realm, NULL, 'w' FROM user WHERE zulip = 3;
UPDATE credential SET parent = (SELECT number FROM credential WHERE id = zeroblob(15) || x'00' OR kind = 'web-session')
    WHERE kind = 'totp';
UPDATE credential SET parent = (SELECT number FROM credential WHERE kind = 'totp') WHERE kind = 'app-password';
UPDATE credential SET agent = 'x' || char(0), client = '192.0.2.1' WHERE kind = 'zulip-key';
UPDATE activity SET last_login = 7, last_use = -8 WHERE user = 1;
INSERT INTO network_rule VALUES ('192.0.2.0/24', 'ban', 9, 1, 'n' || char(0)), ('2001:db8::/64', 'allow', NULL, 2, '');
INSERT INTO user_group SELECT randomblob(16), id, 'Group' || char(1), 'group' || char(1), 'corp', 'cn=g', 5 FROM realm;
INSERT INTO membership SELECT g.id, u.id FROM user_group AS g JOIN user AS u ON u.realm = g.realm;
INSERT INTO import_mark SELECT 'zulip', randomblob(16), id, randomblob(16), randomblob(90) FROM user;
INSERT INTO import_mark VALUES ('csv', randomblob(16), NULL, randomblob(16), x'');
INSERT INTO admin_key SELECT randomblob(16), 'key ' || slug, randomblob(32), 'read', id, 1, 2, 3 FROM realm;
INSERT INTO admin_key VALUES (randomblob(16), 'all', randomblob(32), 'admin', NULL, 1, NULL, NULL);
INSERT INTO audit SELECT 10 + n, 1000 - n % 7, a, u, d, 'password-set', zeroblob(16), randomblob(16), 'detail ' || n, '192.0.2.1', 'zulip', 'r'
    FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 99) SELECT n FROM c)
    CROSS JOIN (SELECT 'operator' AS a, NULL AS u, NULL AS d);
INSERT INTO audit VALUES (900, -5, 'directory', NULL, 'corp' || char(0), 'password-set', NULL, NULL, '', NULL, NULL, '');
INSERT INTO attempt SELECT NULL, n / 200, 'zulip', zeroblob(16), NULL, 'name' || char(0), '192.0.2.1', 'try ' || (n * 7919 % 601)
    FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 600) SELECT n FROM c);
INSERT INTO spent SELECT randomblob(32), n
    FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 500) SELECT n FROM c);
";

/// Makes a store with rows of every kind.
async fn source(path: &Path) -> Arc<Sqlite> {
    let store = Sqlite::open(path).unwrap();
    fill(&store).await;
    Connection::open(path).unwrap().execute_batch(MORE).unwrap();
    Arc::new(store)
}

/// The rows of each table, with ids in place of the numbers that a store gives to users and credentials; the attempts in
/// their order.
fn dump(path: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(path).unwrap();
    let names = |query: &str| -> Vec<String> {
        let mut statement = connection.prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut tables = BTreeMap::new();
    for table in names("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let shown: Vec<String> = columns
            .iter()
            .map(|column| match (table.as_str(), column.as_str()) {
                ("login_name" | "external_id" | "credential" | "activity", "user") => {
                    format!("(SELECT id FROM user WHERE number = {table}.user)")
                }
                (_, "parent") => "(SELECT id FROM credential AS p WHERE p.number = credential.parent)".into(),
                ("user" | "credential" | "attempt", "number") => "NULL".into(),
                (_, column) => column.into(),
            })
            .collect();
        let order = if table == "attempt" { " ORDER BY at, number" } else { "" };
        let mut statement =
            connection.prepare(&format!("SELECT {} FROM {table}{order}", shown.join(", "))).unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            let value = |index| match row.get_ref(index).unwrap() {
                ValueRef::Text(text) => format!("{:?}", std::str::from_utf8(text).unwrap()),
                other => format!("{other:?}"),
            };
            Ok((0..columns.len()).map(value).collect::<Vec<_>>().join(" "))
        };
        let mut rows: Vec<String> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        if table != "attempt" {
            rows.sort();
        }
        tables.insert(table, rows);
    }
    tables
}

fn rng() -> Arc<SeededRng> {
    Arc::new(SeededRng::new(7))
}

async fn sqlite_target(path: &Path) -> CopyEnd {
    CopyEnd::Sqlite(Arc::new(Sqlite::open_for_copy(path).unwrap()))
}

async fn postgres_target(url: &str) -> CopyEnd {
    CopyEnd::Postgres(Arc::new(Postgres::open_for_copy(&PostgresConfig::new(url), rng()).await.unwrap()))
}

/// Copies to the end, without an interruption.
async fn copy(from: &CopyEnd, to: &CopyEnd) -> CopyReport {
    let mut copy = StoreCopy::begin(from, to).await.unwrap();
    while copy.step().await.unwrap().is_some() {}
    copy.finish(|_, _| ()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_goes_to_postgresql_and_back_with_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::shared().unwrap();
    let (first, back) = (folder.path().join("first.db"), folder.path().join("back.db"));
    let store = source(&first).await;
    let expected = dump(&first);
    for (table, rows) in &expected {
        assert!(!rows.is_empty(), "{table} has no row to copy");
    }
    let (url, second) = (cluster.database().unwrap(), cluster.database().unwrap());
    let there = copy(&CopyEnd::Sqlite(Arc::clone(&store)), &postgres_target(&url).await).await;
    let postgres = Arc::new(Postgres::open(&PostgresConfig::new(&url), rng()).await.unwrap());
    assert_eq!(listed(&*postgres).await, listed(&*store).await);
    assert_eq!(postgres.integrity_check().await.unwrap(), Vec::<String>::new());
    let across = copy(&CopyEnd::Postgres(Arc::clone(&postgres)), &postgres_target(&second).await).await;
    let second = Arc::new(Postgres::open(&PostgresConfig::new(&second), rng()).await.unwrap());
    let returned = copy(&CopyEnd::Postgres(second), &sqlite_target(&back).await).await;
    assert_eq!((&there, &there), (&across, &returned), "the digest doesn't depend on the store");
    let store = Sqlite::open(&back).unwrap();
    assert_eq!(store.integrity_check().await.unwrap(), Vec::<String>::new());
    drop(store);
    let found = dump(&back);
    for (table, rows) in &expected {
        assert_eq!(found[table], *rows, "{table}");
    }
    assert_eq!(found.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_within_sqlite_keeps_even_the_numbers_of_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.db"), folder.path().join("second.db"));
    let store = source(&first).await;
    copy(&CopyEnd::Sqlite(store), &sqlite_target(&second).await).await;
    let numbers = |path: &Path| -> Vec<(i64, Vec<u8>)> {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT number, id FROM user UNION ALL SELECT number, id FROM credential \
                 UNION ALL SELECT number, CAST(outcome AS BLOB) FROM attempt ORDER BY number, id",
            )
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(numbers(&second), numbers(&first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_interrupted_after_any_batch_is_carried_on_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::shared().unwrap();
    let first = folder.path().join("first.db");
    let from = CopyEnd::Sqlite(source(&first).await);
    let expected = dump(&first);
    let whole = copy(&from, &sqlite_target(&folder.path().join("whole.db")).await).await;
    let url = cluster.database().unwrap();
    let postgres = postgres_target(&url).await;
    assert_eq!(copy(&from, &postgres).await, whole);
    // Within SQLite: once, after so many batches.
    let mut batches = 0;
    loop {
        let path = folder.path().join(format!("{batches}.db"));
        let mut begun = StoreCopy::begin(&from, &sqlite_target(&path).await).await.unwrap();
        assert!(!begun.is_resumed());
        let mut is_done = false;
        for _ in 0..batches {
            is_done = begun.step().await.unwrap().is_none();
        }
        let rows = begun.rows();
        drop(begun);
        assert!(matches!(Sqlite::open(&path), Err(OpenError::UnfinishedCopy)));
        let to = sqlite_target(&path).await;
        let resumed = StoreCopy::begin(&from, &to).await.unwrap();
        assert!(resumed.is_resumed() && resumed.rows() == rows);
        drop(resumed);
        assert_eq!(copy(&from, &to).await, whole, "after {batches} batches");
        drop(to);
        drop(Sqlite::open(&path).unwrap());
        assert_eq!(dump(&path), expected, "after {batches} batches");
        if is_done {
            break;
        }
        batches += 1;
    }
    assert!(batches > 16, "{batches}");
    // From PostgreSQL: after each batch of one copy.
    let path = folder.path().join("from-postgres.db");
    let report = loop {
        let to = sqlite_target(&path).await;
        let mut copy = StoreCopy::begin(&postgres, &to).await.unwrap();
        if copy.step().await.unwrap().is_none() {
            break copy.finish(|_, _| ()).await.unwrap();
        }
    };
    assert_eq!(report, whole);
    assert_eq!(dump(&path), expected);
    // To PostgreSQL: the same.
    let config = PostgresConfig::new(cluster.database().unwrap());
    let report = loop {
        let to = postgres_target(&config.url).await;
        let mut copy = StoreCopy::begin(&from, &to).await.unwrap();
        if copy.step().await.unwrap().is_none() {
            break copy.finish(|_, _| ()).await.unwrap();
        }
        drop(copy);
        assert!(matches!(Postgres::open(&config, rng()).await, Err(PostgresOpenError::UnfinishedCopy)));
    };
    assert_eq!(report, whole);
    let store = Postgres::open(&config, rng()).await.unwrap();
    let CopyEnd::Sqlite(first) = &from else { unreachable!() };
    assert_eq!(listed(&store).await, listed(&**first).await);
}

fn act(at: i64) -> AuditRecord {
    AuditRecord {
        at: Timestamp::from_millis(at),
        actor: Actor::Operator,
        by: None,
        act: Act::PasswordSet,
        realm: None,
        user: None,
        detail: format!("at {at}"),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_goes_on_behind_what_was_copied() {
    async fn check(store: &impl Store) {
        // At the moment of the newest row that was copied: the number alone tells which is later.
        store.write_audit(&act(1000)).await.unwrap();
        let newest = store.audit_rows(&AuditFilter::default(), LogPage::newest(1)).await.unwrap();
        assert_eq!(newest[0].record.detail, "at 1000");
    }
    let folder = tempfile::tempdir().unwrap();
    let url = Cluster::shared().unwrap().database().unwrap();
    let from = CopyEnd::Sqlite(source(&folder.path().join("first.db")).await);
    copy(&from, &postgres_target(&url).await).await;
    let postgres = Arc::new(Postgres::open(&PostgresConfig::new(&url), rng()).await.unwrap());
    check(&*postgres).await;
    let back = folder.path().join("back.db");
    copy(&CopyEnd::Postgres(postgres), &sqlite_target(&back).await).await;
    check(&Sqlite::open(&back).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_with_other_content_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::shared().unwrap();
    let from = CopyEnd::Sqlite(source(&folder.path().join("first.db")).await);
    let path = folder.path().join("other.db");
    let other = Sqlite::open(&path).unwrap();
    other.set_meta_once("ring", b"other").await.unwrap();
    drop(other);
    let before = dump(&path);
    let refused = StoreCopy::begin(&from, &sqlite_target(&path).await).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty), "{refused:?}");
    assert_eq!(dump(&path), before);
    let config = PostgresConfig::new(cluster.database().unwrap());
    let other = Postgres::open(&config, rng()).await.unwrap();
    other.write_audit(&act(1)).await.unwrap();
    let refused = StoreCopy::begin(&from, &postgres_target(&config.url).await).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty), "{refused:?}");
    // A store of an earlier version is not even brought up to date.
    let old = folder.path().join("old.db");
    Connection::open(&old).unwrap().execute_batch(include_str!("earlier/sqlite-6.sql")).unwrap();
    assert!(matches!(Sqlite::open_for_copy(&old), Err(OpenError::NotEmpty)));
    assert!(Sqlite::open_unchanged(&old).unwrap().pending_upgrade().is_some());
    let url = cluster.database().unwrap();
    cluster.sql_in(url.rsplit('/').next().unwrap(), include_str!("earlier/postgres-6.sql")).unwrap();
    let old = PostgresConfig::new(url);
    assert!(matches!(Postgres::open_for_copy(&old, rng()).await, Err(PostgresOpenError::NotEmpty)));
    assert!(Postgres::open_unchanged(&old, rng()).await.unwrap().pending_upgrade().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_between_two_runs_is_told_at_their_beginning_or_at_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let (first, path) = (folder.path().join("first.db"), folder.path().join("copy.db"));
    let from = CopyEnd::Sqlite(source(&first).await);
    let change = |statement: &str| Connection::open(&first).unwrap().execute_batch(statement).unwrap();
    let to = sqlite_target(&path).await;
    let mut begun = StoreCopy::begin(&from, &to).await.unwrap();
    while begun.step().await.unwrap().is_some() {}
    // Within a run nothing that is written meanwhile is seen.
    change("INSERT INTO spent VALUES (zeroblob(32), 1)");
    drop(begun);
    let refused = StoreCopy::begin(&from, &to).await.unwrap_err();
    assert!(matches!(refused, CopyError::Changed), "{refused:?}");
    change(
        "DELETE FROM spent WHERE digest = zeroblob(32); UPDATE user SET full_name = 'other' WHERE zulip = 1",
    );
    let resumed = StoreCopy::begin(&from, &to).await.unwrap();
    let refused = resumed.finish(|_, _| ()).await.unwrap_err();
    assert!(matches!(refused, CopyError::Differs("users")), "{refused:?}");
    drop(to);
    assert!(matches!(Sqlite::open(&path), Err(OpenError::UnfinishedCopy)), "and no server takes it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_copies_to_one_target_one_writes() {
    let folder = tempfile::tempdir().unwrap();
    let from = CopyEnd::Sqlite(source(&folder.path().join("first.db")).await);
    let to = sqlite_target(&folder.path().join("copy.db")).await;
    let mut one = StoreCopy::begin(&from, &to).await.unwrap();
    let mut other = StoreCopy::begin(&from, &to).await.unwrap();
    one.step().await.unwrap();
    let refused = other.step().await.unwrap_err();
    assert!(matches!(refused, CopyError::Busy), "{refused:?}");
    while one.step().await.unwrap().is_some() {}
    one.finish(|_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_with_rows_that_belong_to_nobody_is_told_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first.db");
    let from = CopyEnd::Sqlite(source(&first).await);
    Connection::open(&first)
        .unwrap()
        .execute_batch("PRAGMA foreign_keys = OFF; UPDATE login_name SET user = 99 WHERE folded = 'ann' AND exact = 'ann'")
        .unwrap();
    let to = sqlite_target(&folder.path().join("copy.db")).await;
    let mut copy = StoreCopy::begin(&from, &to).await.unwrap();
    while copy.step().await.unwrap().is_some() {}
    let refused = copy.finish(|_, _| ()).await.unwrap_err();
    assert!(matches!(refused, CopyError::Damaged("login names")), "{refused:?}");
}
