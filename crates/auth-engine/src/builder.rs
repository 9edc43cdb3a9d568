//! Builds the engine: with what it is built, and what is refused.

mod assembly;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use auth_core::{
    Clock, PasswordBackend, ProtocolRules, Realm, Rng, Stopwatch, Store, SystemClock, SystemRng,
    SystemStopwatch, cores,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::password::is_affordable;
use auth_crypto::pool::{HashingPool, PoolConfig};

use self::assembly::Parts;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::OpenError;
use crate::key_source::KeySource;

/// Builds an [`Engine`]: see [`Engine::builder`].
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    backends: Vec<Arc<dyn PasswordBackend>>,
    rules: Vec<Arc<dyn ProtocolRules>>,
    pool: Option<Arc<HashingPool>>,
    keys: KeySource,
    clock: Arc<dyn Clock>,
    stopwatch: Arc<dyn Stopwatch>,
    rng: Arc<dyn Rng>,
    config: Config,
    is_for_repair: bool,
}

impl Engine {
    /// Begins to build an engine over a store. What is not set is the default:
    ///
    /// | part | default |
    /// | --- | --- |
    /// | clock, stopwatch, random numbers | the operating system's |
    /// | hashing pool | a thread for each core, three hashes side by side on each at most: [`HashingPool::fit_width`] finds how many get most done |
    /// | key ring | made when the store is opened first, and kept in the store |
    /// | password backends | stored passwords |
    /// | configuration | [`Config::default`] |
    ///
    /// A key ring in the store doesn't protect sealed secrets from a reader of the store. To keep the ring elsewhere, see
    /// `EngineBuilder::key_file` and [`EngineBuilder::key_ring`].
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::path::Path;
    /// use std::sync::Arc;
    /// use auth_engine::Engine;
    /// use auth_store::Sqlite;
    ///
    /// let store = Sqlite::open(Path::new("accounts.db"))?;
    /// let engine = Engine::builder(Arc::new(store)).key_file("keys.toml").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn builder(store: Arc<dyn Store>) -> EngineBuilder {
        EngineBuilder {
            store,
            backends: Vec::new(),
            rules: Vec::new(),
            pool: None,
            keys: KeySource::Store,
            clock: Arc::new(SystemClock),
            stopwatch: Arc::new(SystemStopwatch::start()),
            rng: Arc::new(SystemRng),
            config: Config::default(),
            is_for_repair: false,
        }
    }
}

impl EngineBuilder {
    /// The store that the engine will be over: a password backend may look at it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Sets the configuration.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Adds a password backend beside the local one, which every engine has under the name `local`. Realms list the backends
    /// that they ask. A backend that says whose a password is has an entry among [`Config::directories`].
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn PasswordBackend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Adds the rules of a protocol. They replace the built-in rules of a protocol of the same name.
    #[must_use]
    pub fn rules(mut self, rules: Arc<dyn ProtocolRules>) -> Self {
        self.rules.push(rules);
        self
    }

    /// Has passwords hashed by this pool, which several engines may share.
    #[must_use]
    pub fn pool(self, pool: Arc<HashingPool>) -> Self {
        Self { pool: Some(pool), ..self }
    }

    /// Seals and signs with this key ring, which the program keeps itself.
    #[must_use]
    pub fn key_ring(self, ring: Arc<KeyRing>) -> Self {
        Self { keys: KeySource::Given(ring), ..self }
    }

    /// Seals and signs with the key ring in this file, which is made with mode 0600 where a new store has none. The file has
    /// the form of auth-server's key file. Keep a copy of it apart from those of the store.
    #[cfg(feature = "key-file")]
    #[must_use]
    pub fn key_file(self, path: impl Into<std::path::PathBuf>) -> Self {
        Self { keys: KeySource::File(path.into()), ..self }
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Measures how long hashes and looks at the store take by this stopwatch.
    #[must_use]
    pub fn stopwatch(self, stopwatch: Arc<dyn Stopwatch>) -> Self {
        Self { stopwatch, ..self }
    }

    /// Draws random bytes from this source, which must be fit for keys.
    #[must_use]
    pub fn rng(self, rng: Arc<dyn Rng>) -> Self {
        Self { rng, ..self }
    }

    /// Opens the engine also where a realm lists a backend that the engine lacks, for programs with which operators repair
    /// that. Logins in such a realm fail with an internal error.
    #[must_use]
    pub fn for_repair(self) -> Self {
        Self { is_for_repair: true, ..self }
    }

    /// Checks that every backend has a name of its own, and that directories and their rights belong together.
    fn check_backends(&self) -> Result<(), OpenError> {
        let mut names = BTreeSet::from([Realm::LOCAL]);
        if let Some(twice) = self.backends.iter().find(|backend| !names.insert(backend.name())) {
            return Err(OpenError::SameBackend(twice.name().to_owned()));
        }
        if let Some(lost) = self.config.directories.keys().find(|name| !names.contains(name.as_str())) {
            return Err(OpenError::DirectoryWithoutBackend(lost.clone()));
        }
        let has_rights = |name| self.config.directories.contains_key(name);
        match self.backends.iter().find(|backend| backend.is_directory() && !has_rights(backend.name())) {
            Some(directory) => Err(OpenError::DirectoryWithoutRights(directory.name().to_owned())),
            None => Ok(()),
        }
    }

    /// Checks that the engine has the backends that realms list.
    async fn check_realms(&self) -> Result<(), OpenError> {
        let has = |name: &String| {
            name == Realm::LOCAL || self.backends.iter().any(|backend| backend.name() == name)
        };
        for realm in self.store.realms().await? {
            if let Some(backend) = realm.backends.into_iter().find(|name| !has(name)) {
                return Err(OpenError::UnknownBackend { realm: realm.slug, backend });
            }
        }
        Ok(())
    }

    /// The pool that was set, or one for this machine.
    fn hashing_pool(&self) -> Result<Arc<HashingPool>, OpenError> {
        let params = self.config.passwords.params;
        if !is_affordable(params) {
            return Err(OpenError::CostlyPasswords);
        }
        if let Some(pool) = &self.pool {
            let is_enough = pool.config().largest_kib() >= params.memory_kib() as usize;
            return if is_enough { Ok(Arc::clone(pool)) } else { Err(OpenError::SmallPool) };
        }
        let config = PoolConfig::new(cores(), PoolConfig::INTERLEAVE, params);
        let pool = HashingPool::new(config, Arc::clone(&self.rng), Arc::clone(&self.stopwatch));
        pool.map(Arc::new).map_err(OpenError::Threads)
    }

    /// Opens the engine. An empty store is bound to the key ring; any other must be bound to it already.
    ///
    /// # Errors
    /// [`OpenError`] when the store can't be read or belongs to another key ring, or parts don't fit together: what would fail
    /// logins later is refused here.
    pub async fn open(self) -> Result<Engine, OpenError> {
        self.check_backends()?;
        if !self.is_for_repair {
            self.check_realms().await?;
        }
        let pool = self.hashing_pool()?;
        let Self { store, backends, rules, keys, clock, stopwatch, rng, config, .. } = self;
        let keys = Arc::new(keys.open(&store, &*rng).await?);
        Parts { store, backends, rules, pool, keys, clock, stopwatch, rng, config }.assemble().await
    }
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
