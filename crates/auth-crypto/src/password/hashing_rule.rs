//! What new hashes are made like.

use std::time::Duration;

use auth_argon2::Params;

use super::cost;

/// The parameters and the form of new hashes in a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it of its configuration and the realm")]
pub struct HashingRule {
    /// The Argon2id parameters. They must be [affordable](super::is_affordable): what is above those bounds can't be
    /// verified afterwards.
    pub params: Params,
    /// Whether new hashes are made over SHA-256 of the password, so that Rocket.Chat clients can send that digest in
    /// place of the password.
    pub digest_ready: bool,
}

impl HashingRule {
    /// Returns the estimated time of a new hash on one core.
    ///
    /// The estimate weighs hashes against one another; it is not a measurement of this machine.
    #[must_use]
    pub fn estimated_time(&self) -> Duration {
        cost::argon2_time(self.params)
    }

    /// Returns the memory of a new hash, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> usize {
        cost::argon2_kib(self.params)
    }
}
