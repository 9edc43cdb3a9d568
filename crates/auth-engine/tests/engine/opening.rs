//! What an engine needs to open, and what it refuses.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    BackendAnswer, ImportMode, NewRecord, OnConflict, PasswordBackend, Peer, Realm, RealmId, Store,
    SystemRng, SystemStopwatch, VerifyRequest,
};
use auth_crypto::argon2::Params;
use auth_crypto::keyring::{KeyRing, Purpose, RingKey};
use auth_crypto::pool::{HashingPool, PoolConfig};
use auth_engine::testing::PASSWORD;
use auth_engine::{
    Config, DirectoryConfig, Engine, EngineBuilder, LoginOutcome, NewAccount, OpenError, PasswordConfig,
};
use auth_store::Sqlite;
use tempfile::TempDir;

/// A backend that knows nobody.
struct Nobody {
    name: &'static str,
    is_directory: bool,
}

#[async_trait]
impl PasswordBackend for Nobody {
    fn name(&self) -> &str {
        self.name
    }

    fn is_directory(&self) -> bool {
        self.is_directory
    }

    async fn verify(&self, _request: &VerifyRequest<'_>) -> BackendAnswer {
        BackendAnswer::NotMine
    }
}

fn store(folder: &TempDir) -> Arc<dyn Store> {
    Arc::new(Sqlite::open_disposable(&folder.path().join("auth.db")).unwrap())
}

fn cheap() -> Config {
    let passwords = PasswordConfig { params: Params::new(64, 1, 1).unwrap(), ..PasswordConfig::default() };
    Config { passwords, ..Config::default() }
}

fn builder(folder: &TempDir) -> EngineBuilder {
    Engine::builder(store(folder)).config(cheap())
}

async fn refused(builder: EngineBuilder) -> OpenError {
    builder.open().await.expect_err("the engine must not open")
}

/// Seals a secret, and opens it with another engine.
fn reads(one: &Engine, other: &Engine) -> bool {
    let sealed = one.keys().ring().seal(Purpose::Totp, b"user", b"secret", &SystemRng);
    other.keys().ring().open(Purpose::Totp, b"user", &sealed).is_ok()
}

#[tokio::test]
async fn an_engine_with_all_defaults_logs_in() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::builder(store(&folder)).open().await.unwrap();
    engine.ensure_realm("main").await.unwrap();
    engine.create_account("main", &NewAccount::new("ada", PASSWORD)).await.unwrap();
    let client = Peer::new([192, 0, 2, 1].into());
    let answer = engine.log_in_with_password("main", "ada", PASSWORD, &client).await.unwrap();
    assert!(matches!(answer.released().await, LoginOutcome::SignedIn(_)));
    let pool = engine.pool().config();
    assert_eq!(pool.width(Params::default()), PoolConfig::INTERLEAVE);
}

#[tokio::test]
async fn a_key_ring_in_the_store_is_made_once_and_follows_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let first = builder(&folder).open().await.unwrap();
    let second = builder(&folder).open().await.unwrap();
    assert!(reads(&first, &second));

    let ring = KeyRing::from_keys(first.keys().ring().keys().cloned().collect()).unwrap();
    let rotated = ring.with(RingKey::generate(2, &SystemRng)).unwrap().promoted(2).unwrap();
    first.keys().exchange(rotated).await.unwrap();
    let third = builder(&folder).open().await.unwrap();
    assert_eq!(third.keys().ring().ids(), [2, 1]);
    assert!(reads(&first, &third));
}

#[tokio::test]
async fn a_key_file_is_made_for_a_new_store_with_mode_0600_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let first = builder(&folder).key_file(&path).open().await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let second = builder(&folder).key_file(&path).open().await.unwrap();
    assert!(reads(&first, &second));
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "{names:?}");
}

#[tokio::test]
async fn a_store_without_its_key_file_is_refused_and_no_other_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (path, lost) = (folder.path().join("keys.toml"), folder.path().join("lost.toml"));
    builder(&folder).key_file(&path).open().await.unwrap();
    fs::rename(&path, &lost).unwrap();
    assert!(matches!(refused(builder(&folder).key_file(&path)).await, OpenError::KeyRingElsewhere));
    assert!(matches!(refused(builder(&folder)).await, OpenError::KeyRingElsewhere));
    assert!(!path.exists());

    let other = Arc::new(KeyRing::generate(&SystemRng));
    assert!(matches!(refused(builder(&folder).key_ring(other)).await, OpenError::OtherKeyRing));
    assert!(builder(&folder).key_file(&lost).open().await.is_ok());
}

#[tokio::test]
async fn a_key_file_that_others_can_read_or_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    builder(&folder).key_file(&path).open().await.unwrap();
    let is_refused = async |path: &Path, why: &str| {
        let error = refused(builder(&folder).key_file(path)).await;
        let text = error.to_string();
        assert!(text.contains(why) && text.contains(&path.display().to_string()), "{text}");
    };
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    is_refused(&path, "can be read by others").await;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let secret = "00".repeat(31);
    fs::write(&path, format!("[[key]]\nid = 1\nsecret = \"{secret}\"\n")).unwrap();
    is_refused(&path, "is not one that this program wrote").await;
    is_refused(folder.path(), "can't be read").await;
    let nowhere = tempfile::tempdir().unwrap();
    let path = nowhere.path().join("no/keys.toml");
    let error = refused(builder(&nowhere).key_file(&path)).await;
    assert!(error.to_string().contains("no/keys.toml"), "{error}");
}

#[tokio::test]
async fn a_realm_that_asks_an_unknown_backend_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let realm = Realm {
        backends: vec!["local".into(), "corp".into()],
        ..Realm::new(RealmId::from_bytes([1; 16]), "main")
    };
    let records = Box::new(std::iter::once(Some(NewRecord::from(realm))));
    let notes = Box::new(|_, _| {});
    store(&folder).import(records, ImportMode::Write, OnConflict::Refuse, notes, None).await.unwrap();
    let error = refused(builder(&folder)).await;
    assert_eq!(
        error.to_string(),
        "the realm main asks `corp` for passwords, but there is no such password backend"
    );
    let corp = Arc::new(Nobody { name: "corp", is_directory: false });
    assert!(builder(&folder).backend(corp).open().await.is_ok());
    assert!(builder(&folder).for_repair().open().await.is_ok());
}

#[tokio::test]
async fn backends_and_the_rights_of_directories_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let backend = |name, is_directory| Arc::new(Nobody { name, is_directory });
    let with_rights = || {
        let directories = BTreeMap::from([("corp".to_owned(), DirectoryConfig::default())]);
        Engine::builder(store(&folder)).config(Config { directories, ..cheap() })
    };
    let twice = builder(&folder).backend(backend("corp", false)).backend(backend("corp", false));
    assert!(matches!(refused(twice).await, OpenError::SameBackend(name) if name == "corp"));
    let local = builder(&folder).backend(backend("local", false));
    assert!(matches!(refused(local).await, OpenError::SameBackend(name) if name == "local"));
    assert!(
        matches!(refused(with_rights()).await, OpenError::DirectoryWithoutBackend(name) if name == "corp")
    );
    let without = builder(&folder).backend(backend("corp", true));
    assert!(matches!(refused(without).await, OpenError::DirectoryWithoutRights(name) if name == "corp"));
    assert!(with_rights().backend(backend("corp", true)).open().await.is_ok());
}

#[tokio::test]
async fn passwords_that_could_never_be_verified_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let with = |params| {
        let passwords = PasswordConfig { params, ..PasswordConfig::default() };
        Engine::builder(store(&folder)).config(Config { passwords, ..Config::default() })
    };
    let costly = Params::new(Params::MAX_MEMORY_KIB, 1, 1).unwrap();
    assert!(matches!(refused(with(costly)).await, OpenError::CostlyPasswords));

    let small = PoolConfig {
        workers: 1,
        queue: 10,
        interleave: 1,
        memory_kib: 1024,
        reserve_kib: 0,
        deadline: Duration::from_secs(1),
    };
    let pool = HashingPool::new(small, Arc::new(SystemRng), Arc::new(SystemStopwatch::start())).unwrap();
    let pool = Arc::new(pool);
    let large = with(Params::default()).pool(Arc::clone(&pool));
    assert!(matches!(refused(large).await, OpenError::SmallPool));
    assert!(with(Params::new(1024, 1, 1).unwrap()).pool(pool).open().await.is_ok());
}
