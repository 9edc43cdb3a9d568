//! Trying a password without logging in.

use auth_core::{Account, ClientKey, Password};
use auth_crypto::password::{
    NameContext, SecretInput, StoredPassword, StoredPasswordError, Upgrade, Verdict,
};
use auth_crypto::pool::Verification;

use super::OperatorError;
use crate::Engine;

/// What a try of a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordCheck {
    /// Whether it is the stored one.
    pub matches: bool,
    /// The scheme of the stored one in a word.
    pub scheme: &'static str,
    /// Whether a good log-in hashes it anew.
    pub obsolete: bool,
}

impl Engine {
    /// Tries a password against the stored one. Nothing is counted, logged or changed by it.
    ///
    /// # Errors
    /// [`OperatorError::NoPassword`] when there is none to try it against, or the store's.
    pub async fn try_password(
        &self,
        account: &Account,
        password: &Password,
    ) -> Result<PasswordCheck, OperatorError> {
        let stored =
            account.password.as_ref().ok_or(OperatorError::NoPassword(StoredPasswordError::Unusable))?;
        let stored = StoredPassword::parse(stored).map_err(OperatorError::NoPassword)?;
        let realms = self.store.realms().await?;
        let realm =
            realms.iter().find(|realm| realm.id == account.user.realm).ok_or(OperatorError::NoRealm)?;
        let rule = self.hashing_rule(realm);
        let user = &account.user;
        let context = NameContext {
            zettelstore_id: user.protocols.zettelstore,
            user_name: user.user_name().unwrap_or_default().to_owned(),
        };
        let scheme = stored.scheme();
        let is_current = stored.is_current(&rule);
        let job = Verification {
            stored: Some(stored),
            secret: SecretInput::Password(password.clone()),
            rule,
            context,
            class: ClientKey::default().into(),
        };
        let verdict = self.pool.verify(job).await.map_err(|_| OperatorError::Busy)?;
        Ok(match verdict {
            Verdict::Match { upgrade } => {
                PasswordCheck { matches: true, scheme, obsolete: upgrade != Upgrade::None }
            }
            Verdict::NoMatch => PasswordCheck { matches: false, scheme, obsolete: !is_current },
        })
    }
}
