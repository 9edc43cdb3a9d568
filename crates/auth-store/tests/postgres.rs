//! The battery against PostgreSQL, and what is PostgreSQL's own.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "the helpers of tests are no #[test]s")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    AttemptStore, ByProtocol, ChangeFeed, ChangeListener, CredentialId, CredentialKind, CredentialStore,
    Digest, ImportMode, MetaStore, NewRecord, NewUser, Quota, Realm, RealmId, Role, SeededRng,
    SharedAttempts, Store, StoreError, Timestamp, User, UserId, UserStore,
};
use auth_store::battery::Fixture;
use auth_store::{Postgres, PostgresOpenError, PostgresOptions, store_battery};
use test_postgres::Cluster;
use tokio::task::JoinSet;

/// A database of its own in the cluster that all tests share.
struct Database(String);

impl Database {
    fn options(&self) -> PostgresOptions {
        PostgresOptions::new(&self.0)
    }
}

impl Fixture for Database {
    type Store = Postgres;

    fn empty() -> Self {
        Self(Cluster::shared().unwrap().database().unwrap())
    }

    async fn open(&self) -> Arc<Postgres> {
        let rng = Arc::new(SeededRng::new(7));
        Arc::new(Postgres::open(&self.options(), rng).await.unwrap())
    }
}

store_battery!(Database);

async fn sql(database: &Database, statement: &str) -> String {
    let (name, statement) = (database.0.rsplit('/').next().unwrap().to_owned(), statement.to_owned());
    tokio::task::spawn_blocking(move || Cluster::shared().unwrap().sql_in(&name, &statement).unwrap())
        .await
        .unwrap()
}

async fn refused(options: PostgresOptions) -> PostgresOpenError {
    Postgres::open(&options, Arc::new(SeededRng::new(7))).await.expect_err("a refusal")
}

#[tokio::test]
async fn refusals_to_open_tell_their_cause_in_a_line() {
    let url = refused(PostgresOptions::new("postgres://user:se cret@[")).await;
    assert!(matches!(url, PostgresOpenError::Url(_)), "{url:?}");
    let closed = refused(PostgresOptions::new("postgres://user:secret@127.0.0.1:1/db")).await;
    assert!(matches!(closed, PostgresOpenError::Failed(StoreError::Unavailable(_))), "{closed:?}");

    let authorities = Database::empty();
    let missing =
        PostgresOptions { authorities: Some("/no/such/secret.pem".into()), ..authorities.options() };
    let authorities = refused(missing).await;
    assert!(matches!(authorities, PostgresOpenError::Authorities(_)), "{authorities:?}");

    let foreign = Database::empty();
    sql(&foreign, "CREATE TABLE account (music text)").await;
    let foreign = refused(foreign.options()).await;
    assert!(matches!(foreign, PostgresOpenError::NotOurs), "{foreign:?}");

    let future = Database::empty();
    drop(future.open().await);
    sql(&future, "UPDATE auth_server_schema SET version = 1000").await;
    let newer = refused(future.options()).await;
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
        let told = plan.to_string();
        // But for a value that is unnested, which is none.
        assert!(told.contains("Index") && !told.contains("Seq Scan"), "{told}");
        assert!(!told.contains("Sort Key: c.") && !told.contains("Sort Key: u.id"), "{told}");
    }
    assert!(!store.explain(false).await.unwrap().is_empty());
}

/// Whoever is told.
#[derive(Default)]
struct Told(Mutex<Vec<UserId>>);

impl ChangeListener for Told {
    fn changed(&self, user: UserId) {
        self.0.lock().unwrap().push(user);
    }
}

fn listen(store: &impl ChangeFeed) -> Arc<Told> {
    let told = Arc::new(Told::default());
    let listener: Arc<dyn ChangeListener> = Arc::clone(&told) as _;
    store.listen(Arc::downgrade(&listener));
    told
}

#[tokio::test]
async fn others_hear_of_changes_soon_and_without_notifications_read_the_versions() {
    let database = Database::empty();
    let (one, two) = (database.open().await, database.open().await);
    let deaf = PostgresOptions { notifications: false, ..database.options() };
    let deaf = Postgres::open(&deaf, Arc::new(SeededRng::new(7))).await.unwrap();
    let user = seeded(&*one).await;
    let (own, other, none) = (listen(&*one), listen(&*two), listen(&deaf));

    let before = deaf.versions(&[user, UserId::from_bytes([9; 16])]).await.unwrap();
    // The connection that listens may just be made: what is told before is lost.
    for _ in 0..500 {
        assert!(one.set_email_second_factor(user, true).await.unwrap());
        assert_eq!(own.0.lock().unwrap().last(), Some(&user), "told before it is acknowledged");
        tokio::time::sleep(Duration::from_millis(10)).await;
        if !other.0.lock().unwrap().is_empty() {
            break;
        }
    }
    assert_eq!(other.0.lock().unwrap().first(), Some(&user));
    assert!(none.0.lock().unwrap().is_empty());
    let after = deaf.versions(&[user, UserId::from_bytes([9; 16])]).await.unwrap();
    assert!(before.len() == 1 && after[0].1 > before[0].1, "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_are_counted_once_however_many_ask_at_once() {
    let database = Database::empty();
    let stores = [database.open().await, database.open().await];
    let rule = Quota { attempts: 10, window: Duration::from_secs(60) };
    let (key, other) = (Digest::new([1; 32]), Digest::new([2; 32]));
    let now = Timestamp::from_secs(1_700_000_000);
    let mut tasks = JoinSet::new();
    for number in 0..100_usize {
        let store = Arc::clone(&stores[number % 2]);
        let at = now + Duration::from_millis(u64::try_from(number).unwrap());
        tasks.spawn(async move { store.reserve_attempt(&key, rule, at).await.unwrap().is_none() });
    }
    let through = tasks.join_all().await.into_iter().filter(|through| *through).count();
    assert_eq!(through, 10);

    let [one, two] = stores;
    assert_eq!(one.reserve_attempt(&other, rule, now).await, Ok(None), "another key");
    let later = now + Duration::from_millis(200);
    let wait = one.reserve_attempt(&key, rule, later).await.unwrap().unwrap();
    assert!(wait > Duration::from_secs(59) && wait <= Duration::from_secs(60), "{wait:?}");
    let kept = sql(&database, "SELECT tries[1] FROM tried WHERE cardinality(tries) = 10").await;
    let first = Timestamp::from_millis(kept.parse().unwrap());
    two.give_back_attempt(&key, first).await.unwrap();
    assert_eq!(one.reserve_attempt(&key, rule, later).await, Ok(None), "one was given back");
    assert!(two.reserve_attempt(&key, rule, later).await.unwrap().is_some());
    two.give_back_attempt(&key, first).await.unwrap();
    assert!(two.reserve_attempt(&key, rule, later).await.unwrap().is_some(), "given back already");
    let over = now + Duration::from_secs(120);
    assert_eq!(two.reserve_attempt(&key, rule, over).await, Ok(None), "every limit ends");
    assert_eq!(two.forget_shared_attempts(over).await, Ok(1), "the other key");
    assert_eq!(two.forget_shared_attempts(over + Duration::from_secs(1)).await, Ok(1));
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_unavailable_or_of_unknown_outcome() {
    let database = Database::empty();
    let hasty = PostgresOptions { timeout: Duration::from_millis(300), ..database.options() };
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
    let unsure = store.set_email_second_factor(user, true).await.unwrap_err();
    assert!(matches!(unsure, StoreError::OutcomeUnknown(_)), "{unsure:?}");
    let undone = store.remove_of_user(user, &[CredentialKind::TOTP], None).await.unwrap_err();
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
        let unread = store.attempts(9).await.unwrap_err();
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
    let read = store.attempts(9).await.unwrap();
    assert_eq!(read.iter().map(|attempt| attempt.protocol.as_str()).collect::<Vec<_>>(), ["hatch"]);
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
        active: true,
        joined: Timestamp::default(),
        valid_from: Timestamp::default(),
        email_second_factor: false,
        must_change_password: false,
        external_ids: ByProtocol::new(),
        external_roles: ByProtocol::new(),
        version: 0,
    };
    let id = user.id;
    let new = NewUser { user, assign_ids: vec![], password: None, credentials: vec![] };
    let records = [NewRecord::Realm(realm), NewRecord::User(Box::new(new))].map(Some);
    store.import(Box::new(records.into_iter()), ImportMode::Write).await.unwrap();
    id
}
