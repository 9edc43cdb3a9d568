//! Builds the engine: makes each service with the parts that it uses.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use auth_core::{
    ChangeListener, Clock, PasswordBackend, ProtocolRules, Realm, Rng, Stopwatch, Store, SystemClock,
    SystemRng, SystemStopwatch, cores,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::password::is_affordable;
use auth_crypto::pool::{HashingPool, PoolConfig};

use crate::account::address_verification::AddressVerificationService;
use crate::account::api_keys::ApiKeyService;
use crate::account::confirm::StepUp;
use crate::account::development::DevelopmentService;
use crate::account::device_removals::DeviceRemovals;
use crate::account::forward_sessions::ForwardSessionService;
use crate::account::notices::Notices;
use crate::account::own_account::OwnAccountService;
use crate::account::own_credentials::OwnCredentialService;
use crate::account::password_reset::PasswordResetService;
use crate::account::passwords::PasswordService;
use crate::account::personal_tokens::PersonalTokenService;
use crate::account::present_password::PresentPassword;
use crate::account::second_factors::SecondFactorService;
use crate::account::sessions::SessionService;
use crate::audit::Auditor;
use crate::config::{Config, SecondFactorConfig};
use crate::credentials::CredentialFactory;
use crate::directories::Directories;
use crate::engine::Engine;
use crate::error::OpenError;
use crate::grants::GrantIssuer;
use crate::key_source::KeySource;
use crate::login::app_password::AppPasswords;
use crate::login::attempt_log::AttemptLog;
use crate::login::backends::BackendChain;
use crate::login::directory::DirectoryAccounts;
use crate::login::local_backend::LocalBackend;
use crate::login::passwordless::Passwordless;
use crate::login::pipeline::LoginPipeline;
use crate::login::second_factor::SecondFactorCheck;
use crate::login::ticket::Tickets;
use crate::mail_text::Site;
use crate::maintenance::outbox::MailQueue;
use crate::maintenance::purge::Purger;
use crate::memberships::MembershipCache;
use crate::network_rules::NetworkRules;
use crate::rate_limit::local::LocalLimits;
use crate::rate_limit::priority::{KNOWN_PAIRS, KNOWN_WITHIN, Priorities};
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::revocation::RevocationTable;
use crate::rules::{CODE_REPLAY, RuleSet};
use crate::sealed_texts::SealedTextService;
use crate::timing::delay_slots::DelaySlots;
use crate::timing::failure_delay::FailureDelay;
use crate::timing::scheme_registry::warn_of_large_hashes;
use crate::token::cache::CredentialCache;
use crate::token::check::CredentialChecker;
use crate::token::named_secret::NamedSecretChecker;
use crate::token::renew::TokenRenewer;
use crate::token::uses::CredentialUses;
use crate::users::{UserFactory, UserFinder};

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
    /// | hashing pool | a thread for each core |
    /// | key ring | made when the store is opened first, and kept in the store |
    /// | password backends | stored passwords |
    /// | configuration | [`Config::default`] |
    ///
    /// A key ring in the store protects nothing from whoever reads the store. Where that matters, keep it apart: see
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

    /// Adds the rules of a protocol that is none of this project's own, or takes the place of one that is.
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
        let Self { store, mut backends, rules, keys, clock, stopwatch, rng, config, .. } = self;
        let keys = Arc::new(keys.open(&store, &*rng).await?);
        let rules = Arc::new(RuleSet::new(&config, rules));
        let realms = Arc::new(RealmCache::new(Arc::clone(&store), Arc::clone(&clock), config.outage));
        let directories = Arc::new(Directories::new(config.directories.clone()));
        let credentials =
            Arc::new(CredentialFactory::new(Arc::clone(&keys), Arc::clone(&clock), Arc::clone(&rng)));
        let finder = Arc::new(UserFinder::new(Arc::clone(&store), Arc::clone(&directories)));
        let users = Arc::new(UserFactory::new(Arc::clone(&rules), Arc::clone(&clock), Arc::clone(&rng)));
        let mail = Arc::new(MailQueue {
            store: Arc::clone(&store),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            site: Site { name: config.mail.site_name.clone(), url: config.rocketchat.site_url.clone() },
            language: config.mail.language,
            counts: Mutex::default(),
        });
        let notices = Arc::new(Notices {
            mail: Arc::clone(&mail),
            rules: Arc::clone(&rules),
            clock: Arc::clone(&clock),
            config: config.mail.notices,
        });
        let revocations = Arc::new(RevocationTable::new(&rules, config.revoke_on_password_change));
        let local_limits = LocalLimits::new(&config, &rules);
        let network_rules = Arc::new(NetworkRules::new(Arc::clone(&store), Arc::clone(&clock)));
        let limits =
            Arc::new(AttemptLimits::new(local_limits, network_rules, Arc::clone(&store), Arc::clone(&clock)));
        let listener: Arc<dyn ChangeListener> = Arc::clone(&limits) as _;
        store.listen(Arc::downgrade(&listener));
        let passwords = Arc::new(PasswordService::new(
            Arc::clone(&store),
            Arc::clone(&realms),
            Arc::clone(&pool),
            Arc::clone(&clock),
            &config,
            Arc::clone(&revocations),
            Arc::clone(&limits),
        ));

        let uses = Arc::new(CredentialUses::new(Arc::clone(&store)));
        let texts = Arc::new(SealedTextService {
            store: Arc::clone(&store),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
        });
        let attempt_log = Arc::new(AttemptLog::new(Arc::clone(&store), Arc::clone(&clock), config.log_names));
        let purger = Purger::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&attempt_log),
            Arc::clone(&uses),
            limits.local().longest_window(),
        );
        let auditor = Arc::new(Auditor::new(Arc::clone(&clock), Arc::clone(&limits)));
        let known = store.known_clients(KNOWN_WITHIN, KNOWN_PAIRS).await?;
        let priorities = Arc::new(Priorities::new(Arc::clone(&clock), &known));
        let local = LocalBackend::new(
            Arc::clone(&store),
            Arc::clone(&pool),
            Arc::clone(&priorities),
            config.passwords,
        );
        backends.insert(0, Arc::new(local));
        let backends = Arc::new(BackendChain::new(backends, Arc::clone(&directories)));
        let directory_accounts = Arc::new(DirectoryAccounts {
            store: Arc::clone(&store),
            directories: Arc::clone(&directories),
            backends: Arc::clone(&backends),
            users: Arc::clone(&users),
            auditor: Arc::clone(&auditor),
            revocations: Arc::clone(&revocations),
            clock: Arc::clone(&clock),
            mailed_codes: config.rocketchat.email_2fa_auto_opt_in,
        });

        let cache = Arc::new(CredentialCache::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.outage,
            config.cached_credentials as usize,
        ));
        let memberships = MembershipCache::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.outage,
            config.cached_credentials as usize,
        );
        let listener: Arc<dyn ChangeListener> = Arc::clone(&cache) as _;
        store.listen(Arc::downgrade(&listener));
        let checker = Arc::new(CredentialChecker::new(
            Arc::clone(&store),
            Arc::clone(&cache),
            Arc::clone(&realms),
            Arc::clone(&keys),
            Arc::clone(&limits),
            Arc::clone(&uses),
            Arc::clone(&clock),
        ));
        let issuer = Arc::new(GrantIssuer::new(
            Arc::clone(&store),
            Arc::clone(&credentials),
            Arc::clone(&keys),
            Arc::clone(&rules),
            Arc::clone(&clock),
            config.zettelstore,
        ));
        let renewer = TokenRenewer::new(Arc::clone(&checker), Arc::clone(&issuer), Arc::clone(&clock));

        let factor_config =
            SecondFactorConfig::new(&config.rocketchat, config.rocketchat.exact.has(CODE_REPLAY));
        let removals = Arc::new(DeviceRemovals {
            store: Arc::clone(&store),
            credentials: Arc::clone(&credentials),
            revocations: Arc::clone(&revocations),
            auditor: Arc::clone(&auditor),
            notices: Arc::clone(&notices),
            limits: Arc::clone(&limits),
            clock: Arc::clone(&clock),
        });
        let second_factor = Arc::new(SecondFactorCheck {
            store: Arc::clone(&store),
            credentials: Arc::clone(&credentials),
            limits: Arc::clone(&limits),
            priorities: Arc::clone(&priorities),
            backends: Arc::clone(&backends),
            directories: Arc::clone(&directories),
            mail: Arc::clone(&mail),
            removals: Arc::clone(&removals),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            config: factor_config,
        });
        let step_up = Arc::new(StepUp {
            store: Arc::clone(&store),
            users: Arc::clone(&finder),
            directories: Arc::clone(&directories),
            credentials: Arc::clone(&credentials),
            second_factor: Arc::clone(&second_factor),
            present_password: PresentPassword {
                limits: Arc::clone(&limits),
                backends: Arc::clone(&backends),
                log: Arc::clone(&attempt_log),
                clock: Arc::clone(&clock),
            },
            clock: Arc::clone(&clock),
            config: factor_config,
        });
        let failure_delay =
            FailureDelay::open(Arc::clone(&store), Arc::clone(&pool), Arc::clone(&clock), config.passwords)
                .await?;
        warn_of_large_hashes(&*store, &pool).await?;
        let pipeline = Arc::new(LoginPipeline {
            store: Arc::clone(&store),
            rules: Arc::clone(&rules),
            users: Arc::clone(&finder),
            limits: Arc::clone(&limits),
            priorities,
            notices: Arc::clone(&notices),
            slots: DelaySlots::new(config.max_delayed as usize),
            failure_delay,
            app_passwords: AppPasswords::new(Arc::clone(&store), Arc::clone(&clock)),
            backends: Arc::clone(&backends),
            directory_accounts: Arc::clone(&directory_accounts),
            passwordless: Passwordless {
                store: Arc::clone(&store),
                users: Arc::clone(&finder),
                checker: Arc::clone(&checker),
                clock: Arc::clone(&clock),
                assertions: config.zulip.assertions.clone(),
                development: config.zulip.development,
            },
            tickets: Tickets { texts: Arc::clone(&texts) },
            uses: Arc::clone(&uses),
            second_factor: Arc::clone(&second_factor),
            issuer: Arc::clone(&issuer),
            log: attempt_log,
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            strength: config.passwords.strength,
            password_only: config.allow_password_only_with_2fa,
        });
        let named_secrets =
            NamedSecretChecker::new(Arc::clone(&checker), Arc::clone(&pipeline), Arc::clone(&keys));
        let sessions = Arc::new(SessionService::new(
            Arc::clone(&store),
            Arc::clone(&step_up),
            Arc::clone(&issuer),
            Arc::clone(&revocations),
            Arc::clone(&auditor),
            config.rocketchat.create_token_secret.clone(),
        ));
        let addresses = Arc::new(AddressVerificationService {
            store: Arc::clone(&store),
            realms: Arc::clone(&realms),
            users: Arc::clone(&finder),
            credentials: Arc::clone(&credentials),
            limits: Arc::clone(&limits),
            mail: Arc::clone(&mail),
            notices: Arc::clone(&notices),
            revocations: Arc::clone(&revocations),
            auditor: Arc::clone(&auditor),
            clock: Arc::clone(&clock),
        });
        Ok(Engine {
            api_keys: ApiKeyService::new(Arc::clone(&store), Arc::clone(&credentials), Arc::clone(&auditor)),
            development: DevelopmentService::new(
                Arc::clone(&store),
                Arc::clone(&realms),
                config.zulip.development,
            ),
            sessions,
            forward_sessions: ForwardSessionService::new(Arc::clone(&issuer)),
            named_secrets,
            memberships,
            personal_tokens: PersonalTokenService::new(
                Arc::clone(&store),
                Arc::clone(&credentials),
                Arc::clone(&step_up),
                Arc::clone(&auditor),
            ),
            second_factors: SecondFactorService {
                store: Arc::clone(&store),
                realms: Arc::clone(&realms),
                users: Arc::clone(&finder),
                credentials: Arc::clone(&credentials),
                limits: Arc::clone(&limits),
                step_up: Arc::clone(&step_up),
                revocations: Arc::clone(&revocations),
                check: second_factor,
                removals: Arc::clone(&removals),
                auditor: Arc::clone(&auditor),
                notices: Arc::clone(&notices),
                clock: Arc::clone(&clock),
                rng: Arc::clone(&rng),
            },
            password_reset: PasswordResetService {
                store: Arc::clone(&store),
                realms: Arc::clone(&realms),
                users: Arc::clone(&finder),
                credentials: Arc::clone(&credentials),
                limits: Arc::clone(&limits),
                passwords: Arc::clone(&passwords),
                mail: Arc::clone(&mail),
                notices: Arc::clone(&notices),
                auditor: Arc::clone(&auditor),
                clock: Arc::clone(&clock),
                rules: Arc::clone(&rules),
                is_offered: config.rocketchat.password_reset,
            },
            own_credentials: OwnCredentialService {
                store: Arc::clone(&store),
                credentials: Arc::clone(&credentials),
                step_up: Arc::clone(&step_up),
                issuer,
                auditor: Arc::clone(&auditor),
                rules: Arc::clone(&rules),
                uses,
                texts: Arc::clone(&texts),
                notices: Arc::clone(&notices),
                rng: Arc::clone(&rng),
            },
            texts,
            own_account: OwnAccountService {
                store: Arc::clone(&store),
                step_up,
                passwords: Arc::clone(&passwords),
                addresses: Arc::clone(&addresses),
                notices: Arc::clone(&notices),
                auditor: Arc::clone(&auditor),
            },
            address_verification: addresses,
            store,
            clock,
            stopwatch,
            rng,
            pool,
            config,
            keys,
            realms,
            credentials,
            users,
            backends,
            directory_accounts,
            rules,
            passwords,
            revocations,
            cache,
            limits,
            auditor,
            pipeline,
            checker,
            renewer,
            mail,
            notices,
            removals,
            purger,
        })
    }
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
