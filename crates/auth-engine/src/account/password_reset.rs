//! Lost passwords: a token by mail, good once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, Clock, Credential, CredentialKind, Identifier, InternalError, Language,
    NameKind, Password, PasswordReset, Peer, Profile, ProtocolName, RealmId, Store, StoreError, Timestamp,
    Token,
};
use auth_crypto::opaque;

use super::notices::Notices;
use super::passwords::{PasswordError, PasswordService};
use crate::audit::Auditor;
use crate::credentials::{CredentialFactory, code_has_ended};
use crate::mail_text::{Message, Notice};
use crate::maintenance::outbox::MailQueue;
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::timing::mail_step::next_step;
use crate::users::UserFinder;

/// How long a token is good.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Resets lost passwords by mail.
pub(crate) struct PasswordResetService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) realms: Arc<RealmCache>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) passwords: Arc<PasswordService>,
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether lost passwords are reset by mail.
    pub(crate) is_offered: bool,
}

impl PasswordResetService {
    /// The account whose password a mailed token would set now.
    pub(crate) async fn find(
        store: &dyn Store,
        realm: RealmId,
        token: &Token,
        now: Timestamp,
    ) -> Result<Option<(Credential, Account)>, StoreError> {
        let digest = opaque::digest(token.expose());
        let found = store.by_digest(CredentialKind::PASSWORD_RESET, &digest).await?;
        Ok(found.filter(|(credential, account)| {
            account.user.realm == realm
                && account.user.active
                && account.user.name(NameKind::Directory).is_none()
                && !code_has_ended(credential, now)
        }))
    }
}

#[async_trait]
impl PasswordReset for PasswordResetService {
    async fn forgot_password(
        &self,
        realm: RealmId,
        address: &str,
        language: Option<Language>,
    ) -> Result<Timestamp, ActionError> {
        if !self.is_offered {
            return Err(ActionError::NotOffered);
        }
        let started = self.clock.now();
        let realm = self.realms.by_id(realm).await?;
        let realm = realm.ok_or_else(|| InternalError::corrupt("the realm of a protocol"))?;
        let account = self.users.find(&realm, &Identifier::email(address)).await?;
        // People of a directory have their passwords there.
        let account = account.filter(|account| {
            realm.active && account.user.active && account.user.name(NameKind::Directory).is_none()
        });
        if let Some(account) = account
            && self.limits.reserve_mail(CredentialKind::PASSWORD_RESET, account.user.id, started).await?
        {
            let user = account.user.id;
            let expires = Some(started + LIFETIME);
            let (token, stored) = self.credentials.token(user, CredentialKind::PASSWORD_RESET, expires);
            let message = Message::PasswordReset(&token);
            self.mail.post_with(&stored, &account.user, &message, language).await?;
            tracing::info!(target: "auth::account", %user, "password reset mailed");
        }
        Ok(next_step(started, self.clock.now()))
    }

    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<Profile, ActionError> {
        let found = Self::find(&*self.store, realm, token, self.clock.now()).await?;
        let (credential, account) = found.ok_or(ActionError::WrongToken)?;
        let hashed = self.passwords.hash(&account, new, false, peer.client_key()).await?;
        let audit = self.auditor.by_link(Act::PasswordReset, &account.user, protocol, peer)?;
        // Of two requests with one token one sets its password.
        if !self.store.remove(credential.id, None).await? {
            return Err(ActionError::WrongToken);
        }
        let user = account.user.id;
        let set = self.passwords.store(user, &hashed, None, &audit).await?;
        if !set {
            return Err(ActionError::WrongToken);
        }
        tracing::info!(target: "auth::account", %user, "password reset");
        self.notices.tell(&account.user, Notice::PasswordReset, protocol, peer).await;
        let realm = self.realms.by_id(realm).await?;
        let realm = realm.ok_or_else(|| InternalError::corrupt("an account's realm"))?;
        Ok(Profile::new(account, realm))
    }
}

impl From<PasswordError> for ActionError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Empty | PasswordError::TooWeak(_) | PasswordError::TooLong => {
                Self::WeakPassword(Vec::new())
            }
            PasswordError::AgainstPolicy(rules) => Self::WeakPassword(rules),
            PasswordError::NoUser => Self::NoSuchUser,
            PasswordError::NoRealm => InternalError::corrupt("an account's realm").into(),
            PasswordError::Internal(error) => error.into(),
        }
    }
}

impl fmt::Debug for PasswordResetService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordResetService").field("is_offered", &self.is_offered).finish_non_exhaustive()
    }
}
