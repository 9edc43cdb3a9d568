//! The engine: owns the services, and hands each call to the one that it is for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    ActionError, ApiKey, ApiKeys, Authenticator, Caller, ChangeListener, CheckReply, Clock, CredentialCheck,
    DevelopmentUsers, Enrolment, Grant, Identifier, InternalError, LoginAttempt, LoginReply, OneTimeCode,
    Password, PasswordBackend, PasswordReset, Peer, PersonalToken, PersonalTokens, Principal, Profile,
    ProtocolName, ProtocolRules, RateLimitStatus, Realm, RealmId, RealmName, Realms, RequestLimits, Rng,
    SecondFactors, Sessions, Store, StoreError, Timestamp, Token, TokenError, TokenForm, TokenRenewal,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::pool::HashingPool;

use crate::account::api_keys::ApiKeyService;
use crate::account::confirm::StepUp;
use crate::account::development::DevelopmentService;
use crate::account::password_reset::PasswordResetService;
use crate::account::passwords::PasswordService;
use crate::account::personal_tokens::PersonalTokenService;
use crate::account::second_factors::SecondFactorService;
use crate::account::sessions::SessionService;
use crate::config::{Config, SecondFactorConfig};
use crate::credentials::CredentialFactory;
use crate::directories::Directories;
use crate::error::OpenError;
use crate::grants::GrantIssuer;
use crate::keys::Keys;
use crate::login::app_password::AppPasswords;
use crate::login::backends::BackendChain;
use crate::login::directory::DirectoryAccounts;
use crate::login::local_backend::LocalBackend;
use crate::login::log::AttemptLog;
use crate::login::passwordless::Passwordless;
use crate::login::pipeline::LoginPipeline;
use crate::login::second_factor::{Parts, SecondFactorCheck};
use crate::maintenance::outbox::MailQueue;
use crate::maintenance::purge::Purger;
use crate::rate_limit::local::LocalLimits;
use crate::rate_limit::priority::{FROM_LOG, Priorities};
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::rules::{CODE_REPLAY, RuleSet};
use crate::timing::delay_slots::DelaySlots;
use crate::timing::failure_delay::FailureDelay;
use crate::token::cache::CredentialCache;
use crate::token::check::CredentialChecker;
use crate::token::renew::TokenRenewer;
use crate::users::{UserFactory, UserFinder};

/// The login pipeline over a store: see the crate's front page.
pub struct Engine {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    config: Config,
    keys: Arc<Keys>,
    realms: Arc<RealmCache>,
    credentials: Arc<CredentialFactory>,
    users: Arc<UserFactory>,
    backends: Arc<BackendChain>,
    directory_accounts: Arc<DirectoryAccounts>,
    rules: Arc<RuleSet>,
    passwords: Arc<PasswordService>,
    cache: Arc<CredentialCache>,
    limits: Arc<AttemptLimits>,
    pipeline: LoginPipeline,
    checker: Arc<CredentialChecker>,
    renewer: TokenRenewer,
    api_keys: ApiKeyService,
    development: DevelopmentService,
    sessions: SessionService,
    personal_tokens: PersonalTokenService,
    second_factors: SecondFactorService,
    password_reset: PasswordResetService,
    mail: Arc<MailQueue>,
    purger: Purger,
}

/// The parts from which an engine is built.
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct EngineBuilder {
    /// Keeps the records.
    pub store: Arc<dyn Store>,
    /// Password backends beside the local one, which every engine has under the name `local`. A backend that says whose a
    /// password is has an entry among the configuration's `directories`.
    pub backends: Vec<Arc<dyn PasswordBackend>>,
    /// The rules of protocols beside this project's own.
    pub rules: Vec<Arc<dyn ProtocolRules>>,
    /// Hashes passwords.
    pub pool: Arc<HashingPool>,
    /// Seals and signs.
    pub ring: Arc<KeyRing>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random bytes.
    pub rng: Arc<dyn Rng>,
    /// The operator's configuration.
    pub config: Config,
}

impl EngineBuilder {
    /// Builds the engine. An empty store is bound to the key ring; any other must be bound to it already.
    ///
    /// # Errors
    /// [`OpenError`] when the store can't be read or belongs to another key ring.
    pub async fn open(self) -> Result<Engine, OpenError> {
        let Self { store, mut backends, rules, pool, ring, clock, rng, config } = self;
        let keys = Arc::new(Keys::open(Arc::clone(&store), ring).await?);
        let rules = Arc::new(RuleSet::new(&config, rules));
        let realms = Arc::new(RealmCache::new(Arc::clone(&store), Arc::clone(&clock), config.outage));
        let directories = Arc::new(Directories::new(config.directories.clone()));
        let credentials =
            Arc::new(CredentialFactory::new(Arc::clone(&keys), Arc::clone(&clock), Arc::clone(&rng)));
        let finder = Arc::new(UserFinder::new(Arc::clone(&store), Arc::clone(&directories)));
        let users = Arc::new(UserFactory::new(Arc::clone(&rules), Arc::clone(&rng)));
        let mail = Arc::new(MailQueue::new(
            Arc::clone(&store),
            Arc::clone(&keys),
            Arc::clone(&clock),
            Arc::clone(&rng),
        ));
        let passwords = Arc::new(PasswordService::new(
            Arc::clone(&store),
            Arc::clone(&realms),
            Arc::clone(&pool),
            Arc::clone(&clock),
            &config,
        ));

        let local_limits = LocalLimits::new(&config, &rules);
        let purger = Purger::new(Arc::clone(&store), Arc::clone(&clock), local_limits.longest_window());
        let limits = Arc::new(AttemptLimits::new(local_limits, Arc::clone(&store), Arc::clone(&clock)));
        let log = store.attempts(FROM_LOG).await?;
        let priorities = Arc::new(Priorities::new(Arc::clone(&clock), &log));
        let local = LocalBackend::new(
            Arc::clone(&store),
            Arc::clone(&pool),
            Arc::clone(&priorities),
            config.passwords,
        );
        backends.insert(0, Arc::new(local));
        let backends = Arc::new(BackendChain::new(backends, Arc::clone(&directories)));
        let directory_accounts = Arc::new(DirectoryAccounts::new(
            Arc::clone(&store),
            Arc::clone(&directories),
            Arc::clone(&users),
            Arc::clone(&clock),
            config.rocketchat.email_2fa_auto_opt_in,
        ));

        let cache = Arc::new(CredentialCache::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.outage,
            config.cached_credentials as usize,
        ));
        let listener: Arc<dyn ChangeListener> = Arc::clone(&cache) as _;
        store.listen(Arc::downgrade(&listener));
        let checker = Arc::new(CredentialChecker::new(
            Arc::clone(&store),
            Arc::clone(&cache),
            Arc::clone(&realms),
            Arc::clone(&keys),
            Arc::clone(&limits),
            Arc::clone(&clock),
        ));
        let issuer = Arc::new(GrantIssuer::new(
            Arc::clone(&store),
            Arc::clone(&credentials),
            Arc::clone(&keys),
            Arc::clone(&rules),
            Arc::clone(&clock),
            config.zettelstore.token_lifetime,
        ));
        let renewer = TokenRenewer::new(Arc::clone(&checker), Arc::clone(&issuer), Arc::clone(&clock));

        let factor_config =
            SecondFactorConfig::new(&config.rocketchat, config.rocketchat.exact.has(CODE_REPLAY));
        let second_factor = Arc::new(SecondFactorCheck::new(Parts {
            store: Arc::clone(&store),
            credentials: Arc::clone(&credentials),
            limits: Arc::clone(&limits),
            backends: Arc::clone(&backends),
            directories: Arc::clone(&directories),
            mail: Arc::clone(&mail),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            config: factor_config,
        }));
        let step_up = Arc::new(StepUp::new(
            Arc::clone(&store),
            Arc::clone(&finder),
            Arc::clone(&directories),
            Arc::clone(&credentials),
            Arc::clone(&second_factor),
            Arc::clone(&clock),
            factor_config,
        ));
        let pipeline = LoginPipeline {
            store: Arc::clone(&store),
            rules: Arc::clone(&rules),
            users: Arc::clone(&finder),
            limits: Arc::clone(&limits),
            priorities,
            slots: DelaySlots::new(config.max_delayed as usize),
            failure_delay: FailureDelay::open(Arc::clone(&store), pool, Arc::clone(&clock), config.passwords)
                .await?,
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
            second_factor: Arc::clone(&second_factor),
            issuer: Arc::clone(&issuer),
            log: AttemptLog::new(Arc::clone(&store), Arc::clone(&clock), config.log_names),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            strength: config.passwords.strength,
            password_only: config.allow_password_only_with_2fa,
        };
        Ok(Engine {
            api_keys: ApiKeyService::new(Arc::clone(&store), Arc::clone(&credentials)),
            development: DevelopmentService::new(
                Arc::clone(&store),
                Arc::clone(&realms),
                config.zulip.development,
            ),
            sessions: SessionService::new(
                Arc::clone(&store),
                Arc::clone(&step_up),
                issuer,
                config.rocketchat.create_token_secret.clone(),
            ),
            personal_tokens: PersonalTokenService::new(
                Arc::clone(&store),
                Arc::clone(&credentials),
                Arc::clone(&step_up),
            ),
            second_factors: SecondFactorService {
                store: Arc::clone(&store),
                realms: Arc::clone(&realms),
                users: Arc::clone(&finder),
                credentials: Arc::clone(&credentials),
                limits: Arc::clone(&limits),
                step_up,
                check: second_factor,
                clock: Arc::clone(&clock),
                rng: Arc::clone(&rng),
                totp_delta: config.rocketchat.totp_delta,
            },
            password_reset: PasswordResetService {
                store: Arc::clone(&store),
                realms: Arc::clone(&realms),
                users: finder,
                credentials: Arc::clone(&credentials),
                limits: Arc::clone(&limits),
                passwords: Arc::clone(&passwords),
                mail: Arc::clone(&mail),
                clock: Arc::clone(&clock),
                is_offered: config.rocketchat.password_reset,
                site_url: config.rocketchat.site_url.clone(),
            },
            store,
            clock,
            rng,
            config,
            keys,
            realms,
            credentials,
            users,
            backends,
            directory_accounts,
            rules,
            passwords,
            cache,
            limits,
            pipeline,
            checker,
            renewer,
            mail,
            purger,
        })
    }
}

/// The services behind the engine, for crates that work on the same store: administration, import and export.
impl Engine {
    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The source of random bytes.
    #[must_use]
    pub fn rng(&self) -> &Arc<dyn Rng> {
        &self.rng
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The key ring in use.
    #[must_use]
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The realms.
    #[must_use]
    pub fn realms(&self) -> &Arc<RealmCache> {
        &self.realms
    }

    /// Makes and opens credentials.
    #[must_use]
    pub fn credentials(&self) -> &Arc<CredentialFactory> {
        &self.credentials
    }

    /// Makes records of new users.
    #[must_use]
    pub fn users(&self) -> &Arc<UserFactory> {
        &self.users
    }

    /// The password backends.
    #[must_use]
    pub fn backends(&self) -> &Arc<BackendChain> {
        &self.backends
    }

    /// The accounts of directory entries.
    #[must_use]
    pub fn directory_accounts(&self) -> &Arc<DirectoryAccounts> {
        &self.directory_accounts
    }

    /// The rules of every protocol.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Checks, hashes and stores new passwords.
    #[must_use]
    pub fn passwords(&self) -> &Arc<PasswordService> {
        &self.passwords
    }

    /// The queue of outgoing mail.
    #[must_use]
    pub fn mail(&self) -> &Arc<MailQueue> {
        &self.mail
    }

    /// Deletes what has ended.
    #[must_use]
    pub fn purger(&self) -> &Purger {
        &self.purger
    }

    /// Compares the credential cache with the store, and reads the realms anew. To be called twice a second: while nothing
    /// calls it, every check of a credential reads the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read; after a second the cache counts as empty.
    pub async fn compare(&self) -> Result<(), StoreError> {
        self.cache.compare().await?;
        self.realms.read().await.map(drop)
    }

    /// How long after a key was promoted the older one is still needed: until the last token and mailed code that were made
    /// under it have ended.
    #[must_use]
    pub fn retirement_age(&self) -> Duration {
        let (rocketchat, zettelstore) = (&self.config.rocketchat, &self.config.zettelstore);
        let lives =
            [zettelstore.token_lifetime, rocketchat.mailed_code_lifetime, rocketchat.remember_second_factor];
        lives.into_iter().max().unwrap_or_default()
    }
}

#[async_trait]
impl Authenticator for Engine {
    async fn log_in(&self, attempt: LoginAttempt) -> LoginReply {
        self.pipeline.log_in(attempt).await
    }

    async fn check(&self, check: CredentialCheck) -> CheckReply {
        self.checker.check(&check).await
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError> {
        if let Some(credential) = principal.credential {
            self.store.remove(credential).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl TokenRenewal for Engine {
    async fn renew(&self, check: CredentialCheck, form: TokenForm) -> Result<Grant, TokenError> {
        self.renewer.renew(check, form).await
    }
}

impl RequestLimits for Engine {
    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus> {
        self.limits.admit(protocol, route, peer)
    }
}

#[async_trait]
impl Realms for Engine {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        self.realms.realm(name).await
    }
}

#[async_trait]
impl ApiKeys for Engine {
    async fn regenerate_api_key(&self, principal: &Principal) -> Result<ApiKey, ActionError> {
        self.api_keys.regenerate_api_key(principal).await
    }
}

#[async_trait]
impl DevelopmentUsers for Engine {
    async fn development_users(&self) -> Result<Vec<Profile>, ActionError> {
        self.development.development_users().await
    }
}

#[async_trait]
impl Sessions for Engine {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.sessions.end_other_sessions(caller).await
    }

    async fn end_sessions(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
    ) -> Result<Profile, ActionError> {
        self.sessions.end_sessions(caller, of).await
    }

    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Result<(Profile, Grant), ActionError> {
        self.sessions.create_session(caller, of, secret).await
    }
}

#[async_trait]
impl PersonalTokens for Engine {
    async fn create_personal_token(
        &self,
        caller: &Caller<'_>,
        name: &str,
        bypass: bool,
    ) -> Result<Token, ActionError> {
        self.personal_tokens.create_personal_token(caller, name, bypass).await
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<Token, ActionError> {
        self.personal_tokens.replace_personal_token(caller, name).await
    }

    async fn personal_tokens(&self, caller: &Caller<'_>) -> Result<Vec<PersonalToken>, ActionError> {
        self.personal_tokens.personal_tokens(caller).await
    }

    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<(), ActionError> {
        self.personal_tokens.remove_personal_token(caller, name).await
    }
}

#[async_trait]
impl SecondFactors for Engine {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Result<Enrolment, ActionError> {
        self.second_factors.enrol_device(caller).await
    }

    async fn confirm_device(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        self.second_factors.confirm_device(caller, code).await
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Result<bool, ActionError> {
        self.second_factors.remove_device(caller, code).await
    }

    async fn renew_backup_codes(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        self.second_factors.renew_backup_codes(caller, code).await
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Result<usize, ActionError> {
        self.second_factors.backup_codes_left(caller).await
    }

    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Result<(), ActionError> {
        self.second_factors.reset_device(caller, of).await
    }

    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.second_factors.require_mailed_codes(caller).await
    }

    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.second_factors.waive_mailed_codes(caller).await
    }

    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Result<Timestamp, ActionError> {
        self.second_factors.mail_code(realm, who).await
    }

    async fn confirm(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.second_factors.confirm(caller).await
    }
}

#[async_trait]
impl PasswordReset for Engine {
    async fn forgot_password(&self, realm: RealmId, address: &str) -> Result<Timestamp, ActionError> {
        self.password_reset.forgot_password(realm, address).await
    }

    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        peer: &Peer,
    ) -> Result<(), ActionError> {
        self.password_reset.reset_password(realm, token, new, peer).await
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
