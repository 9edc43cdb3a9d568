//! Passwords as plain strings, hashed and verified in one call.

use auth_argon2::{Memory, OutOfMemory, Params};
use auth_core::{Password, PasswordString, SystemRng};

use super::{
    HashingRule, NameContext, SecretInput, StoredPassword, StoredPasswordError, Verdict, hash_secret,
    verify_secret,
};

/// Why a password was not hashed or verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The new password is longer than [`Password::MAX_BYTES`](auth_core::Password::MAX_BYTES).
    #[error("the password is longer than {} bytes", Password::MAX_BYTES)]
    TooLong,
    /// No password can be verified against the stored string, and why.
    #[error(transparent)]
    Stored(StoredPasswordError),
    /// The system has not the memory for the hash.
    #[error("there is not enough memory to hash the password")]
    OutOfMemory,
}

/// Hashes a password for storage: Argon2id with OWASP's parameters (19 MiB, two passes, one lane) and a random salt of 16 bytes,
/// as a PHC string.
///
/// The call takes some hundredths of a second and 19 MiB. An async program makes it on a thread for work that blocks.
///
/// ```
/// use auth_crypto::password;
///
/// let stored = password::hash("correct-horse-battery")?;
/// assert!(password::verify("correct-horse-battery", &stored)?);
/// assert_ne!(password::hash("correct-horse-battery")?, stored, "each has a salt of its own");
/// # Ok::<(), password::PasswordError>(())
/// ```
///
/// # Errors
/// [`PasswordError::TooLong`] or [`PasswordError::OutOfMemory`].
///
/// # Panics
/// When the operating system gives no random numbers.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let password = Password::new(password);
    if password.is_too_long() {
        return Err(PasswordError::TooLong);
    }
    let stored = hash_secret(&SecretInput::Password(password), &rule(), &SystemRng, &mut Memory::new())?;
    Ok(stored.expose().to_owned())
}

/// Verifies a password against a stored string: `true` when it matches. The string may be of any scheme that this
/// [module](super) knows, such as one that Django or another Argon2 library wrote.
///
/// What the string asks for is bounded before anything is hashed: at most 1 GiB of memory, 64 passes and 64 lanes, and in all
/// no more than some seconds of one core. The tags are compared in constant time.
///
/// For a name that there is not, do the same work: hash the password, and drop the result.
///
/// ```
/// use auth_crypto::password::{self, PasswordError, StoredPasswordError};
///
/// let django = "pbkdf2_sha256$10000$salt$EuPnsR3Slr6ah8FV/vKoW9r7jQSUpAAfFAQDVwu6Nls=";
/// assert!(!password::verify("wrong", django)?);
///
/// let bomb = "$argon2id$v=19$m=4194304,t=99,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFi";
/// assert_eq!(password::verify("any", bomb), Err(PasswordError::Stored(StoredPasswordError::TooCostly)));
/// # Ok::<(), PasswordError>(())
/// ```
///
/// # Errors
/// [`PasswordError::Stored`] when no password can be verified against the string: with
/// [`Unusable`](StoredPasswordError::Unusable) the account has none, and is answered as for a wrong one. Or
/// [`PasswordError::OutOfMemory`].
pub fn verify(password: &str, stored: &str) -> Result<bool, PasswordError> {
    let stored = StoredPassword::parse(&PasswordString::new(stored)).map_err(PasswordError::Stored)?;
    let secret = SecretInput::Password(Password::new(password));
    let context = NameContext::default();
    let verdict = verify_secret(Some(&stored), &secret, &rule(), &context, &mut Memory::new())?;
    Ok(matches!(verdict, Verdict::Match { .. }))
}

fn rule() -> HashingRule {
    HashingRule { params: Params::default(), digest_ready: false }
}

impl From<OutOfMemory> for PasswordError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_alone() {
        let stored = hash("pässword").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify("pässword", &stored), Ok(true));
        for wrong in ["", "password", "pässword "] {
            assert_eq!(verify(wrong, &stored), Ok(false), "{wrong}");
        }
    }

    #[test]
    fn a_password_that_could_never_match_is_not_hashed() {
        assert!(hash(&"x".repeat(Password::MAX_BYTES)).is_ok());
        assert_eq!(hash(&"x".repeat(Password::MAX_BYTES + 1)), Err(PasswordError::TooLong));
    }

    #[test]
    fn a_string_that_cant_be_verified_is_an_error_and_no_wrong_password() {
        for (stored, why) in [
            ("", StoredPasswordError::Unusable),
            ("!", StoredPasswordError::Unusable),
            ("plain text", StoredPasswordError::UnknownScheme),
            ("$argon2id$v=19$m=19456,t=2$", StoredPasswordError::Malformed),
            ("$argon2id$v=19$m=1048577,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFi", StoredPasswordError::TooCostly),
            ("$argon2id$v=19$m=64,t=65,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFi", StoredPasswordError::TooCostly),
            ("$argon2id$v=19$m=1024,t=1,p=65$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFi", StoredPasswordError::TooCostly),
        ] {
            assert_eq!(verify("x", stored), Err(PasswordError::Stored(why)), "{stored}");
        }
    }
}
