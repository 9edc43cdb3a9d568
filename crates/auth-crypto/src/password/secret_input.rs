//! The secret that a client sent.

use auth_core::{Password, PasswordDigest};

/// The secret that a client sent to log in with a password.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two forms that auth-core knows")]
pub enum SecretInput {
    /// The password.
    Password(Password),
    /// SHA-256 of the password in lower-case hexadecimal, as Rocket.Chat clients send it.
    Digest(PasswordDigest),
}

impl From<auth_core::SecretInput<'_>> for SecretInput {
    fn from(borrowed: auth_core::SecretInput<'_>) -> Self {
        match borrowed {
            auth_core::SecretInput::Password(password) => Self::Password(password.clone()),
            auth_core::SecretInput::Digest(digest) => Self::Digest(digest.clone()),
        }
    }
}
