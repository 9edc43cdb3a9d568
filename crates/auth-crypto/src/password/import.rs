//! Checks of stored passwords that are imported from other systems.

use auth_core::PasswordString;

use super::error::StoredPasswordError;
use super::input::{HashInput, MAX_ZETTELSTORE_NAME, NameContext};
use super::stored::StoredPassword;

/// Why a stored password can't be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashImportError {
    /// The string is empty, or its scheme is not supported.
    #[error("the password hash has no known scheme")]
    UnknownScheme,
    /// The string doesn't have the format that its prefix stands for.
    #[error("the password hash is malformed")]
    Malformed,
    /// The string is of bcrypt, which this program was built without.
    #[error("the password hash is of bcrypt, which this program was built without (feature `bcrypt`)")]
    NotBuilt,
    /// The parameters are above the bounds on what a verification may cost.
    #[error("the password hash has parameters that are too costly")]
    TooCostly,
    /// The Argon2 hash depends on a secret key.
    #[error("the password hash depends on a secret key (`keyid`) that this server doesn't have")]
    KeyNeeded,
    /// The Argon2 hash depends on much associated data.
    #[error("the password hash depends on associated data (`data`) of more than 32 bytes")]
    DataTooLong,
    /// The string is a Zettelstore hash, and its user has no user name: no password would match.
    #[error("a zettelstore hash needs the user's name")]
    NameMissing,
    /// The string is a Zettelstore hash, and the user name is so long that bcrypt ignores most of the password.
    #[error("a zettelstore hash protects nothing with a user name longer than {MAX_ZETTELSTORE_NAME} bytes")]
    NameTooLong,
}

/// Checks a stored string of another system before it is written to the store.
///
/// Accepted are all strings that [`StoredPassword::parse`] accepts, and Django's `!…` for an account without a
/// password. `context` is the user's; a Zettelstore hash can't be imported without the user name in it.
///
/// # Errors
/// [`HashImportError`] if no password could ever match the string.
pub fn check_import(text: &str, context: Option<&NameContext>) -> Result<PasswordString, HashImportError> {
    let string = PasswordString::new(text);
    match StoredPassword::parse(&string) {
        Ok(stored) if stored.input() == HashInput::NamedPassword => {
            check_name(stored.made_for().or(context))?;
        }
        Ok(_) => {}
        Err(StoredPasswordError::Unusable) if !text.is_empty() => {}
        Err(StoredPasswordError::Unusable | StoredPasswordError::UnknownScheme) => {
            return Err(HashImportError::UnknownScheme);
        }
        Err(StoredPasswordError::NotBuilt) => return Err(HashImportError::NotBuilt),
        Err(StoredPasswordError::Malformed) => return Err(HashImportError::Malformed),
        Err(StoredPasswordError::TooCostly) => return Err(HashImportError::TooCostly),
        Err(StoredPasswordError::KeyNeeded) => return Err(HashImportError::KeyNeeded),
        Err(StoredPasswordError::DataTooLong) => return Err(HashImportError::DataTooLong),
    }
    Ok(string)
}

fn check_name(context: Option<&NameContext>) -> Result<(), HashImportError> {
    match context.map(|context| context.user_name.len()) {
        None | Some(0) => Err(HashImportError::NameMissing),
        Some(length) if length > MAX_ZETTELSTORE_NAME => Err(HashImportError::NameTooLong),
        Some(_) => Ok(()),
    }
}
