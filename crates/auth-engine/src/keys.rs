//! The key ring at work: bound to the store, and exchanged while the engine runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use auth_core::{MetaStore, Realm, Rng, Store, StoreError};
use auth_crypto::keyring::{KeyRing, RingKey};
use auth_crypto::zettel_token::TokenKeys;
use zeroize::Zeroizing;

use crate::error::OpenError;

/// The name under which the store keeps the check value of a key of its ring.
pub const CHECK_VALUE: &str = "key-ring-check";

/// The name under which the store keeps a whole ring that is kept nowhere else.
const KEPT_RING: &str = "key-ring";

/// The bytes of a key in a ring that is kept in the store: the id, the most significant byte first, and the secret.
const KEPT_KEY: usize = 4 + 32;

/// The key ring in use, with the keys derived from it.
pub struct Keys {
    store: Arc<dyn Store>,
    derived: RwLock<Arc<Derived>>,
}

struct Derived {
    ring: Arc<KeyRing>,
    /// Each realm's keys for signed tokens, derived once.
    tokens: RwLock<HashMap<String, Arc<TokenKeys>>>,
}

impl Keys {
    /// Binds an empty store to a ring; any other store must be bound to it already.
    ///
    /// # Errors
    /// [`OpenError`] when the store can't be read or belongs to another key ring.
    pub(crate) async fn open(store: Arc<dyn Store>, ring: Arc<KeyRing>) -> Result<Self, OpenError> {
        bind(&*store, &ring).await?;
        let derived = RwLock::new(Arc::new(Derived { ring, tokens: RwLock::default() }));
        Ok(Self { store, derived })
    }

    /// The ring as it is now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.derived().ring)
    }

    /// Replaces the ring by a changed one: with a key added, removed or promoted. A ring that is kept in the store is replaced
    /// there too.
    ///
    /// # Errors
    /// [`OpenError`] when it is not the store's ring: then everything stays as it was.
    pub async fn exchange(&self, ring: KeyRing) -> Result<(), OpenError> {
        bind(&*self.store, &ring).await?;
        if let Some(kept) = self.store.meta(KEPT_RING).await?.map(Zeroizing::new) {
            // Another process that changes it at the same time has its say.
            self.store.replace_meta(KEPT_RING, Some(&kept), Some(&written(&ring)), None).await?;
        }
        let derived = Derived { ring: Arc::new(ring), tokens: RwLock::default() };
        *self.derived.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(derived);
        Ok(())
    }

    /// The keys that sign a realm's tokens.
    pub(crate) fn token_keys(&self, realm: &Realm) -> Arc<TokenKeys> {
        let derived = self.derived();
        let known = derived.tokens.read().unwrap_or_else(PoisonError::into_inner).get(&realm.slug).cloned();
        known.unwrap_or_else(|| {
            let keys = Arc::new(TokenKeys::of(&derived.ring, &realm.slug));
            let mut cache = derived.tokens.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cache.entry(realm.slug.clone()).or_insert(keys))
        })
    }

    fn derived(&self) -> Arc<Derived> {
        Arc::clone(&self.derived.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("ids", &self.ring().ids()).finish_non_exhaustive()
    }
}

/// Whether a store is bound to a key ring already, so that none may be made anew for it.
///
/// # Errors
/// [`StoreError`] when the store can't be read.
pub async fn is_bound(store: &dyn MetaStore) -> Result<bool, StoreError> {
    Ok(store.meta(CHECK_VALUE).await?.is_some())
}

/// Checks that a store is bound to this key ring, or to none yet.
///
/// # Errors
/// [`OpenError`] when the store can't be read or belongs to another key ring.
pub async fn check_ring(store: &dyn MetaStore, ring: &KeyRing) -> Result<(), OpenError> {
    match store.meta(CHECK_VALUE).await? {
        Some(check) if !ring.has_check_value(&check) => Err(OpenError::OtherKeyRing),
        _ => Ok(()),
    }
}

/// The ring that the store keeps itself, made now where the store has none.
///
/// # Errors
/// [`OpenError`] when the store can't be read, or is bound to a ring that is kept elsewhere.
pub(crate) async fn kept_ring(store: &dyn MetaStore, rng: &dyn Rng) -> Result<KeyRing, OpenError> {
    let mut kept = store.meta(KEPT_RING).await?.map(Zeroizing::new);
    if kept.is_none() {
        kept = if is_bound(store).await? {
            // Another process may have made it since.
            let made = store.meta(KEPT_RING).await?.map(Zeroizing::new);
            Some(made.ok_or(OpenError::KeyRingElsewhere)?)
        } else {
            // Of two processes that make one, both take that of the first.
            let new = written(&KeyRing::generate(rng));
            Some(Zeroizing::new(store.set_meta_once(KEPT_RING, &new).await?))
        };
    }
    let corrupt = || StoreError::Corrupt("the key ring".to_owned());
    let (keys, rest) = kept.as_deref().map_or((&[][..], &[][..]), |bytes| bytes.as_chunks::<KEPT_KEY>());
    let keys = keys.iter().map(|key| read(key).ok_or_else(corrupt)).collect::<Result<Vec<_>, _>>()?;
    let ring = KeyRing::from_keys(keys).ok().filter(|_| rest.is_empty());
    Ok(ring.ok_or_else(corrupt)?)
}

fn written(ring: &KeyRing) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ring.ids().len() * KEPT_KEY));
    for key in ring.keys() {
        bytes.extend_from_slice(&key.id.to_be_bytes());
        bytes.extend_from_slice(&*key.secret);
    }
    bytes
}

fn read(key: &[u8; KEPT_KEY]) -> Option<RingKey> {
    let (id, secret) = key.split_first_chunk()?;
    Some(RingKey { id: u32::from_be_bytes(*id), secret: Zeroizing::new(secret.try_into().ok()?) })
}

async fn bind(store: &(impl MetaStore + ?Sized), ring: &KeyRing) -> Result<(), OpenError> {
    let kept = store.set_meta_once(CHECK_VALUE, &ring.check_value()).await?;
    if ring.has_check_value(&kept) { Ok(()) } else { Err(OpenError::OtherKeyRing) }
}
