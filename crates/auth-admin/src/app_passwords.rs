//! App passwords: made, listed, revoked.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, Credential, CredentialKind, Password, ProtocolName, Rng, Store, Timestamp, is_control,
};
use auth_crypto::opaque;
use auth_engine::rules::RuleSet;
use auth_engine::{Added, CredentialFactory, Engine, add_named};

use crate::error::AdminError;
use crate::scribe::{Author, Scribe};

/// Administers app passwords.
pub struct AppPasswords {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
    rules: Arc<RuleSet>,
    scribe: Scribe,
    rng: Arc<dyn Rng>,
}

impl AppPasswords {
    /// Administers the app passwords of an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            store: Arc::clone(engine.store()),
            credentials: Arc::clone(engine.credentials()),
            rules: Arc::clone(engine.rules()),
            scribe: Scribe::new(engine),
            rng: Arc::clone(engine.rng()),
        }
    }

    /// Sets whom the audit log names in place of the operator: an [`Actor`](auth_core::Actor), such as a directory, or an
    /// [`Author`].
    #[must_use]
    pub fn acting_as(self, author: impl Into<Author>) -> Self {
        Self { scribe: self.scribe.acting_as(author), ..self }
    }

    /// Makes an app password for some protocols, or for all that it can be for if none is named; `None` when the account has
    /// one of that name. This is the only time that it is shown. A person's is for protocols without a second step alone: at
    /// others it would do away with the second factor.
    ///
    /// # Errors
    /// [`AdminError::BadName`], [`AdminError::HasSecondStep`] when a protocol is not for it,
    /// [`AdminError::TooManyAppPasswords`] when the account has [`MOST_NAMED`](auth_engine::MOST_NAMED),
    /// [`AdminError::NoUser`] when the account is gone, or [`AdminError::Store`].
    pub async fn add(
        &self,
        account: &Account,
        name: &str,
        protocols: Vec<ProtocolName>,
        ends: Option<Timestamp>,
    ) -> Result<Option<Password>, AdminError> {
        if name.contains(is_control) {
            return Err(AdminError::BadName);
        }
        let user = account.user.id;
        let is_bot = account.user.bot.is_some();
        let protocols = self.rules.app_password_protocols(is_bot, &protocols);
        let protocols = protocols.map_err(AdminError::HasSecondStep)?;
        let password = opaque::app_password(&*self.rng);
        let mut credential = self.credentials.app_password(user, name, &password);
        credential.scope.protocols = protocols;
        credential.expires = ends;
        let audit = self.scribe.row(Act::AppPasswordMade, account, name);
        match add_named(&*self.store, &credential, &audit, Act::AppPasswordRevoked).await? {
            Added::Yes => return Ok(Some(password)),
            Added::TooMany => return Err(AdminError::TooManyAppPasswords),
            Added::Taken => {}
        }
        if self.store.user(user).await?.is_none() {
            return Err(AdminError::NoUser);
        }
        Ok(None)
    }

    /// The app passwords of an account, oldest first, also those that have ended.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn list(&self, account: &Account) -> Result<Vec<Credential>, AdminError> {
        Ok(self.store.of_user(account.user.id, CredentialKind::APP_PASSWORD).await?)
    }

    /// Revokes the app password of that name; `false` when there is none.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn revoke(&self, account: &Account, name: &str) -> Result<bool, AdminError> {
        let own = self.list(account).await?;
        match own.into_iter().find(|password| password.label.as_deref() == Some(name)) {
            Some(password) => {
                let audit = self.scribe.row(Act::AppPasswordRevoked, account, name);
                Ok(self.store.remove(password.id, Some(&audit)).await?)
            }
            None => Ok(false),
        }
    }
}

impl fmt::Debug for AppPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppPasswords").finish_non_exhaustive()
    }
}
