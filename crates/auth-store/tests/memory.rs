//! The battery against the store in memory that auth-core has for tests.

use std::sync::Arc;

use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{ChangeFeed, ChangeListener, RealmStore, Revocation, StoreError, UserId, UserStore};
use auth_store::battery::{Fixture, shared_attempts};
use auth_store::store_battery;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_are_counted_once_however_many_ask_at_once() {
    shared_attempts::attempts_are_counted_once_however_many_ask_at_once(&Memory::empty()).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_days_prolongs_no_limit() {
    shared_attempts::a_clock_that_is_set_back_by_days_prolongs_no_limit(&Memory::empty()).await;
}

#[tokio::test]
async fn full_counters_are_listed_in_the_order_in_which_they_end() {
    shared_attempts::full_counters_are_listed_in_the_order_in_which_they_end(&Memory::empty()).await;
}

#[tokio::test]
async fn counters_are_forgotten_one_by_one_and_by_account() {
    shared_attempts::counters_are_forgotten_one_by_one_and_by_account(&Memory::empty()).await;
}

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

#[tokio::test]
async fn listeners_hear_of_changes_and_the_counter_moves() {
    struct Heard(std::sync::Mutex<Vec<UserId>>);
    impl ChangeListener for Heard {
        fn changed(&self, user: UserId) {
            self.0.lock().unwrap().push(user);
        }
    }

    let realm = RealmBuilder::new("main").build();
    let user = UserBuilder::new("iago").realm(realm.id).new_user(None);
    let store = MemoryStore::new().with_realm(realm).with_user(user.clone());
    let heard = Arc::new(Heard(std::sync::Mutex::default()));
    let listener: Arc<dyn ChangeListener> = Arc::clone(&heard) as _;
    store.listen(Arc::downgrade(&listener));
    let before = store.change_counter().await.unwrap();
    store.set_email_second_factor(user.user.id, true, &Revocation::NOTHING, None).await.unwrap();
    assert_eq!(*heard.0.lock().unwrap(), [user.user.id]);
    assert!(store.change_counter().await.unwrap() > before);
    assert_eq!(store.versions(&[user.user.id]).await.unwrap(), [(user.user.id, user.user.version + 1)]);
}
