//! New passwords: strong enough, hashed, and stored with what was signed in before revoked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, AuditRecord, ClientKey, Clock, CredentialId, InternalError, Password, PasswordPolicy,
    PasswordString, PolicyRule, ProtocolName, Realm, Revocation, SecretInput, Store, StoreError, Timestamp,
    User,
};
use auth_crypto::password::{HashingRule, NameContext, StoredPassword, Verdict};
use auth_crypto::pool::{HashingPool, Verification};
use auth_crypto::strength;

use crate::config::PasswordConfig;
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::revocation::{RevocationEvent, RevocationTable};

/// Why a password was not set.
#[derive(Debug)]
#[non_exhaustive]
pub enum PasswordError {
    /// The account's realm is gone.
    NoRealm,
    /// The account is gone.
    NoUser,
    /// The password is empty, which no permission makes good.
    Empty,
    /// The password is too weak.
    TooWeak(strength::TooWeak),
    /// The password breaks these rules of the password policy.
    AgainstPolicy(Vec<PolicyRule>),
    /// The password is longer than any that can match.
    TooLong,
    /// The password could not be hashed or stored.
    Internal(InternalError),
}

/// Checks, hashes and stores new passwords.
pub struct PasswordService {
    store: Arc<dyn Store>,
    realms: Arc<RealmCache>,
    pool: Arc<HashingPool>,
    clock: Arc<dyn Clock>,
    config: PasswordConfig,
    policy: Option<PasswordPolicy>,
    revocations: Arc<RevocationTable>,
    limits: Arc<AttemptLimits>,
}

impl PasswordService {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        realms: Arc<RealmCache>,
        pool: Arc<HashingPool>,
        clock: Arc<dyn Clock>,
        config: &crate::Config,
        revocations: Arc<RevocationTable>,
        limits: Arc<AttemptLimits>,
    ) -> Self {
        Self {
            store,
            realms,
            pool,
            clock,
            config: config.passwords,
            policy: config.rocketchat.password_policy,
            revocations,
            limits,
        }
    }

    /// The form of a realm's new hashes.
    #[must_use]
    pub fn hashing_rule(&self, realm: &Realm) -> HashingRule {
        HashingRule { params: self.config.params, digest_ready: realm.digest_logins }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PasswordConfig {
        self.config
    }

    /// The hashing pool.
    #[must_use]
    pub fn pool(&self) -> &HashingPool {
        &self.pool
    }

    /// Checks that a new password is strong enough for a realm, or for one to be made. `names` are the user's own, which
    /// make a password weaker.
    ///
    /// # Errors
    /// [`PasswordError::Empty`], [`PasswordError::TooWeak`], [`PasswordError::AgainstPolicy`] or
    /// [`PasswordError::TooLong`].
    pub fn check_strength(
        &self,
        realm: Option<&Realm>,
        password: &Password,
        names: &[&str],
    ) -> Result<(), PasswordError> {
        if password.expose().is_empty() {
            return Err(PasswordError::Empty);
        }
        if password.is_too_long() {
            return Err(PasswordError::TooLong);
        }
        let broken = self.policy.map(|policy| policy.broken_by(password));
        if let Some(broken) = broken.filter(|broken| !broken.is_empty()) {
            return Err(PasswordError::AgainstPolicy(broken));
        }
        let rule = realm.and_then(|realm| realm.strength).unwrap_or(self.config.strength);
        strength::check(rule, password, names).map_err(PasswordError::TooWeak)
    }

    /// Checks that a new password of a user is strong enough.
    ///
    /// # Errors
    /// Those of [`check_strength`](Self::check_strength).
    pub(crate) fn check_new(
        &self,
        realm: &Realm,
        user: &User,
        password: &Password,
    ) -> Result<(), PasswordError> {
        let names: Vec<&str> = user.names.iter().map(|name| name.exact.as_str()).collect();
        self.check_strength(Some(realm), password, &names)
    }

    /// Hashes a new password of an account. Unless `allow_weak`, it must be strong enough.
    ///
    /// # Errors
    /// [`PasswordError`] when it is empty, too weak or too long, or can't be hashed now.
    pub async fn hash(
        &self,
        account: &Account,
        password: &Password,
        allow_weak: bool,
        client: ClientKey,
    ) -> Result<PasswordString, PasswordError> {
        let realm = self.realms.by_id(account.user.realm).await?.ok_or(PasswordError::NoRealm)?;
        match self.check_new(&realm, &account.user, password) {
            Err(PasswordError::TooWeak(_) | PasswordError::AgainstPolicy(_)) if allow_weak => {}
            checked => checked?,
        }
        let secret = SecretInput::Password(password.clone());
        let hashed = self.pool.hash(secret, self.hashing_rule(&realm), client).await;
        hashed.map_err(|busy| InternalError::busy(busy.retry_after).into())
    }

    /// Whether a password is the one that an account has.
    ///
    /// # Errors
    /// An [`InternalError`] when it can't be hashed now.
    pub(crate) async fn is_present(
        &self,
        realm: &Realm,
        account: &Account,
        password: &Password,
        client: ClientKey,
    ) -> Result<bool, InternalError> {
        let stored = account.password.as_ref().and_then(|stored| StoredPassword::parse(stored).ok());
        let Some(stored) = stored else { return Ok(false) };
        let user = &account.user;
        let job = Verification {
            stored: Some(stored),
            secret: SecretInput::Password(password.clone()),
            rule: self.hashing_rule(realm),
            context: NameContext {
                zettelstore_id: user.external_number(ProtocolName::ZETTELSTORE),
                user_name: user.user_name().unwrap_or_default().to_owned(),
            },
            class: client.into(),
        };
        let verdict = self.pool.verify(job).await.map_err(|busy| InternalError::busy(busy.retry_after))?;
        Ok(matches!(verdict, Verdict::Match { .. }))
    }

    /// Stores a hashed password, revokes what was signed in before but for `except`, writes the row of the act, and forgets the
    /// wrong passwords that were counted of the account; `false` when the account is gone.
    ///
    /// # Errors
    /// [`StoreError`] when the password may not have been stored.
    pub async fn store(
        &self,
        user: &User,
        hashed: &PasswordString,
        except: Option<CredentialId>,
        audit: &AuditRecord,
    ) -> Result<bool, StoreError> {
        let kinds = self.revocations.kinds(RevocationEvent::NewPassword);
        let revocation = Revocation { valid_from: Some(self.next_valid_from()), kinds: &kinds, except };
        let is_there = self.store.set_password(user.id, Some(hashed), &revocation, Some(audit)).await?;
        if is_there && let Err(error) = self.limits.lift_all_of(user).await {
            // The password is set. What was counted ends by itself.
            tracing::warn!(target: "auth::account", user = %user.id, %error, "limits could not be lifted");
        }
        Ok(is_there)
    }

    /// Hashes a new password of an account, stores it, and revokes what was signed in before.
    ///
    /// # Errors
    /// [`PasswordError`] when it is too weak (unless `allow_weak`) or too long, or may not have been stored.
    pub async fn set(
        &self,
        account: &Account,
        password: &Password,
        allow_weak: bool,
        client: ClientKey,
        audit: &AuditRecord,
    ) -> Result<(), PasswordError> {
        let hashed = self.hash(account, password, allow_weak, client).await?;
        if self.store(&account.user, &hashed, None, audit).await? {
            Ok(())
        } else {
            Err(PasswordError::NoUser)
        }
    }

    /// The stamp from which signed tokens are good after a revocation now: two seconds on, so that no whole-second rounding
    /// lets a token through that was issued before.
    #[must_use]
    pub fn next_valid_from(&self) -> Timestamp {
        self.clock.now() + Duration::from_secs(2)
    }
}

impl fmt::Debug for PasswordService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordService").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRealm => f.write_str("there is no such realm"),
            Self::NoUser => f.write_str("there is no such user"),
            Self::Empty => f.write_str("the password is empty"),
            Self::TooWeak(_) => f.write_str("the password is too weak"),
            Self::AgainstPolicy(rules) => {
                let rules = rules.iter().map(PolicyRule::to_string).collect::<Vec<_>>().join(", ");
                write!(f, "the password is against [rocketchat.password_policy]: {rules}")
            }
            Self::TooLong => write!(f, "the password is longer than {} bytes", Password::MAX_BYTES),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PasswordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooWeak(why) => Some(why),
            Self::Internal(error) => error.source(),
            _ => None,
        }
    }
}

impl From<InternalError> for PasswordError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for PasswordError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}
