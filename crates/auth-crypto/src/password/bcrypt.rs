//! bcrypt: `$2b$10$` and 53 characters of salt and tag.

use ::bcrypt::{HashParts, Version, hash_with_salt};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{MAX_BCRYPT_COST, Unreadable};

/// bcrypt reads so many bytes and silently drops the rest.
pub(super) const MAX_INPUT: usize = 72;

/// Characters of a tag.
pub(super) const TAG: usize = 31;

/// `$2b$10$` and the salt.
const BEFORE_TAG: usize = 7 + 22;

#[derive(Clone)]
pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    tag: String,
}

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|tag| text.starts_with(tag));
        // The library takes `+4` for a cost.
        let plain_cost = text.get(4..6).is_some_and(|cost| cost.bytes().all(|byte| byte.is_ascii_digit()));
        if !known || !plain_cost {
            return Err(Unreadable::Malformed);
        }
        let parts: HashParts = text.parse().map_err(|_| Unreadable::Malformed)?;
        let cost = parts.get_cost();
        match cost {
            4..=MAX_BCRYPT_COST => {}
            0..4 | 32.. => return Err(Unreadable::Malformed),
            _ => return Err(Unreadable::TooCostly),
        }
        let tag = text.get(BEFORE_TAG..).ok_or(Unreadable::Malformed)?.to_owned();
        Ok(Self { cost, salt: parts.get_salt_raw(), tag })
    }

    pub(super) fn matches(&self, input: &[u8]) -> bool {
        self.compute(input).ct_eq(self.tag.as_bytes()).into()
    }

    /// The tag that it would have if it were of `input`.
    pub(super) fn compute(&self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        let computed = hash_with_salt(input, self.cost, self.salt);
        // Costs outside the library's bounds were refused when the hash was read.
        let text = computed.map(|computed| computed.format_for_version(Version::TwoB)).unwrap_or_default();
        Zeroizing::new(text.as_bytes().get(BEFORE_TAG..).unwrap_or_default().to_vec())
    }

    pub(super) fn tag(&self) -> &[u8] {
        self.tag.as_bytes()
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }
}
