//! Older hashes under Argon2id: `wrapped:OLD:$argon2id$…`, where OLD is the older string with its tag blanked (all
//! zero bits) and the Argon2id hash is of that tag.
//!
//! So a password is found right by both hashes in turn, and who reads the string has nothing to try passwords
//! against at the older one's speed. Nothing is wrapped twice.

use std::fmt;
use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory, Params};
use auth_core::PasswordString;
use data_encoding::{BASE64, BASE64_NOPAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::argon2id::tag_of;
use super::phc::Argon2Hash;
use super::{Hash, HashingRule, StoredPassword, Unreadable, bcrypt, cost};

/// The tag of wrapped hashes.
pub(super) const TAG: &str = "wrapped:";

/// Between the older string and the hash of its tag. Neither an older string's parameters nor the hash hold it.
const SEPARATOR: &str = ":$argon2";

#[derive(Clone)]
pub(super) struct WrappedHash {
    /// The older one. Its tag is blank.
    old: Box<StoredPassword>,
    outer: Argon2Hash,
}

impl WrappedHash {
    /// Reads what stands after [`TAG`].
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        let (old, outer) =
            text.rfind(SEPARATOR).and_then(|at| text.split_at_checked(at)).ok_or(Unreadable::Malformed)?;
        let outer = Argon2Hash::parse(outer.strip_prefix(':').ok_or(Unreadable::Malformed)?)?;
        let stored = PasswordString::new(old);
        let parsed = match StoredPassword::parse(&stored) {
            Ok(parsed) if !matches!(parsed.hash, Hash::Wrapped(_)) => parsed,
            Ok(_) | Err(Unreadable::Unusable) => return Err(Unreadable::Malformed),
            Err(why) => return Err(why),
        };
        // A tag that is still there would be what the wrapping is to hide.
        if blanked(old, &parsed.hash).as_deref() != Some(old) {
            return Err(Unreadable::Malformed);
        }
        Ok(Self { old: Box::new(parsed), outer })
    }

    /// The older one.
    pub(super) fn old(&self) -> &StoredPassword {
        &self.old
    }

    pub(super) fn estimated_time(&self) -> Duration {
        self.old.estimated_time() + cost::argon2_time(self.outer.params())
    }

    pub(super) fn matches(&self, input: &[u8], memory: &mut Memory) -> Result<bool, OutOfMemory> {
        let inner = match &self.old.hash {
            Hash::Argon2(hash) => tag_of(hash, input, memory)?,
            Hash::Pbkdf2(hash) => hash.compute(input),
            Hash::Bcrypt(hash) => hash.compute(input),
            Hash::Wrapped(_) => return Ok(false),
        };
        Ok(tag_of(&self.outer, &inner, memory)?.ct_eq(self.outer.tag()).into())
    }

    /// The scheme in a word.
    pub(super) fn scheme(&self) -> &'static str {
        match self.old.scheme {
            "argon2" => "wrapped-argon2",
            "sha256-hex" => "wrapped-sha256-hex",
            "django-argon2" => "wrapped-django-argon2",
            "pbkdf2_sha256" => "wrapped-pbkdf2_sha256",
            "rocketchat" => "wrapped-rocketchat",
            "zettelstore" => "wrapped-zettelstore",
            _ => "wrapped-bcrypt",
        }
    }
}

/// An older hash that is to be wrapped.
pub struct OldHash {
    blanked: String,
    tag: Zeroizing<Vec<u8>>,
}

impl OldHash {
    /// What there is to wrap of a stored string; `None` when it is as good as a new hash of these parameters, is
    /// wrapped already, or can't be verified against.
    #[must_use]
    pub fn of(stored: &PasswordString, params: Params) -> Option<Self> {
        let text = stored.expose();
        let parsed = StoredPassword::parse(stored).ok()?;
        if parsed.is_strong_as(&HashingRule { params, digest_ready: false }) {
            return None;
        }
        let tag = match &parsed.hash {
            Hash::Argon2(hash) => hash.tag().to_vec(),
            Hash::Pbkdf2(hash) => hash.tag().to_vec(),
            Hash::Bcrypt(hash) => hash.tag().to_vec(),
            Hash::Wrapped(_) => return None,
        };
        Some(Self { blanked: blanked(text, &parsed.hash)?, tag: Zeroizing::new(tag) })
    }

    /// What Argon2id hashes.
    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// The stored string around the hash of the tag.
    pub(super) fn wrapped(&self, outer: &Argon2Hash) -> PasswordString {
        PasswordString::new(format!("{TAG}{}:{outer}", self.blanked))
    }
}

impl fmt::Debug for OldHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OldHash(…)")
    }
}

/// The string with its tag blanked.
fn blanked(text: &str, hash: &Hash) -> Option<String> {
    let (length, blank) = match hash {
        Hash::Argon2(hash) => {
            let blank = BASE64_NOPAD.encode(&vec![0; hash.tag().len()]);
            (blank.len(), blank)
        }
        Hash::Pbkdf2(hash) => {
            let blank = BASE64.encode(&vec![0; hash.tag().len()]);
            (blank.len(), blank)
        }
        Hash::Bcrypt(_) => (bcrypt::TAG, ".".repeat(bcrypt::TAG)),
        Hash::Wrapped(_) => return None,
    };
    let head = text.get(..text.len().checked_sub(length)?)?;
    Some(format!("{head}{blank}"))
}

#[cfg(test)]
mod tests;
