//! PBKDF2 as Django writes it: `ITERATIONS$SALT$TAG` after the prefix, the salt as plain text, the tag in padded
//! base64.

use std::num::NonZeroU32;

use data_encoding::BASE64;
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use zeroize::Zeroizing;

use super::cost::MAX_PBKDF2_ITERATIONS;
use super::decimal::parse_decimal;
use super::error::StoredPasswordError;

/// Bytes of a tag: the output of SHA-256.
const TAG: usize = 32;

#[derive(Clone)]
pub(super) struct Pbkdf2Hash {
    iterations: NonZeroU32,
    salt: String,
    tag: Vec<u8>,
}

impl Pbkdf2Hash {
    pub(super) fn parse(fields: &str) -> Result<Self, StoredPasswordError> {
        let mut fields = fields.split('$');
        let [Some(iterations), Some(salt), Some(tag), None] =
            [fields.next(), fields.next(), fields.next(), fields.next()]
        else {
            return Err(StoredPasswordError::Malformed);
        };
        let iterations =
            parse_decimal(iterations).and_then(NonZeroU32::new).ok_or(StoredPasswordError::Malformed)?;
        if iterations.get() > MAX_PBKDF2_ITERATIONS {
            return Err(StoredPasswordError::TooCostly);
        }
        let tag = BASE64.decode(tag.as_bytes()).map_err(|_| StoredPasswordError::Malformed)?;
        if tag.len() != TAG || salt.is_empty() {
            return Err(StoredPasswordError::Malformed);
        }
        Ok(Self { iterations, salt: salt.to_owned(), tag })
    }

    /// Computes the tag of `input` with this hash's salt and iterations.
    pub(super) fn compute(&self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut tag = Zeroizing::new(vec![0; TAG]);
        derive(PBKDF2_HMAC_SHA256, self.iterations, self.salt.as_bytes(), input, &mut tag);
        tag
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// A tag of zero bits, as text.
    pub(super) fn blank_tag() -> String {
        BASE64.encode(&[0; TAG])
    }

    pub(super) fn iterations(&self) -> u32 {
        self.iterations.get()
    }
}
