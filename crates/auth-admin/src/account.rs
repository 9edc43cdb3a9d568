//! What operators do to accounts, from the command line.

mod credentials;
mod verify;

use std::fmt;
use std::time::Duration;

use auth_core::{
    Account, ClientKey, CredentialKind, Lookup, NameKind, Password, PasswordString, PolicyRule, ProtocolName,
    Realm, Revocation, StoreError, Timestamp, UserId,
};
use auth_crypto::password::{SecretInput, StoredPasswordError};
use auth_crypto::strength;

use crate::Engine;

pub use credentials::{NewDevice, TOKENS};
pub use verify::PasswordCheck;

/// A change of password ends sessions and tokens; keys by the operator's choice.
const SESSIONS: [CredentialKind; 4] = [
    CredentialKind::RocketChatToken,
    CredentialKind::WebSession,
    CredentialKind::MailedCode,
    CredentialKind::PasswordReset,
];

/// Why an operator's command did nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum OperatorError {
    /// The store can't do it.
    Store(StoreError),
    /// No realm of that name.
    NoRealm,
    /// No user of that name.
    NoUser,
    /// More than one realm has a user of that name.
    SeveralRealms,
    /// The password is too weak, and why.
    TooWeak(strength::TooWeak),
    /// The password breaks these rules of the password policy.
    AgainstPolicy(Vec<PolicyRule>),
    /// The password is longer than any that can match.
    TooLong,
    /// No room in the hashing queue.
    Busy,
    /// An app password of a person is not for a protocol that can ask for a code.
    HasSecondStep(ProtocolName),
    /// The account has no password here, or one that can't be verified against, and why.
    NoPassword(StoredPasswordError),
}

impl Engine {
    /// The realm of that slug.
    ///
    /// # Errors
    /// [`OperatorError::NoRealm`], or the store's.
    pub async fn realm_named(&self, slug: &str) -> Result<Realm, OperatorError> {
        let realms = self.store.realms().await?;
        realms.into_iter().find(|realm| realm.slug == slug).ok_or(OperatorError::NoRealm)
    }

    /// All realms, by slug.
    ///
    /// # Errors
    /// The store's.
    pub async fn realms_by_slug(&self) -> Result<Vec<Realm>, OperatorError> {
        Ok(self.store.realms().await?)
    }

    /// Whether a new password is strong enough for a realm, or for one to be made. `names` are the user's own,
    /// which make a password weaker.
    ///
    /// # Errors
    /// [`OperatorError::TooWeak`], [`OperatorError::AgainstPolicy`] or [`OperatorError::TooLong`].
    pub fn check_strength(
        &self,
        realm: Option<&Realm>,
        password: &Password,
        names: &[&str],
    ) -> Result<(), OperatorError> {
        if password.is_too_long() {
            return Err(OperatorError::TooLong);
        }
        let broken = self.config.rocketchat.password_policy.map(|policy| policy.broken_by(password));
        if let Some(broken) = broken.filter(|broken| !broken.is_empty()) {
            return Err(OperatorError::AgainstPolicy(broken));
        }
        let rule = realm.map_or(self.config.passwords.strength, |realm| self.strength_rule(realm));
        strength::check(rule, password, names).map_err(OperatorError::TooWeak)
    }

    /// The account that an operator means: by user name, e-mail address or id, in one realm or in all.
    ///
    /// # Errors
    /// [`OperatorError`] when nobody or more than one is meant, or the store can't tell.
    pub async fn account_named(&self, realm: Option<&str>, name: &str) -> Result<Account, OperatorError> {
        if let Ok(id) = name.parse::<UserId>()
            && let Some(account) = self.store.user(id).await?
        {
            return Ok(account);
        }
        let realms = match realm {
            Some(slug) => vec![self.realm_named(slug).await?],
            None => self.store.realms().await?,
        };
        let mut found = None;
        for realm in realms {
            for kind in NameKind::ALL {
                let account = self.store.find(realm.id, &Lookup::Name(kind, name)).await?;
                if let Some(account) = account {
                    if found.is_some() {
                        return Err(OperatorError::SeveralRealms);
                    }
                    found = Some(account);
                    break;
                }
            }
        }
        found.ok_or(OperatorError::NoUser)
    }

    /// Up to `limit` accounts of a realm by id, from the first after `after` on.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts(
        &self,
        realm: &Realm,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, OperatorError> {
        Ok(self.store.users(realm.id, after, limit).await?)
    }

    /// Sets a password: hashed, and with what was signed in before ended.
    ///
    /// # Errors
    /// [`OperatorError`] when it is too weak (unless `allow_weak`) or too long, or the store can't.
    pub async fn set_password(
        &self,
        account: &Account,
        password: &Password,
        allow_weak: bool,
    ) -> Result<(), OperatorError> {
        let hashed = self.hash_password(account, password, allow_weak, ClientKey::default()).await?;
        let there = self.store_password(account.user.id, &hashed).await?;
        if there { Ok(()) } else { Err(OperatorError::NoUser) }
    }

    /// A new password of an account as it will be stored. Unless `allow_weak`, it must be strong enough.
    pub(crate) async fn hash_password(
        &self,
        account: &Account,
        password: &Password,
        allow_weak: bool,
        network: ClientKey,
    ) -> Result<PasswordString, OperatorError> {
        let realms = self.store.realms().await?;
        let realm =
            realms.into_iter().find(|realm| realm.id == account.user.realm).ok_or(OperatorError::NoRealm)?;
        let names: Vec<&str> = account.user.names.iter().map(|name| name.exact.as_str()).collect();
        match self.check_strength(Some(&realm), password, &names) {
            Err(OperatorError::TooWeak(_) | OperatorError::AgainstPolicy(_)) if allow_weak => {}
            checked => checked?,
        }
        let secret = SecretInput::Password(password.clone());
        self.pool.hash(secret, self.hashing_rule(&realm), network).await.map_err(|_| OperatorError::Busy)
    }

    /// Stores a new password and ends what was signed in before; `false` when the account is gone.
    pub(crate) async fn store_password(
        &self,
        user: UserId,
        hashed: &PasswordString,
    ) -> Result<bool, StoreError> {
        let mut kinds = SESSIONS.to_vec();
        if self.config.revoke_on_password_change {
            kinds.extend([
                CredentialKind::ZulipKey,
                CredentialKind::PersonalToken,
                CredentialKind::AppPassword,
            ]);
        }
        let ends = Revocation { valid_from: Some(self.next_valid_from()), kinds: &kinds };
        self.store.set_password(user, Some(hashed), &ends).await
    }

    /// Deactivates an account, which refuses everything at once and ends its sessions but keeps its keys
    /// sealed, or activates it again.
    ///
    /// # Errors
    /// [`OperatorError::NoUser`] when it is gone, or the store's.
    pub async fn set_active(&self, account: &Account, active: bool) -> Result<(), OperatorError> {
        let ends = if active {
            Revocation { valid_from: None, kinds: &[] }
        } else {
            Revocation { valid_from: Some(self.next_valid_from()), kinds: &SESSIONS }
        };
        let there = self.store.set_active(account.user.id, active, &ends).await?;
        if there { Ok(()) } else { Err(OperatorError::NoUser) }
    }

    /// Deletes an account with all that belongs to it.
    ///
    /// # Errors
    /// [`OperatorError::NoUser`] when it is gone, or the store's.
    pub async fn delete_account(&self, account: &Account) -> Result<(), OperatorError> {
        let there = self.store.delete(account.user.id).await?;
        if there { Ok(()) } else { Err(OperatorError::NoUser) }
    }

    /// Two seconds on, so that no whole-second rounding lets a token through that was issued before.
    fn next_valid_from(&self) -> Timestamp {
        self.now() + Duration::from_secs(2)
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the store can't do it"),
            Self::NoRealm => f.write_str("there is no such realm"),
            Self::NoUser => f.write_str("there is no such user"),
            Self::SeveralRealms => f.write_str("several realms have a user of that name: say which"),
            Self::TooWeak(_) => f.write_str("the password is too weak"),
            Self::AgainstPolicy(rules) => {
                let rules = rules.iter().map(PolicyRule::to_string).collect::<Vec<_>>().join(", ");
                write!(f, "the password is against [rocketchat.password_policy]: {rules}")
            }
            Self::TooLong => write!(f, "the password is longer than {} bytes", Password::MAX_BYTES),
            Self::Busy => f.write_str("the hashing queue is full"),
            Self::HasSecondStep(protocol) => write!(
                f,
                "the {} protocol can ask for a second factor: there only bots have app passwords",
                protocol.as_str()
            ),
            Self::NoPassword(_) => f.write_str("the password can't be tried"),
        }
    }
}

impl std::error::Error for OperatorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::TooWeak(why) => Some(why),
            Self::NoPassword(why) => Some(why),
            _ => None,
        }
    }
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
