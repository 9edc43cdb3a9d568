//! Why a stored password can't be verified.

/// The error of [`StoredPassword::parse`](super::StoredPassword::parse).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredPasswordError {
    /// The string is empty or begins with `!`, which is how Django marks an account without a password.
    #[error("there is no password")]
    Unusable,
    /// The string's prefix, Argon2 variant or Argon2 version is not supported.
    #[error("the password's scheme is not known")]
    UnknownScheme,
    /// The string doesn't have the format that its prefix stands for.
    #[error("the stored password is malformed")]
    Malformed,
    /// The parameters are above the bounds on what a verification may cost, such as
    /// [`MAX_MEMORY_KIB`](super::MAX_MEMORY_KIB).
    #[error("the stored password's parameters are too costly")]
    TooCostly,
    /// The string is of bcrypt, which this program was built without.
    #[error("the password is hashed with bcrypt, which this program was built without (feature `bcrypt`)")]
    NotBuilt,
    /// The Argon2 hash depends on a secret key, which `keyid` names and this server doesn't have.
    #[error("the stored password depends on a secret key (`keyid`) that this server doesn't have")]
    KeyNeeded,
    /// The Argon2 hash depends on more associated data than
    /// [`MAX_ASSOCIATED_DATA`](auth_argon2::MAX_ASSOCIATED_DATA).
    #[error("the stored password depends on associated data (`data`) of more than 32 bytes")]
    DataTooLong,
}
