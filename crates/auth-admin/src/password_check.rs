//! Trying a password without logging in.

use auth_core::{Account, ClientKey, Password, ProtocolName, SecretInput};
use auth_crypto::password::{NameContext, StoredPassword, StoredPasswordError, Upgrade, Verdict};
use auth_crypto::pool::Verification;
use auth_engine::Engine;

use crate::error::AdminError;

/// The result of trying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordCheck {
    /// Whether it is the stored password.
    pub matches: bool,
    /// The scheme of the stored password in a word.
    pub scheme: &'static str,
    /// Whether a good login hashes the password anew.
    pub obsolete: bool,
}

/// Tries a password against the stored one. Nothing is counted, logged or changed by it.
///
/// # Errors
/// [`AdminError::NoPassword`] when there is none to try it against, [`AdminError::OverBudget`] when there is no memory to
/// try it, or [`AdminError::Store`].
pub async fn check_password(
    engine: &Engine,
    account: &Account,
    password: &Password,
) -> Result<PasswordCheck, AdminError> {
    let stored = account.password.as_ref().ok_or(AdminError::NoPassword(StoredPasswordError::Unusable))?;
    let stored = StoredPassword::parse(stored).map_err(AdminError::NoPassword)?;
    engine.passwords().pool().check(&stored).map_err(AdminError::OverBudget)?;
    let realms = engine.store().realms().await?;
    let realm = realms.iter().find(|realm| realm.id == account.user.realm).ok_or(AdminError::NoRealm)?;
    let rule = engine.passwords().hashing_rule(realm);
    let user = &account.user;
    let context = NameContext {
        zettelstore_id: user.external_number(ProtocolName::ZETTELSTORE),
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
    let verdict = engine.passwords().pool().verify(job).await.map_err(|_| AdminError::Busy)?;
    Ok(match verdict {
        Verdict::Match { upgrade } => {
            PasswordCheck { matches: true, scheme, obsolete: upgrade != Upgrade::None }
        }
        Verdict::NoMatch => PasswordCheck { matches: false, scheme, obsolete: !is_current },
    })
}
