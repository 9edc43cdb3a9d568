//! The battery against the store in memory that auth-core has for tests.

use std::sync::Arc;

use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{RealmStore, Revocation, StoreError, UserStore};
use auth_store_battery::{Fixture, shared_store_battery, store_battery};

/// A store that every opening shares.
struct Memory(Arc<MemoryStore>);

impl Fixture for Memory {
    type Store = MemoryStore;

    fn empty() -> Self {
        Self(Arc::default())
    }

    async fn open(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.0)
    }
}

store_battery!(Memory, volatile);

shared_store_battery!(Memory);

#[tokio::test]
async fn every_command_fails_during_an_outage() {
    let realm = RealmBuilder::new("main").build();
    let user = UserBuilder::new("iago").realm(realm.id).new_user(None);
    let store = MemoryStore::new().with_realm(realm.clone()).with_user(user.clone());
    let outage = StoreError::Unavailable("for a test".into());
    store.set_outage(Some(outage.clone()));
    assert_eq!(store.realms().await, Err(outage.clone()));
    assert_eq!(store.set_active(user.user.id, false, &Revocation::NOTHING, None).await, Err(outage));
    store.set_outage(None);
    assert_eq!(store.realms().await, Ok(vec![realm]));
    assert!(store.user(user.user.id).await.unwrap().unwrap().user.active);
}
