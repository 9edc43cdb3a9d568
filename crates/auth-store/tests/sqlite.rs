//! The battery against SQLite, and tests of SQLite's own behaviour.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "the helpers of tests are no #[test]s")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use auth_core::testing::{RealmBuilder, UserBuilder};
use auth_core::{
    AttemptFilter, AttemptStore, ChangeFeed, Credential, CredentialId, CredentialKind, CredentialStore,
    Digest, ImportMode, LogPage, MetaStore, NewRecord, OnConflict, Scope, StoreError, Timestamp, UserStore,
};
use auth_store::{BackupError, OpenError, Sqlite};
use auth_store_battery::audit::does_nothing_whose_row_can_not_be_written;
use auth_store_battery::{Fixture, store_battery};
use rusqlite::Connection;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn file(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    fn refused(&self) -> OpenError {
        Sqlite::open(&self.file()).expect_err("a refusal")
    }
}

impl Fixture for Folder {
    type Store = Sqlite;

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<Sqlite> {
        Arc::new(Sqlite::open(&self.file()).unwrap())
    }
}

store_battery!(Folder);

#[tokio::test]
async fn a_disposable_store_is_one_like_others_when_it_is_opened_again() {
    let folder = Folder::empty();
    let store = Sqlite::open_disposable(&folder.file()).unwrap();
    store.set_meta_once("a", b"b").await.unwrap();
    drop(store);
    assert_eq!(folder.open().await.meta("a").await.unwrap().unwrap(), b"b");
}

#[tokio::test]
async fn files_are_for_their_owner_alone_and_closed_cleanly() {
    let folder = Folder::empty();
    let store = folder.open().await;
    store.set_meta_once("a", b"b").await.unwrap();
    let modes = || {
        let entries = fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| entry.metadata().unwrap().permissions().mode() & 0o777).collect::<Vec<_>>()
    };
    assert_eq!(modes(), [0o600; 3], "the file, its log, its shared memory");
    drop(store);
    assert_eq!(modes(), [0o600], "the log was worked in");
}

#[tokio::test]
async fn what_is_deleted_is_overwritten_also_in_pages_that_become_free() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let realm = RealmBuilder::new("main").build();
    let new = UserBuilder::new("iago").realm(realm.id).new_user(None);
    let user = new.user.id;
    // It fills pages of its own.
    let secret = |number: u8| (0..=250).cycle().take(9000).map(|byte: u8| number ^ byte).collect::<Vec<u8>>();
    let credential = |number: u8| Credential {
        id: CredentialId::from_bytes([number; 16]),
        user,
        kind: CredentialKind::TOTP,
        parent: None,
        digest: Some(Digest::new([number; 32])),
        sealed: Some(secret(number)),
        clear_only: false,
        scope: Scope::default(),
        label: None,
        origin: None,
        created: Timestamp::default(),
        expires: None,
        last_used: None,
        counter: 0,
    };
    let records = [NewRecord::from(realm), NewRecord::User(Box::new(new))].map(Some);
    store
        .import(
            Box::new(records.into_iter()),
            ImportMode::Write,
            OnConflict::Refuse,
            Box::new(|_, _| ()),
            None,
        )
        .await
        .unwrap();
    let count_found = || {
        let file = fs::read(folder.file()).unwrap();
        let is_in_file = |number: &u8| {
            let secret = secret(*number);
            file.windows(200).any(|bytes| bytes == &secret[2000..2200])
        };
        (1..20).filter(is_in_file).count()
    };
    for number in 1..20 {
        assert!(store.add(&credential(number), u32::MAX, None).await.unwrap());
    }
    drop(store);
    assert_eq!(count_found(), 19, "as long as they are there");
    let store = folder.open().await;
    assert_eq!(store.remove_of_user(user, &[CredentialKind::TOTP], None, None).await, Ok(19));
    drop(store);
    assert_eq!(count_found(), 0);
}

#[test]
fn refusals_to_open_tell_their_cause_in_a_line() {
    let missing = Sqlite::open(&Folder::empty().file().join("no/such/folder.db")).unwrap_err();
    assert!(matches!(missing, OpenError::CannotOpen(_)), "{missing:?}");

    let folder = Folder::empty();
    fs::create_dir(folder.file()).unwrap();
    let directory = folder.refused();
    assert!(matches!(directory, OpenError::CannotOpen(_)), "{directory:?}");

    let folder = Folder::empty();
    fs::write(folder.file(), "not a database, but long enough to be taken for one".repeat(99)).unwrap();
    let text = folder.refused();
    assert!(matches!(text, OpenError::NotADatabase), "{text:?}");

    let folder = Folder::empty();
    let other = Connection::open(folder.file()).unwrap();
    other.execute_batch("CREATE TABLE music (title)").unwrap();
    let foreign = folder.refused();
    assert!(matches!(foreign, OpenError::NotOurs), "{foreign:?}");

    let folder = Folder::empty();
    drop(Sqlite::open(&folder.file()).unwrap());
    let future = Connection::open(folder.file()).unwrap();
    future.pragma_update(None, "user_version", 1000).unwrap();
    drop(future);
    let newer = folder.refused();
    assert!(matches!(newer, OpenError::Newer { found: 1000, .. }), "{newer:?}");

    let folder = Folder::empty();
    let holder = Connection::open(folder.file()).unwrap();
    holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;").unwrap();
    let locked = folder.refused();
    assert!(matches!(locked, OpenError::Locked), "{locked:?}");

    for error in [missing, directory, text, foreign, newer, locked] {
        let line = error.to_string();
        assert!(line.len() > 10 && !line.contains(['\n', '/']), "{line}");
    }
}

#[tokio::test]
async fn a_writer_in_another_process_makes_writes_unavailable_and_reads_go_on() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let other = Connection::open(folder.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (refused, read) = tokio::join!(store.set_meta_once("a", b"b"), store.meta("a"));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(read, Ok(None));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.set_meta_once("a", b"b").await, Ok(b"b".to_vec()));
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_corrupt_not_fatal() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let other = Connection::open(folder.file()).unwrap();
    let row = "INSERT INTO attempt (at, door, realm, user, name, network, outcome) VALUES (1, ?1, ?2, NULL, 'secret', ?3, 'granted')";
    for (protocol, realm, client) in
        [("No Name!", vec![0; 16], "::"), ("zulip", vec![0; 3], "::"), ("zulip", vec![0; 16], "here")]
    {
        other.execute(row, (protocol, realm, client)).unwrap();
        let unread = store.attempts(&AttemptFilter::default(), LogPage::newest(9)).await.unwrap_err();
        assert!(matches!(&unread, StoreError::Corrupt(_)), "{unread:?}");
        assert!(!format!("{unread:?} {unread}").contains("secret"));
        assert_eq!(store.forget_attempts(Timestamp::from_secs(9)).await, Ok(1));
    }
}

#[tokio::test]
async fn an_attempt_by_an_unknown_protocol_is_read_as_it_is() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let other = Connection::open(folder.file()).unwrap();
    let row = "INSERT INTO attempt (at, door, realm, user, name, network, outcome) VALUES (1, 'hatch', ?1, NULL, 'secret', '::', 'granted')";
    other.execute(row, [vec![0; 16]]).unwrap();
    let read = store.attempts(&AttemptFilter::default(), LogPage::newest(9)).await.unwrap();
    assert_eq!(read.iter().map(|attempt| attempt.record.protocol.as_str()).collect::<Vec<_>>(), ["hatch"]);
}

#[tokio::test]
async fn changes_are_noticed_whoever_makes_them() {
    let folder = Folder::empty();
    let (store, other) = (folder.open().await, folder.open().await);
    let mut last = store.change_counter().await.unwrap();
    assert!(last.is_some());
    assert_eq!(store.change_counter().await, Ok(last));
    for (writer, name) in [(&store, "a"), (&other, "b"), (&other, "c"), (&store, "d")] {
        writer.set_meta_once(name, b"").await.unwrap();
        let now = store.change_counter().await.unwrap();
        assert_ne!(now, last, "{name}");
        last = now;
    }
    store.meta("a").await.unwrap();
    assert_eq!(store.change_counter().await, Ok(last), "reading changes nothing");
}

#[tokio::test]
async fn a_backup_is_a_store_and_never_overwrites() {
    let folder = Folder::empty();
    let store = folder.open().await;
    store.set_meta_once("a", b"b").await.unwrap();
    let copy = folder.0.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = store.backup(&copy).await.unwrap_err();
    assert!(matches!(refused, BackupError::Target(_)), "{refused:?}");
    let nowhere = store.backup(&folder.0.path().join("no/folder")).await.unwrap_err();
    assert!(matches!(nowhere, BackupError::Target(_)), "{nowhere:?}");
    drop(store);

    let copied = Sqlite::open(&copy).unwrap();
    assert_eq!(copied.meta("a").await, Ok(Some(b"b".to_vec())));
    assert_eq!(copied.integrity_check().await, Ok(vec![]));
}

#[tokio::test]
async fn an_integrity_check_finds_what_is_broken() {
    let folder = Folder::empty();
    drop(folder.open().await);
    let other = Connection::open(folder.file()).unwrap();
    other
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO login_name VALUES (0, 'a', x'00', 'A', 99, 0, 0);",
        )
        .unwrap();
    drop(other);
    let store = folder.open().await;
    assert_eq!(store.integrity_check().await, Ok(vec!["a row of login_name refers to nothing".into()]));
}

#[test]
fn many_may_open_a_new_store_at_once() {
    for _ in 0..8 {
        let folder = Folder::empty();
        std::thread::scope(|scope| {
            let opening = || Sqlite::open(&folder.file()).map(drop);
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(opening)).collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

#[tokio::test]
async fn nothing_is_done_whose_row_in_the_audit_log_can_not_be_written() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE (ABORT, 'full'); END";
    let break_table = async || Connection::open(folder.file()).unwrap().execute_batch(trigger).unwrap();
    does_nothing_whose_row_can_not_be_written(&*store, break_table).await;
}
