//! The battery against PostgreSQL, and tests of PostgreSQL's own behaviour.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "the helpers of tests are no #[test]s")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    AttemptFilter, AttemptStore, ByProtocol, ChangeFeed, ChangeListener, CredentialId, CredentialKind,
    CredentialStore, Digest, ImportMode, LogPage, MetaStore, NewRecord, NewUser, OnConflict, PasswordString,
    Quota, Realm, RealmId, Revocation, Role, SeededRng, SharedAttempts, SharedCounter, Store, StoreError,
    Timestamp, User, UserId, UserStore,
};
use auth_store::{Postgres, PostgresConfig, PostgresOpenError};
use auth_store_battery::{self as battery, Fixture, shared_store_battery, store_battery};
use test_postgres::Cluster;
use tokio::task::JoinSet;

/// A database of its own in the cluster that all tests share.
struct Database(String);

impl Database {
    fn config(&self) -> PostgresConfig {
        PostgresConfig::new(&self.0)
    }
}

impl Fixture for Database {
    type Store = Postgres;

    fn empty() -> Self {
        Self(Cluster::shared().unwrap().database().unwrap())
    }

    async fn open(&self) -> Arc<Postgres> {
        let rng = Arc::new(SeededRng::new(7));
        Arc::new(Postgres::open(&self.config(), rng).await.unwrap())
    }
}

store_battery!(Database);
shared_store_battery!(Database);

async fn sql(database: &Database, statement: &str) -> String {
    let (name, statement) = (database.0.rsplit('/').next().unwrap().to_owned(), statement.to_owned());
    tokio::task::spawn_blocking(move || Cluster::shared().unwrap().sql_in(&name, &statement).unwrap())
        .await
        .unwrap()
}

async fn refused(config: PostgresConfig) -> PostgresOpenError {
    Postgres::open(&config, Arc::new(SeededRng::new(7))).await.expect_err("a refusal")
}

#[tokio::test]
async fn database_that_is_not_utf8_is_refused_and_left_untouched() {
    for (database, encoding) in [("latin", "LATIN1"), ("ascii", "SQL_ASCII")] {
        let cluster = Cluster::shared().unwrap();
        let create =
            format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        let created = tokio::task::spawn_blocking(move || cluster.sql(&create));
        created.await.unwrap().unwrap();
        let database = Database(cluster.url(database));
        let error = refused(database.config()).await;
        let told = format!("the database's encoding is {encoding}: create a database with ENCODING 'UTF8'");
        assert_eq!(error.to_string(), told);
        let tables = sql(&database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await;
        assert_eq!(tables, "0");
    }
}

#[tokio::test]
async fn refusals_to_open_tell_their_cause_in_a_line() {
    let url = refused(PostgresConfig::new("postgres://user:se cret@[")).await;
    assert!(matches!(url, PostgresOpenError::Url(_)), "{url:?}");
    let closed = refused(PostgresConfig::new("postgres://user:secret@127.0.0.1:1/db")).await;
    assert!(matches!(closed, PostgresOpenError::Failed(StoreError::Unavailable(_))), "{closed:?}");

    let authorities = Database::empty();
    let missing = PostgresConfig { authorities: Some("/no/such/secret.pem".into()), ..authorities.config() };
    let authorities = refused(missing).await;
    assert!(matches!(authorities, PostgresOpenError::Authorities(_)), "{authorities:?}");

    let foreign = Database::empty();
    sql(&foreign, "CREATE TABLE account (music text)").await;
    let foreign = refused(foreign.config()).await;
    assert!(matches!(foreign, PostgresOpenError::NotOurs), "{foreign:?}");

    let future = Database::empty();
    drop(future.open().await);
    sql(&future, "UPDATE auth_server_schema SET version = 1000").await;
    let newer = refused(future.config()).await;
    assert!(matches!(newer, PostgresOpenError::Newer { found: 1000, .. }), "{newer:?}");
    let untouched = sql(&future, "SELECT version FROM auth_server_schema").await;
    assert_eq!(untouched, "1000");

    for error in [url, closed, authorities, foreign, newer] {
        let line = format!("{error} {error:?}");
        assert!(line.len() > 10 && !line.contains('\n') && !line.contains("cret@"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_store_at_once() {
    for _ in 0..4 {
        let database = Arc::new(Database::empty());
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let database = Arc::clone(&database);
            tasks.spawn(async move { database.open().await.set_meta_once("ring", &[1]).await.unwrap() });
        }
        assert_eq!(tasks.join_all().await, vec![vec![1]; 8]);
        assert_eq!(sql(&database, "SELECT count(*) FROM auth_server_schema").await, "1");
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let store = Database::empty().open().await;
    for plan in store.explain(true).await.unwrap() {
        let plan = plan.to_string();
        assert!(plan.contains("Index") && !plan.contains("Seq Scan"), "{plan}");
        assert!(!plan.contains("Sort Key: c.") && !plan.contains("Sort Key: u.id"), "{plan}");
    }
    assert!(!store.explain(false).await.unwrap().is_empty());
}

/// A listener that keeps what it hears: which users changed, and of which the limits were lifted.
#[derive(Default)]
struct Heard(Mutex<Vec<UserId>>, Mutex<Vec<UserId>>);

impl ChangeListener for Heard {
    fn changed(&self, user: UserId) {
        self.0.lock().unwrap().push(user);
    }

    fn limits_lifted(&self, user: UserId) {
        self.1.lock().unwrap().push(user);
    }
}

fn listen(store: &impl ChangeFeed) -> Arc<Heard> {
    let heard = Arc::new(Heard::default());
    let listener: Arc<dyn ChangeListener> = Arc::clone(&heard) as _;
    store.listen(Arc::downgrade(&listener));
    heard
}

#[tokio::test]
async fn others_hear_of_changes_soon_and_without_notifications_read_the_versions() {
    let database = Database::empty();
    let (one, two) = (database.open().await, database.open().await);
    let deaf = PostgresConfig { notifications: false, ..database.config() };
    let deaf = Postgres::open(&deaf, Arc::new(SeededRng::new(7))).await.unwrap();
    let user = seeded(&*one).await;
    let (own, other, none) = (listen(&*one), listen(&*two), listen(&deaf));

    let before = deaf.versions(&[user, UserId::from_bytes([9; 16])]).await.unwrap();
    // The connection that listens may not be made yet: notifications before that are lost.
    for _ in 0..500 {
        assert!(one.set_email_second_factor(user, true, &Revocation::NOTHING, None).await.unwrap());
        assert_eq!(own.0.lock().unwrap().last(), Some(&user), "heard before the change is acknowledged");
        tokio::time::sleep(Duration::from_millis(10)).await;
        if !other.0.lock().unwrap().is_empty() {
            break;
        }
    }
    assert_eq!(other.0.lock().unwrap().first(), Some(&user));
    assert!(none.0.lock().unwrap().is_empty());

    assert_eq!(one.forget_counters_of(user).await, Ok(0));
    assert_eq!(*own.1.lock().unwrap(), [user]);
    // Another server hears of it on the same connection, behind the changes.
    for _ in 0..500 {
        if !other.1.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((&*other.1.lock().unwrap(), none.1.lock().unwrap().len()), (&vec![user], 0));
    let after = deaf.versions(&[user, UserId::from_bytes([9; 16])]).await.unwrap();
    assert!(before.len() == 1 && after[0].1 > before[0].1, "{before:?} {after:?}");
}

#[tokio::test]
async fn attempts_that_are_given_back_leave_no_row() {
    let database = Database::empty();
    let store = database.open().await;
    let quota = Quota { attempts: 3, window: Duration::from_secs(60) };
    let (key, now) = (Digest::new([1; 32]), Timestamp::from_secs(1_700_000_000));
    let counter = SharedCounter { key, label: String::new(), user: None, quota };
    for _ in 0..2 {
        assert_eq!(store.reserve_attempt(&counter, now).await, Ok(None));
    }
    let later = now + Duration::from_secs(1);
    store.give_back_attempt(&key, now).await.unwrap();
    store.give_back_attempt(&key, now).await.unwrap();
    assert_eq!(store.forget_shared_attempts(later).await, Ok(0), "none is left to forget");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_commands_agree_at_any_isolation_level() {
    for level in ["repeatable%5C%20read", "serializable"] {
        let database = || {
            let Database(url) = Database::empty();
            Database(format!("{url}?options=-c%20default_transaction_isolation%3D{level}"))
        };
        battery::creation::users_that_are_created_at_once_get_different_numbers(&database()).await;
        battery::creation::of_two_new_users_of_one_name_one_is_created(&database()).await;
        battery::external_ids::gives_different_numbers_to_users_that_ask_at_once(&database()).await;
        battery::accounts::a_deactivation_beside_a_revocation_holds(&database()).await;
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_unavailable_or_of_unknown_outcome() {
    let database = Database::empty();
    let hasty = PostgresConfig { timeout: Duration::from_millis(300), ..database.config() };
    let store = Postgres::open(&hasty, Arc::new(SeededRng::new(7))).await.unwrap();
    let user = seeded(&store).await;
    let name = database.0.rsplit('/').next().unwrap().to_owned();
    let (locked, lock) = std::sync::mpsc::channel();
    let holder = tokio::task::spawn_blocking(move || {
        locked.send(()).unwrap();
        Cluster::shared()
            .unwrap()
            .sql_in(&name, "BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT")
    });
    lock.recv().unwrap();
    // Until the lock is taken commands go through.
    let late = loop {
        match store.user(user).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => break error,
        }
    };
    assert!(matches!(late, StoreError::Unavailable(_)), "{late:?}");
    // A command of a single statement.
    let (old, new) = (PasswordString::new("old"), PasswordString::new("new"));
    let unsure = store.rehash(user, &old, &new).await.unwrap_err();
    assert!(matches!(unsure, StoreError::OutcomeUnknown(_)), "{unsure:?}");
    let undone = store.remove_of_user(user, &[CredentialKind::TOTP], None, None).await.unwrap_err();
    assert!(matches!(undone, StoreError::Unavailable(_)), "it had not come to its commit: {undone:?}");
    holder.await.unwrap().unwrap();
    assert!(store.user(user).await.unwrap().is_some(), "and goes on");
}

#[tokio::test]
async fn connections_that_the_server_ends_are_made_anew() {
    let database = Database::empty();
    let store = database.open().await;
    let user = seeded(&*store).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..5 {
        sql(&database, end).await;
        assert!(store.user(user).await.unwrap().is_some());
        assert!(store.raise_counter(CredentialId::from_bytes([0; 16]), 1).await.is_ok());
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_corrupt_not_fatal() {
    let database = Database::empty();
    let store = database.open().await;
    for (protocol, realm, client) in [
        ("No Name!", "00000000000000000000000000000000", "::"),
        ("zulip", "000000", "::"),
        ("zulip", "00000000000000000000000000000000", "here"),
    ] {
        let row = format!(
            "INSERT INTO attempt (at, door, realm, name, network, outcome) VALUES (1, '{protocol}', '\\x{realm}', 'secret', '{client}', 'granted')"
        );
        sql(&database, &row).await;
        let unread = store.attempts(&AttemptFilter::default(), LogPage::newest(9)).await.unwrap_err();
        assert!(matches!(&unread, StoreError::Corrupt(_)), "{unread:?}");
        assert!(!format!("{unread:?} {unread}").contains("secret"));
        assert_eq!(store.forget_attempts(Timestamp::from_secs(9)).await, Ok(1));
    }
}

#[tokio::test]
async fn an_attempt_by_an_unknown_protocol_is_read_as_it_is() {
    let database = Database::empty();
    let store = database.open().await;
    let row = "INSERT INTO attempt (at, door, realm, name, network, outcome) \
        VALUES (1, 'hatch', '\\x00000000000000000000000000000000', 'secret', '::', 'granted')";
    sql(&database, row).await;
    let read = store.attempts(&AttemptFilter::default(), LogPage::newest(9)).await.unwrap();
    assert_eq!(read.iter().map(|attempt| attempt.record.protocol.as_str()).collect::<Vec<_>>(), ["hatch"]);
}

/// Writes a realm with a user.
async fn seeded(store: &impl Store) -> UserId {
    let realm = Realm::new(RealmId::from_bytes([1; 16]), "main");
    let user = User {
        id: UserId::from_bytes([2; 16]),
        realm: realm.id,
        names: vec![],
        full_name: String::new(),
        role: Role::Member,
        bot: None,
        bot_owner: None,
        active: true,
        joined: Timestamp::default(),
        valid_from: Timestamp::default(),
        email_second_factor: false,
        must_change_password: false,
        language: None,
        external_ids: ByProtocol::new(),
        external_roles: ByProtocol::new(),
        version: 0,
    };
    let id = user.id;
    let new = NewUser { user, assign_ids: vec![], password: None, credentials: vec![] };
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
    id
}

#[tokio::test]
async fn nothing_is_done_whose_row_in_the_audit_log_can_not_be_written() {
    let database = Database::empty();
    let store = database.open().await;
    let break_table =
        async || drop(sql(&database, "ALTER TABLE audit ADD CONSTRAINT full_table CHECK (false)").await);
    battery::audit::does_nothing_whose_row_can_not_be_written(&*store, break_table).await;
}

#[tokio::test]
async fn missing_rights_are_told_by_name_with_what_to_grant() {
    use std::error::Error as _;
    let database = Database::empty();
    sql(&database, "CREATE ROLE stranger LOGIN").await;
    sql(&database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    let stranger = || PostgresConfig::new(database.0.replace("postgres@", "stranger@"));
    let line = async || {
        let error = refused(stranger()).await;
        error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
    };
    let advice =
        "make it the owner of the database or of the tables, or GRANT it USAGE and CREATE on the schema";
    let of_schema = line().await;
    assert!(of_schema.contains("42501 (permission denied for schema public)"), "{of_schema}");
    drop(database.open().await);
    let of_table = line().await;
    assert!(of_table.contains("42501 (permission denied for table auth_server_schema)"), "{of_table}");
    for line in [of_schema, of_table] {
        assert!(line.contains("the store is unavailable") && line.contains(advice), "{line}");
    }
    let nowhere = refused(PostgresConfig::new(Cluster::shared().unwrap().url("nowhere"))).await;
    let line = nowhere.source().unwrap().to_string();
    assert!(line.contains("\"nowhere\" does not exist: create the database first"), "{line}");
}
