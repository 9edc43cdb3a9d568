//! The engine: its parts, and how it is put together.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    ChangeListener, Clock, InternalError, PasswordBackend, Realm, Rng, Store, StoreError, StrengthRule,
    Timestamp,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::password::HashingRule;
use auth_crypto::pool::HashingPool;

use crate::config::Config;
use crate::failure_grid::Grid;
use crate::keys::{self, Keys};
use crate::known::KnownCredentials;
use crate::limits::Limits;
use crate::local::LocalBackend;
use crate::priority::{self, Priorities};
use crate::realms::RealmCache;
use crate::waiting::WaitingRoom;

/// The login pipeline over a store: see the crate's front page.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) backends: Vec<Arc<dyn PasswordBackend>>,
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) priorities: Arc<Priorities>,
    pub(crate) known: Arc<KnownCredentials>,
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
        keys::bind(&*store, &ring).await?;
        let log = store.attempts(priority::FROM_LOG).await.map_err(OpenError::Store)?;
        let priorities = Arc::new(Priorities::new(Arc::clone(&clock), &log));
        let local =
            LocalBackend::new(Arc::clone(&store), Arc::clone(&pool), Arc::clone(&priorities), &config);
        backends.insert(0, Arc::new(local));
        let limits = Limits::new(&config);
        let known = Arc::new(KnownCredentials::new(config.known_credentials as usize));
        let listener: Arc<dyn ChangeListener> = Arc::clone(&known) as _;
        store.listen(Arc::downgrade(&listener));
        let waiting = WaitingRoom::new(config.max_waiting as usize);
        let (keys, realms) = (Keys::new(ring), RealmCache::default());
        let grid = Grid::new(config.passwords.failure_grid, config.passwords.params);
        let engine = Self {
            store,
            backends,
            pool,
            keys,
            clock,
            rng,
            config,
            limits,
            priorities,
            known,
            waiting,
            grid,
            realms,
        };
        engine.open_grid().await.map_err(OpenError::Store)?;
        Ok(engine)
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
                "the store is sealed under another key ring: Zulip API keys, TOTP devices and backup codes in it \
                 can't be read with this one, and tokens it signed are not good; bring back the file that it was \
                 made with",
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
pub(crate) fn broken(what: &'static str) -> InternalError {
    InternalError::internal(StoreError::Corrupt(what.to_owned()))
}
