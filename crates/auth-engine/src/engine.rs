//! The engine: owns the services.

mod services;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Account, Clock, InternalError, Rng, Stopwatch, Store, StoreError};
use auth_crypto::pool::HashingPool;

use crate::account::address_verification::AddressVerificationService;
use crate::account::api_keys::ApiKeyService;
use crate::account::development::DevelopmentService;
use crate::account::device_removals::DeviceRemovals;
use crate::account::forward_sessions::ForwardSessionService;
use crate::account::notices::Notices;
use crate::account::own_account::OwnAccountService;
use crate::account::own_credentials::OwnCredentialService;
use crate::account::password_reset::PasswordResetService;
use crate::account::passwords::PasswordService;
use crate::account::personal_tokens::PersonalTokenService;
use crate::account::second_factors::SecondFactorService;
use crate::account::sessions::SessionService;
use crate::audit::Auditor;
use crate::config::Config;
use crate::credentials::CredentialFactory;
use crate::keys::Keys;
use crate::login::attempt_counts::AttemptCount;
use crate::login::backends::BackendChain;
use crate::login::directory::DirectoryAccounts;
use crate::login::pipeline::LoginPipeline;
use crate::maintenance::outbox::MailQueue;
use crate::maintenance::purge::Purger;
use crate::memberships::MembershipCache;
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::revocation::RevocationTable;
use crate::rules::RuleSet;
use crate::sealed_texts::SealedTextService;
use crate::token::cache::CredentialCache;
use crate::token::check::CredentialChecker;
use crate::token::named_secret::NamedSecretChecker;
use crate::token::renew::TokenRenewer;
use crate::users::UserFactory;

/// The login pipeline over a store: see the crate's front page.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stopwatch: Arc<dyn Stopwatch>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) config: Config,
    pub(crate) keys: Arc<Keys>,
    pub(crate) realms: Arc<RealmCache>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) users: Arc<UserFactory>,
    pub(crate) backends: Arc<BackendChain>,
    pub(crate) directory_accounts: Arc<DirectoryAccounts>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) passwords: Arc<PasswordService>,
    pub(crate) revocations: Arc<RevocationTable>,
    pub(crate) cache: Arc<CredentialCache>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) pipeline: Arc<LoginPipeline>,
    pub(crate) checker: Arc<CredentialChecker>,
    pub(crate) renewer: TokenRenewer,
    pub(crate) api_keys: ApiKeyService,
    pub(crate) development: DevelopmentService,
    pub(crate) sessions: Arc<SessionService>,
    pub(crate) forward_sessions: ForwardSessionService,
    pub(crate) named_secrets: NamedSecretChecker,
    pub(crate) memberships: MembershipCache,
    pub(crate) personal_tokens: PersonalTokenService,
    pub(crate) second_factors: SecondFactorService,
    pub(crate) password_reset: PasswordResetService,
    pub(crate) own_account: OwnAccountService,
    pub(crate) own_credentials: OwnCredentialService,
    pub(crate) texts: Arc<SealedTextService>,
    pub(crate) address_verification: Arc<AddressVerificationService>,
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) removals: Arc<DeviceRemovals>,
    pub(crate) purger: Purger,
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

    /// The hashing pool.
    #[must_use]
    pub fn pool(&self) -> &Arc<HashingPool> {
        &self.pool
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

    /// The kinds of credentials that each event ends.
    #[must_use]
    pub fn revocations(&self) -> &Arc<RevocationTable> {
        &self.revocations
    }

    /// Makes rows of the audit log.
    #[must_use]
    pub fn auditor(&self) -> &Arc<Auditor> {
        &self.auditor
    }

    /// The queue of outgoing mail.
    #[must_use]
    pub fn mail(&self) -> &Arc<MailQueue> {
        &self.mail
    }

    /// The limits of attempts.
    #[must_use]
    pub fn limits(&self) -> &Arc<AttemptLimits> {
        &self.limits
    }

    /// The mails that tell owners what was done to their accounts.
    #[must_use]
    pub fn notices(&self) -> &Arc<Notices> {
        &self.notices
    }

    /// The removals of second factors that are held for a day.
    #[must_use]
    pub fn device_removals(&self) -> &Arc<DeviceRemovals> {
        &self.removals
    }

    /// Deletes what has ended.
    #[must_use]
    pub fn purger(&self) -> &Purger {
        &self.purger
    }

    /// The attempts since the start, counted by protocol, outcome and scheme.
    #[must_use]
    pub fn attempt_counts(&self) -> Vec<AttemptCount> {
        self.pipeline.log.counts()
    }

    /// Mails an account a link for a new password, which ends after an hour; `false` when it was sent too many of late.
    ///
    /// # Errors
    /// [`InternalError`] when the mail can't be queued.
    pub async fn mail_link_for_new_password(&self, account: &Account) -> Result<bool, InternalError> {
        self.password_reset.mail_link(account, None, self.clock.now()).await
    }

    /// Compares the credential cache and the groups of users with the store, reads realms and rules of networks anew, and forgets
    /// what was counted of accounts whose limits another server lifted. To be called twice a second: while nothing calls it, every
    /// check of a credential reads the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read; after a second the cache counts as empty.
    pub async fn refresh_caches(&self) -> Result<(), StoreError> {
        self.cache.compare().await?;
        self.memberships.compare().await?;
        self.limits.network_rules().read().await?;
        self.limits.follow_lifted().await?;
        self.realms.read().await.map(drop)
    }

    /// How long an old key is needed after its successor was promoted: the longest lifetime of a signed token, a mailed
    /// code and a remembered second factor.
    #[must_use]
    pub fn retirement_age(&self) -> Duration {
        let (rocketchat, zettelstore) = (&self.config.rocketchat, &self.config.zettelstore);
        let lives =
            [zettelstore.token_lifetime, rocketchat.mailed_code_lifetime, rocketchat.remember_second_factor];
        lives.into_iter().max().unwrap_or_default()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}
