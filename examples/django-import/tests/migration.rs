//! A Django application's table is moved, and its users log in with their passwords.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use auth_core::{ImportMode, Lookup, NameKind, Peer, Role, Timestamp};
use auth_crypto::argon2::Params;
use auth_engine::{Config, Engine, FailureDelay, LoginOutcome, PasswordConfig};
use auth_store::Sqlite;
use django_import::{Migrated, migrate};
use rusqlite::{Connection, params};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The password of all users who have one. Django 5.2 made the hashes.
const PASSWORD: &str = "correct horse battery staple";

/// User name, password as stored, first name, staff, superuser, active.
const USERS: [(&str, &str, &str, bool, bool, bool); 7] = [
    (
        "pbkdf2",
        "pbkdf2_sha256$1000$pplFsR0dpRdfCqEAE2kN0c$SefdUoySPbIBpwBHctSitJzL8J1pCNdihBAjQu9t9I0=",
        "Ada",
        true,
        true,
        true,
    ),
    (
        "argon2",
        "argon2$argon2id$v=19$m=64,t=2,p=2$Q2hSd09BZlVHV2Vta01Rck9KMnZIaw$TJ+OMF/N5ArhZstYmVCgSVKSZm2n2FomPeyM/Qn8/uE",
        "",
        true,
        false,
        true,
    ),
    (
        "bcrypt",
        "bcrypt_sha256$$2b$04$YLR8Pj5RXGE3EucTxIFL/.cmhsayq93oD1TAvI97KvX1IRqOSHdYy",
        "",
        false,
        false,
        true,
    ),
    (
        "old-bcrypt",
        "bcrypt$$2b$04$KImJlxfwN/YJNEupf6DEIuf8ohbiK4541PvMWDKIMvuUQhFKRYlUe",
        "",
        false,
        false,
        true,
    ),
    (
        "gone",
        "pbkdf2_sha256$1000$pplFsR0dpRdfCqEAE2kN0c$SefdUoySPbIBpwBHctSitJzL8J1pCNdihBAjQu9t9I0=",
        "",
        false,
        false,
        false,
    ),
    ("unusable", "!xiQhspZ5iO5IfHIla6wlTzqzf0eBhHKY2sr7Pl9w", "", false, false, true),
    ("md5", "md5$gPe9q9Rsi5f3fhebOLbiy2$e13fd0018c04574f8f4bfc27514aea2e", "", false, false, true),
];

/// A Django application's database, and an engine with an empty store.
struct World {
    django: PathBuf,
    engine: Arc<Engine>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let django = folder.path().join("django.sqlite3");
        let database = Connection::open(&django).unwrap();
        database
            .execute_batch(
                "CREATE TABLE auth_user (id integer PRIMARY KEY AUTOINCREMENT, password varchar(128) NOT NULL,
                 last_login datetime NULL, is_superuser bool NOT NULL, username varchar(150) NOT NULL UNIQUE,
                 last_name varchar(150) NOT NULL, email varchar(254) NOT NULL, is_staff bool NOT NULL,
                 is_active bool NOT NULL, date_joined datetime NOT NULL, first_name varchar(150) NOT NULL)",
            )
            .unwrap();
        for (name, password, first_name, is_staff, is_superuser, is_active) in USERS {
            let email = format!("{name}@example.org");
            database
                .execute(
                    "INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff, is_active,
                     date_joined, first_name) VALUES (?, ?, ?, '', ?, ?, ?, '2024-05-17 08:30:00.123456', ?)",
                    params![password, is_superuser, name, email, is_staff, is_active, first_name],
                )
                .unwrap();
        }
        let store = Sqlite::open(&folder.path().join("accounts.db")).unwrap();
        let passwords = PasswordConfig {
            params: Params::new(64, 1, 1).unwrap(),
            failure_delay: FailureDelay::Off,
            ..PasswordConfig::default()
        };
        let config = Config { passwords, ..Config::default() };
        let engine = Engine::builder(Arc::new(store)).config(config).open().await.unwrap();
        Self { django, engine: Arc::new(engine), _folder: folder }
    }

    async fn migrate(&self, mode: ImportMode) -> anyhow::Result<Migrated> {
        migrate(&self.engine, &self.django, "main", mode).await
    }

    async fn log_in(&self, name: &str, password: &str) -> LoginOutcome {
        let peer = Peer::new(CLIENT);
        self.engine.log_in_with_password("main", name, password, &peer).await.unwrap().released().await
    }

    /// A user's stored password.
    async fn stored(&self, name: &str) -> Option<String> {
        let realm = self.engine.store().realms().await.unwrap().remove(0);
        let found =
            self.engine.store().find(realm.id, &Lookup::Name(NameKind::UserName, name)).await.unwrap();
        found.unwrap().password.map(|stored| stored.expose().to_owned())
    }
}

#[tokio::test]
async fn users_log_in_as_before_and_their_hashes_become_current() {
    let world = World::new().await;
    let migrated = world.migrate(ImportMode::Write).await.unwrap();
    assert_eq!(migrated.report.imported.users, USERS.len() as u64);
    for (name, hash, ..) in &USERS[..4] {
        assert_eq!(world.stored(name).await.as_deref(), Some(*hash));
        assert!(matches!(world.log_in(name, "guess").await, LoginOutcome::WrongCredentials), "{name}");
        let outcome = world.log_in(name, PASSWORD).await;
        assert!(matches!(outcome, LoginOutcome::SignedIn(_)), "{name}: {outcome:?}");
        let stored = world.stored(name).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{name}: {stored}");
        assert!(matches!(world.log_in(name, PASSWORD).await, LoginOutcome::SignedIn(_)), "{name}");
    }
}

#[tokio::test]
async fn names_roles_and_times_come_along() {
    let world = World::new().await;
    world.migrate(ImportMode::Write).await.unwrap();
    for (name, role) in [("pbkdf2", Role::Owner), ("argon2", Role::Admin), ("bcrypt", Role::Member)] {
        let LoginOutcome::SignedIn(login) = world.log_in(&format!("{name}@example.org"), PASSWORD).await
        else {
            panic!("{name}");
        };
        let user = &login.profile.user;
        assert_eq!((user.user_name(), user.role), (Some(name), role));
        assert_eq!(user.joined, Timestamp::from_secs(1_715_934_600));
        assert_eq!(user.full_name, if name == "pbkdf2" { "Ada" } else { "" });
    }
}

#[tokio::test]
async fn accounts_without_a_password_that_can_be_read_are_named_and_can_not_log_in() {
    let world = World::new().await;
    let migrated = world.migrate(ImportMode::Write).await.unwrap();
    assert_eq!(migrated.without_password, ["md5"]);
    for name in ["unusable", "md5"] {
        assert_eq!(world.stored(name).await, None);
        assert!(matches!(world.log_in(name, PASSWORD).await, LoginOutcome::WrongCredentials), "{name}");
    }
    assert!(matches!(world.log_in("gone", PASSWORD).await, LoginOutcome::Deactivated));
}

#[tokio::test]
async fn a_rehearsal_writes_nothing_and_a_bad_row_neither() {
    let world = World::new().await;
    let migrated = world.migrate(ImportMode::DryRun).await.unwrap();
    assert_eq!(migrated.report.imported.users, USERS.len() as u64);
    assert!(world.engine.store().realms().await.unwrap().is_empty());

    let database = Connection::open(&world.django).unwrap();
    database.execute("UPDATE auth_user SET username = 'PBKDF2' WHERE username = 'md5'", []).unwrap();
    database
        .execute("UPDATE auth_user SET email = 'pbkdf2@example.org' WHERE username = 'bcrypt'", [])
        .unwrap();
    let error = world.migrate(ImportMode::Write).await.unwrap_err();
    assert!(error.to_string().contains("line "), "{error}");
    assert!(world.engine.store().realms().await.unwrap().is_empty());
}
