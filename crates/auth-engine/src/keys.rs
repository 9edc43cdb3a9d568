//! The key ring at work: bound to the store, exchanged while the engine runs, rotated.

mod nodes;
mod reseal;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use auth_core::{MetaStore, Realm, StoreError};
use auth_crypto::keyring::KeyRing;
use auth_crypto::zettel_token::TokenKeys;

use crate::Engine;
use crate::engine::OpenError;

pub use nodes::{NodeKeys, STALE};
pub use reseal::{Sealed, TooSoon};

/// The name under which the store keeps the check value of a key of its ring.
const CHECK_VALUE: &str = "key-ring-check";

/// The ring, and what is derived from it.
pub(crate) struct Keys(RwLock<Arc<Derived>>);

struct Derived {
    ring: Arc<KeyRing>,
    /// Each realm's keys for signed tokens, derived once.
    tokens: RwLock<HashMap<String, Arc<TokenKeys>>>,
}

impl Keys {
    pub(crate) fn new(ring: Arc<KeyRing>) -> Self {
        Self(RwLock::new(Arc::new(Derived { ring, tokens: RwLock::default() })))
    }

    fn now(&self) -> Arc<Derived> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Binds an empty store to a ring; any other must be bound to it already.
pub(crate) async fn bind(store: &(impl MetaStore + ?Sized), ring: &KeyRing) -> Result<(), OpenError> {
    let kept = store.set_meta_once(CHECK_VALUE, &ring.check_value()).await.map_err(OpenError::Store)?;
    if ring.has_check_value(&kept) { Ok(()) } else { Err(OpenError::OtherKeyRing) }
}

impl Engine {
    /// Whether a store is bound to a key ring already, so that none may be made anew for it.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub async fn is_bound(store: &dyn MetaStore) -> Result<bool, StoreError> {
        Ok(store.meta(CHECK_VALUE).await?.is_some())
    }

    /// Whether a store is bound to this key ring, or to none yet.
    ///
    /// # Errors
    /// [`OpenError`] when the store can't be read or belongs to another key ring.
    pub async fn fits(store: &dyn MetaStore, ring: &KeyRing) -> Result<(), OpenError> {
        match store.meta(CHECK_VALUE).await.map_err(OpenError::Store)? {
            Some(check) if !ring.has_check_value(&check) => Err(OpenError::OtherKeyRing),
            _ => Ok(()),
        }
    }

    /// The ring as it is now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.now().ring)
    }

    /// Goes on with another state of the ring: with a key more or less, or another active one.
    ///
    /// # Errors
    /// [`OpenError`] when it is not the store's ring: then everything stays as it was.
    pub async fn exchange_ring(&self, ring: KeyRing) -> Result<(), OpenError> {
        bind(&*self.store, &ring).await?;
        let derived = Derived { ring: Arc::new(ring), tokens: RwLock::default() };
        *self.keys.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(derived);
        Ok(())
    }

    /// The keys that sign a realm's tokens.
    pub(crate) fn token_keys(&self, realm: &Realm) -> Arc<TokenKeys> {
        let derived = self.keys.now();
        let known = derived.tokens.read().unwrap_or_else(PoisonError::into_inner).get(&realm.slug).cloned();
        known.unwrap_or_else(|| {
            let keys = Arc::new(TokenKeys::of(&derived.ring, &realm.slug));
            let mut cache = derived.tokens.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cache.entry(realm.slug.clone()).or_insert(keys))
        })
    }
}
