//! A store in memory: every store trait over plain maps and lists.

mod activity;
mod admin_keys;
mod audit;
mod credentials;
mod groups;
mod import_marks;
mod network_rules;
mod nodes;
mod records;
mod state;
mod users;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use self::state::State;
use crate::{AuditRecord, ChangeListener, NewUser, Realm, StoreError, UserId};

/// A store that keeps its records in memory, for tests.
///
/// It passes the battery that the other stores pass, but for the tests of durability. Commands run one after the other;
/// one that fails leaves nothing behind. Futures are ready at once, so that any executor will do. Share it in an `Arc`:
/// everybody who has one sees the same records.
///
/// ```
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
///
/// use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
/// use auth_core::{Lookup, NameKind, UserStore};
///
/// let realm = RealmBuilder::new("main").build();
/// let iago = UserBuilder::new("iago").realm(realm.id).new_user(Some("$argon2id$…"));
/// let store = MemoryStore::new().with_realm(realm.clone()).with_user(iago.clone());
///
/// let found = pin!(store.find(realm.id, &Lookup::Name(NameKind::UserName, "IAGO")))
///     .poll(&mut Context::from_waker(Waker::noop()));
/// assert!(matches!(found, Poll::Ready(Ok(Some(account))) if *account.user == iago.user));
/// ```
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    listeners: Mutex<Vec<Weak<dyn ChangeListener>>>,
    /// Returned by every command, where it is set.
    outage: Mutex<Option<StoreError>>,
}

impl MemoryStore {
    /// A store without any record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a realm.
    ///
    /// # Panics
    /// When another realm has its slug or subdomain.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that makes a store is to fail")]
    pub fn with_realm(self, realm: Realm) -> Self {
        self.change(|state| state.write_realm(realm.into()).map(drop)).expect("a realm without a conflict");
        self
    }

    /// Adds a user with all that belongs to it.
    ///
    /// # Panics
    /// When its realm is missing, or another user has one of its names, ids or credentials.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that makes a store is to fail")]
    pub fn with_user(self, new: NewUser) -> Self {
        let realm = new.user.realm;
        self.change(|state| state.create_user(new, realm)).expect("a user without a conflict");
        self
    }

    /// Has every command fail with this error, until it is called with `None`.
    pub fn set_outage(&self, outage: Option<StoreError>) {
        *lock(&self.outage) = outage;
    }

    /// Reads from the records.
    fn read<T>(&self, work: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        self.check_outage()?;
        Ok(work(&lock(&self.state)))
    }

    /// Changes the records, or leaves them as they are where `work` fails.
    fn change<T>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.check_outage()?;
        let mut state = lock(&self.state);
        let mut changed = state.clone();
        let done = work(&mut changed)?;
        changed.changes += 1;
        *state = changed;
        Ok(done)
    }

    /// Changes the record of a user, and notifies the listeners.
    fn change_user<T>(
        &self,
        user: UserId,
        work: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = self.change(work);
        self.notify(user);
        done
    }

    /// Changes the record of a user, and writes the row of the act where `work` did it; notifies the listeners.
    fn act(
        &self,
        user: UserId,
        audit: Option<&AuditRecord>,
        work: impl FnOnce(&mut State) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let done = self.act_apart(audit, work);
        self.notify(user);
        done
    }

    /// Does the same for an act that changes no record of a user.
    fn act_apart(
        &self,
        audit: Option<&AuditRecord>,
        work: impl FnOnce(&mut State) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            state.check_actor(audit)?;
            let done = work(state)?;
            state.audit(audit.filter(|_| done));
            Ok(done)
        })
    }

    /// Notifies the listeners of a change of a user.
    fn notify(&self, user: UserId) {
        for listener in self.listening() {
            listener.changed(user);
        }
    }

    fn listening(&self) -> Vec<Arc<dyn ChangeListener>> {
        lock(&self.listeners).iter().filter_map(Weak::upgrade).collect()
    }

    fn check_outage(&self) -> Result<(), StoreError> {
        lock(&self.outage).clone().map_or(Ok(()), Err)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("MemoryStore")
            .field("realms", &state.realms.len())
            .field("users", &state.users.len())
            .field("credentials", &state.credentials.len())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
