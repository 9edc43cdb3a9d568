//! PBKDF2 as Django writes it: `ITERATIONS$SALT$TAG` after its tag, the salt as it stands, the tag in padded
//! base64 (zulip.md 6.1).

use std::num::NonZeroU32;

use data_encoding::BASE64;
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, derive, verify};
use zeroize::Zeroizing;

use super::phc::number_of;
use super::{MAX_PBKDF2_ITERATIONS, Unreadable};

/// Bytes of a tag: SHA-256's.
const TAG: usize = 32;

#[derive(Clone)]
pub(super) struct Pbkdf2Hash {
    iterations: NonZeroU32,
    salt: String,
    tag: Vec<u8>,
}

impl Pbkdf2Hash {
    pub(super) fn parse(fields: &str) -> Result<Self, Unreadable> {
        let mut fields = fields.split('$');
        let [Some(iterations), Some(salt), Some(tag), None] =
            [fields.next(), fields.next(), fields.next(), fields.next()]
        else {
            return Err(Unreadable::Malformed);
        };
        let iterations = number_of(iterations).and_then(NonZeroU32::new).ok_or(Unreadable::Malformed)?;
        if iterations.get() > MAX_PBKDF2_ITERATIONS {
            return Err(Unreadable::TooCostly);
        }
        let tag = BASE64.decode(tag.as_bytes()).map_err(|_| Unreadable::Malformed)?;
        if tag.len() != TAG || salt.is_empty() {
            return Err(Unreadable::Malformed);
        }
        Ok(Self { iterations, salt: salt.to_owned(), tag })
    }

    pub(super) fn matches(&self, input: &[u8]) -> bool {
        // In constant time.
        verify(PBKDF2_HMAC_SHA256, self.iterations, self.salt.as_bytes(), input, &self.tag).is_ok()
    }

    /// The tag that it would have if it were of `input`.
    pub(super) fn compute(&self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut tag = Zeroizing::new(vec![0; TAG]);
        derive(PBKDF2_HMAC_SHA256, self.iterations, self.salt.as_bytes(), input, &mut tag);
        tag
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    pub(super) fn iterations(&self) -> u32 {
        self.iterations.get()
    }
}
