//! Older hashes that are about to be wrapped.

use std::fmt;

use auth_argon2::Params;
use auth_core::PasswordString;
use zeroize::Zeroizing;

use super::argon2::Argon2Hash;
use super::stored::StoredPassword;
use super::wrapped::WrappedHash;

/// An older hash to be wrapped in Argon2id by [`wrap`](super::wrap).
pub struct OldHash {
    blanked: String,
    tag: Zeroizing<Vec<u8>>,
}

impl OldHash {
    /// Takes a stored string apart for wrapping.
    ///
    /// Returns `None` if there is nothing to wrap: the hash is as strong as a new one with `params`, it is wrapped
    /// already, or it can't be verified against.
    #[must_use]
    pub fn of(stored: &PasswordString, params: Params) -> Option<Self> {
        let parsed = StoredPassword::parse(stored).ok()?;
        let hash = parsed.as_unwrapped().filter(|hash| !hash.is_strong(params))?;
        Some(Self { blanked: hash.blank(stored.expose())?, tag: Zeroizing::new(hash.tag().to_vec()) })
    }

    /// The tag, which Argon2id hashes.
    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// The stored string, given the hash of the tag.
    pub(super) fn wrapped(&self, outer: &Argon2Hash) -> PasswordString {
        PasswordString::new(WrappedHash::format(&self.blanked, outer))
    }
}

impl fmt::Debug for OldHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OldHash(…)")
    }
}
