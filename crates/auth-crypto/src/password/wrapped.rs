//! Wrapped hashes: `wrapped:OLD:$argon2id$…`, where OLD is an older stored string with its tag overwritten by zero
//! bits, and the Argon2id hash is of that tag.
//!
//! A password is verified by both hashes, one after the other. A reader of the string can't try passwords at the
//! speed of the older hash. A wrapped hash is never wrapped again.

use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory};
use subtle::ConstantTimeEq;

use super::argon2::Argon2Hash;
use super::computation::tag_of;
use super::cost;
use super::error::StoredPasswordError;
use super::schemes::{UnwrappedHash, is_unusable};

/// The prefix of wrapped hashes.
pub(super) const PREFIX: &str = "wrapped:";

/// What separates the older string from the hash of its tag. It occurs in neither of them.
const SEPARATOR: &str = ":$argon2";

/// An older hash inside an Argon2id hash.
#[derive(Clone)]
pub(super) struct WrappedHash {
    /// The older hash, whose tag is blank.
    inner: UnwrappedHash,
    outer: Argon2Hash,
}

impl WrappedHash {
    /// Parses what follows [`PREFIX`].
    pub(super) fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        let (old, outer) = text
            .rfind(SEPARATOR)
            .and_then(|at| text.split_at_checked(at))
            .ok_or(StoredPasswordError::Malformed)?;
        let outer = Argon2Hash::parse(outer.strip_prefix(':').ok_or(StoredPasswordError::Malformed)?)?;
        if is_unusable(old) || old.starts_with(PREFIX) {
            return Err(StoredPasswordError::Malformed);
        }
        let inner = UnwrappedHash::parse(old)?;
        // A tag that is still there would give away what the wrapping hides.
        if inner.blank(old).as_deref() != Some(old) {
            return Err(StoredPasswordError::Malformed);
        }
        Ok(Self { inner, outer })
    }

    /// Formats the string of an older one whose tag is blank, and of the hash of its tag.
    pub(super) fn format(blanked: &str, outer: &Argon2Hash) -> String {
        format!("{PREFIX}{blanked}:{outer}")
    }

    /// The older hash.
    pub(super) fn inner(&self) -> &UnwrappedHash {
        &self.inner
    }

    pub(super) fn estimated_time(&self) -> Duration {
        self.inner.estimated_time() + cost::argon2_time(self.outer.params())
    }

    /// The memory of a verification, in KiB: the two hashes are computed in the same memory.
    pub(super) fn memory_kib(&self) -> usize {
        self.inner.memory_kib().max(cost::argon2_kib(self.outer.params()))
    }

    pub(super) fn matches(&self, input: &[u8], memory: &mut Memory) -> Result<bool, OutOfMemory> {
        let inner_tag = self.inner.compute(input, memory)?;
        Ok(tag_of(&self.outer, &inner_tag, memory)?.ct_eq(self.outer.tag()).into())
    }
}
