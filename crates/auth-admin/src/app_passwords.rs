//! App passwords: named random passwords for clients that know no second step.
//!
//! They have 138 random bits, so a plain digest finds them without the slow hash, also where a client sends the
//! digest in place of the password.

use auth_core::{
    Account, Credential, CredentialKind, Digest, InternalError, Password, ProtocolName, Scope, SecretInput,
    Timestamp,
};
use auth_crypto::opaque;
use data_encoding::HEXLOWER;

use crate::Engine;
use crate::grant::has_ended;
use crate::operator::OperatorError;

/// Protocols where nobody can be asked for a code.
const WITHOUT_SECOND_STEP: [ProtocolName; 2] = [ProtocolName::Zulip, ProtocolName::Zettelstore];

impl Engine {
    /// Makes an app password for some protocols, or for all that it can be for if none is named; `None` when the account
    /// has one of that name. This is the only time that it is shown. A person's is for protocols without a second step
    /// alone: at others it would do away with the second factor.
    ///
    /// # Errors
    /// [`OperatorError::HasSecondStep`] when a protocol is not for it, [`OperatorError::NoUser`] when the account is
    /// gone, or the store's.
    pub async fn add_app_password(
        &self,
        account: &Account,
        name: &str,
        protocols: Vec<ProtocolName>,
        ends: Option<Timestamp>,
    ) -> Result<Option<Password>, OperatorError> {
        let user = account.user.id;
        let is_bot = account.user.bot.is_some();
        if !is_bot
            && let Some(protocol) = protocols.iter().find(|protocol| !WITHOUT_SECOND_STEP.contains(protocol))
        {
            return Err(OperatorError::HasSecondStep(*protocol));
        }
        let protocols =
            if protocols.is_empty() && !is_bot { WITHOUT_SECOND_STEP.to_vec() } else { protocols };
        let password = opaque::app_password(&*self.rng);
        let digest = opaque::digest(password.expose());
        let credential = Credential {
            label: Some(name.to_owned()),
            scope: Scope { protocols, bypass_second_factor: true },
            expires: ends,
            ..self.new_credential(user, CredentialKind::AppPassword, Some(digest))
        };
        if self.store.add(&credential, u32::MAX).await? {
            return Ok(Some(password));
        }
        if self.store.user(user).await?.is_none() {
            return Err(OperatorError::NoUser);
        }
        Ok(None)
    }

    /// The app passwords of an account, oldest first, also those that have ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn app_passwords(&self, account: &Account) -> Result<Vec<Credential>, OperatorError> {
        Ok(self.store.of_user(account.user.id, CredentialKind::AppPassword).await?)
    }

    /// Ends the app password of that name; `false` when there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_app_password(&self, account: &Account, name: &str) -> Result<bool, OperatorError> {
        let own = self.app_passwords(account).await?;
        match own.into_iter().find(|password| password.label.as_deref() == Some(name)) {
            Some(password) => Ok(self.store.remove(password.id).await?),
            None => Ok(false),
        }
    }

    /// Whether what was sent is an app password of the account that opens the protocol. The look-up is done for
    /// everybody, also for nobody.
    pub(crate) async fn is_app_password(
        &self,
        protocol: ProtocolName,
        account: Option<&Account>,
        secret: SecretInput<'_>,
    ) -> Result<bool, InternalError> {
        let digest = match secret {
            SecretInput::Password(password) => opaque::digest(password.expose()),
            SecretInput::Digest(digest) => {
                let bytes = HEXLOWER.decode(digest.expose().as_bytes()).ok();
                match bytes.and_then(|bytes| bytes.try_into().ok()) {
                    Some(bytes) => Digest::new(bytes),
                    None => return Ok(false),
                }
            }
        };
        let found = self.store.by_digest(CredentialKind::AppPassword, &digest).await?;
        let now = self.now();
        Ok(found.is_some_and(|(password, owner)| {
            let protocols = &password.scope.protocols;
            account.is_some_and(|account| account.user.id == owner.user.id)
                && (protocols.is_empty() || protocols.contains(&protocol))
                && !has_ended(&password, now)
        }))
    }
}
