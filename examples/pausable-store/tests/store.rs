//! The battery that every store passes, and what this one does when it is paused.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use auth_core::{
    AttemptFilter, AttemptRecord, AttemptStore, ClientKey, CredentialStore, InternalErrorKind, LogPage, Peer,
    ProtocolName, RealmId, RealmStore, Revocation, StoreError, Timestamp, UserId, UserStore,
};
use auth_crypto::argon2::Params;
use auth_engine::{Config, Engine, FailureDelay, LoginOutcome, NewAccount, PasswordConfig};
use auth_store::Sqlite;
use auth_store_battery::{Fixture, store_battery};
use pausable_store::PausableStore;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const PASSWORD: &str = "correct-horse-battery-9876";

/// A folder with a database.
struct Folder(tempfile::TempDir);

impl Folder {
    fn database(&self) -> PathBuf {
        self.0.path().join("store.db")
    }
}

impl Fixture for Folder {
    type Store = PausableStore;

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<PausableStore> {
        Arc::new(PausableStore::new(Arc::new(Sqlite::open(&self.database()).unwrap())))
    }
}

store_battery!(Folder);

#[tokio::test]
async fn a_paused_store_is_read_and_not_written() {
    let folder = Folder::empty();
    let store = folder.open().await;
    store.pause();
    assert!(store.realms().await.unwrap().is_empty());
    let user = UserId::from_bytes([7; 16]);
    let refusals = [
        store.revoke(user, &Revocation::NOTHING, None).await.map(drop),
        store.purge(Timestamp::from_secs(1)).await.map(drop),
        store.set_last_used(&[]).await,
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::Unavailable(_))), "{refusal:?}");
    }
    store.resume();
    assert!(!store.revoke(user, &Revocation::NOTHING, None).await.unwrap());
}

#[tokio::test]
async fn sessions_go_on_while_the_store_is_paused_and_new_logins_wait() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let passwords = PasswordConfig {
        params: Params::new(64, 1, 1).unwrap(),
        failure_delay: FailureDelay::Off,
        ..PasswordConfig::default()
    };
    let config = Config { passwords, ..Config::default() };
    let engine = Engine::builder(Arc::clone(&store) as _).config(config).open().await.unwrap();
    engine.ensure_realm("main").await.unwrap();
    engine.create_account("main", &NewAccount::new("ada", PASSWORD)).await.unwrap();
    let peer = Peer::new(CLIENT);
    let log_in = async |password| engine.log_in_with_password("main", "ada", password, &peer).await;
    let LoginOutcome::SignedIn(login) = log_in(PASSWORD).await.unwrap().released().await else { panic!() };

    store.pause();
    assert!(engine.check_session("main", &login.session, &peer).await.unwrap().is_some());
    assert_eq!(log_in(PASSWORD).await.unwrap_err().kind(), InternalErrorKind::Unavailable);
    store.resume();
    assert!(matches!(log_in(PASSWORD).await.unwrap().released().await, LoginOutcome::SignedIn(_)));
}

#[tokio::test]
async fn attempts_are_held_back_while_the_store_is_paused_and_none_is_lost() {
    let folder = Folder::empty();
    let store = folder.open().await;
    let attempt = |second| AttemptRecord {
        at: Timestamp::from_secs(second),
        protocol: ProtocolName::WEB,
        realm: RealmId::from_bytes([1; 16]),
        user: None,
        name: "ada".to_owned(),
        client_key: ClientKey::of(CLIENT),
        outcome: "wrong-password".into(),
    };
    let logged = async |store: &PausableStore| {
        let rows = store.attempts(&AttemptFilter::default(), LogPage::oldest(10)).await.unwrap();
        rows.iter().map(|row| row.record.at.as_secs()).collect::<Vec<_>>()
    };
    store.record(attempt(1));
    store.pause();
    store.record(attempt(2));
    assert_eq!(logged(&store).await, [1]);
    store.resume();
    store.record(attempt(3));
    assert_eq!(logged(&store).await, [1, 2, 3]);
    store.pause();
    store.record(attempt(4));
    drop(store);
    assert_eq!(logged(&*folder.open().await).await, [1, 2, 3, 4], "closed while it was paused");
}
