//! The result of a verification.

/// The result of verifying a secret.
///
/// A wrong password is a verdict, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Verdict {
    /// The secret is the stored one.
    Match {
        /// Whether the stored string should be replaced by a new hash of the secret.
        upgrade: Upgrade,
    },
    /// The secret is wrong, or can't be compared with this record: for example, a digest with a hash of the password
    /// itself.
    NoMatch,
}

/// Whether a stored string should be replaced by a new hash of the secret that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the engine answers each in its own way")]
pub enum Upgrade {
    /// No: the string is current, or the secret is not enough to make a current one.
    None,
    /// Yes: the scheme, the parameters or the lengths are out of date.
    Obsolete,
    /// Yes: the hash is as strong as a new one, but one of the two is over SHA-256 of the password and the other is
    /// not.
    Rewrap,
}
