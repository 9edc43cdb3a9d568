//! bcrypt: `$2b$10$` and 53 characters of salt and tag.

use ::bcrypt::{HashParts, Version, hash_with_salt};
use zeroize::Zeroizing;

use super::cost::MAX_BCRYPT_COST;
use super::error::StoredPasswordError;

/// The bytes that bcrypt reads. It silently ignores the rest.
pub(super) const MAX_INPUT: usize = 72;

/// The prefixes of the supported versions.
pub(super) const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// Characters of a tag.
const TAG: usize = 31;

/// Characters before the tag: `$2b$10$` and the salt.
const BEFORE_TAG: usize = 7 + 22;

#[derive(Clone)]
pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    tag: String,
}

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        let known = PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        // The library would accept `+4` as a cost.
        let plain_cost = text.get(4..6).is_some_and(|cost| cost.bytes().all(|byte| byte.is_ascii_digit()));
        if !known || !plain_cost {
            return Err(StoredPasswordError::Malformed);
        }
        let parts: HashParts = text.parse().map_err(|_| StoredPasswordError::Malformed)?;
        let cost = parts.get_cost();
        match cost {
            4..=MAX_BCRYPT_COST => {}
            0..4 | 32.. => return Err(StoredPasswordError::Malformed),
            _ => return Err(StoredPasswordError::TooCostly),
        }
        let tag = text.get(BEFORE_TAG..).ok_or(StoredPasswordError::Malformed)?.to_owned();
        Ok(Self { cost, salt: parts.get_salt_raw(), tag })
    }

    /// Computes the tag of `input` with this hash's salt and cost.
    pub(super) fn compute(&self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        let computed = hash_with_salt(input, self.cost, self.salt);
        // Costs that the library refuses were refused by `parse`.
        let text = computed.map(|computed| computed.format_for_version(Version::TwoB)).unwrap_or_default();
        Zeroizing::new(text.as_bytes().get(BEFORE_TAG..).unwrap_or_default().to_vec())
    }

    pub(super) fn tag(&self) -> &[u8] {
        self.tag.as_bytes()
    }

    /// A tag of zero bits, as text.
    pub(super) fn blank_tag(&self) -> String {
        ".".repeat(TAG)
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }
}
