//! The engine: its parts, and how it is put together.

use std::fmt;
use std::sync::Arc;

use auth_core::{Clock, Fault, PasswordBackend, Realm, Rng, Store, StoreError, StrengthRule, Timestamp};
use auth_crypto::keyring::KeyRing;
use auth_crypto::password::HashingRule;
use auth_crypto::pool::HashingPool;

use crate::config::Config;
use crate::failure_grid::Grid;
use crate::limits::Limits;
use crate::local::LocalBackend;
use crate::realms::{RealmCache, TokenKeyCache};
use crate::waiting::WaitingRoom;

/// The name under which the store keeps the key ring's check value.
const CHECK_VALUE: &str = "key-ring-check";

/// The login pipeline over a store: see the crate's front page.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) backends: Vec<Arc<dyn PasswordBackend>>,
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) token_keys: TokenKeyCache,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) waiting: WaitingRoom,
    pub(crate) grid: Grid,
    pub(crate) realms: RealmCache,
}

/// What an engine is made of.
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct Parts {
    /// Keeps the records.
    pub store: Arc<dyn Store>,
    /// Password backends beside the local one, which every engine has under the name `local`. Those that say whose a
    /// password is have rules among the configuration's `directories`.
    pub backends: Vec<Arc<dyn PasswordBackend>>,
    /// Hashes.
    pub pool: Arc<HashingPool>,
    /// Seals and signs.
    pub ring: Arc<KeyRing>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random bytes.
    pub rng: Arc<dyn Rng>,
    /// What the operator wants.
    pub config: Config,
}

/// Why an engine does not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The store can't be read.
    Store(StoreError),
    /// The store's secrets are sealed under another key ring.
    OtherKeyRing,
}

impl Engine {
    /// Puts an engine together. An empty store is bound to the key ring; any other must be bound to it already.
    ///
    /// # Errors
    /// [`OpenError`] when the store can't be read or belongs to another key ring.
    pub async fn open(parts: Parts) -> Result<Self, OpenError> {
        let Parts { store, mut backends, pool, ring, clock, rng, config } = parts;
        let check = ring.check_value();
        if store.set_meta_once(CHECK_VALUE, &check).await.map_err(OpenError::Store)? != check {
            return Err(OpenError::OtherKeyRing);
        }
        let local = LocalBackend::new(Arc::clone(&store), Arc::clone(&pool), &config);
        backends.insert(0, Arc::new(local));
        let limits = Limits::new(&config);
        let waiting = WaitingRoom::new(config.max_waiting as usize);
        let (token_keys, realms) = (TokenKeyCache::default(), RealmCache::default());
        let grid = Grid::new(config.passwords.failure_grid, config.passwords.params);
        let engine = Self {
            store,
            backends,
            pool,
            ring,
            token_keys,
            clock,
            rng,
            config,
            limits,
            waiting,
            grid,
            realms,
        };
        engine.open_grid().await.map_err(OpenError::Store)?;
        Ok(engine)
    }

    /// Whether a store is bound to a key ring already, so that none may be made anew for it.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub async fn is_bound(store: &dyn Store) -> Result<bool, StoreError> {
        Ok(store.meta(CHECK_VALUE).await?.is_some())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What new hashes of a realm look like.
    pub(crate) fn hashing_rule(&self, realm: &Realm) -> HashingRule {
        HashingRule { params: self.config.passwords.params, digest_ready: realm.digest_logins }
    }

    /// What new passwords of a realm must fulfil.
    pub(crate) fn strength_rule(&self, realm: &Realm) -> StrengthRule {
        realm.strength.unwrap_or(self.config.passwords.strength)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the store can't be read"),
            Self::OtherKeyRing => f.write_str(
                "the store is sealed under another key ring: keys and second factors in it can't be read with \
                 this one",
            ),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::OtherKeyRing => None,
        }
    }
}

/// A stored record that breaks an invariant.
pub(crate) fn broken(what: &'static str) -> Fault {
    Fault::internal(StoreError::Corrupt(what.to_owned()))
}
