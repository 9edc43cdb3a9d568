//! Hashes that a Zettelstore made over an empty password.

use auth_core::{ClientKey, InternalError, Password, ProtocolName, SecretInput};
use auth_crypto::password::{HashingRule, NameContext, StoredPassword, Verdict};
use auth_crypto::pool::Verification;
use auth_engine::Engine;

use super::draft::Record;

/// Whether a record is a user whose password a Zettelstore hashed.
pub(super) fn is_of_zettelstore(record: &Record) -> bool {
    stored(record).is_some_and(|stored| stored.is_of_zettelstore())
}

/// Whether the hash of a user is of an empty password. It costs as much as a login.
///
/// # Errors
/// An [`InternalError`] when the hashing pool is busy.
pub(super) async fn opens_without_password(engine: &Engine, record: &Record) -> Result<bool, InternalError> {
    let (Record::User { user, .. }, Some(stored)) = (record, stored(record)) else { return Ok(false) };
    let user = &user.user;
    let (passwords, class) = (engine.passwords(), ClientKey::default().into());
    let job = Verification {
        stored: Some(stored),
        secret: SecretInput::Password(Password::new("")),
        rule: HashingRule { params: passwords.config().params, digest_ready: false },
        context: NameContext {
            zettelstore_id: user.external_number(ProtocolName::ZETTELSTORE),
            user_name: user.user_name().unwrap_or_default().to_owned(),
        },
        class,
    };
    let verdict = passwords.pool().verify(job).await;
    let verdict = verdict.map_err(|busy| InternalError::busy(busy.retry_after))?;
    Ok(matches!(verdict, Verdict::Match { .. }))
}

fn stored(record: &Record) -> Option<StoredPassword> {
    let Record::User { user, .. } = record else { return None };
    StoredPassword::parse(user.password.as_ref()?).ok()
}
