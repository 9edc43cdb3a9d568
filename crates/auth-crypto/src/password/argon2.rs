//! Argon2 as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG`, base64 without padding.

use std::fmt;
use std::ops::RangeInclusive;

use auth_argon2::{Algorithm, Params, ParamsError, Variant, Version};
use auth_core::Rng;
use data_encoding::BASE64_NOPAD;

use super::cost;
use super::decimal::parse_decimal;
use super::error::StoredPasswordError;

/// Bytes of a new salt.
const SALT: usize = 16;

/// Bytes of a new tag.
const TAG: usize = 32;

/// Lengths of salts and tags that password hashers make. Others are malformed.
const SALT_BOUNDS: RangeInclusive<usize> = 8..=64;
const TAG_BOUNDS: RangeInclusive<usize> = 12..=64;

#[derive(Clone)]
pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    params: Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        let mut fields = text.split('$');
        if fields.next() != Some("") {
            return Err(StoredPasswordError::Malformed);
        }
        let variant = fields.next().and_then(Variant::from_name).ok_or(StoredPasswordError::UnknownScheme)?;
        let mut field = fields.next().ok_or(StoredPasswordError::Malformed)?;
        // Strings without the field are from before it existed, and of version 16.
        let mut version = Version::V16;
        if let Some(number) = field.strip_prefix("v=") {
            version = parse_decimal(number)
                .and_then(Version::from_number)
                .ok_or(StoredPasswordError::UnknownScheme)?;
            field = fields.next().ok_or(StoredPasswordError::Malformed)?;
        }
        let params = parse_params(field)?;
        let [Some(salt), Some(tag), None] = [fields.next(), fields.next(), fields.next()] else {
            return Err(StoredPasswordError::Malformed);
        };
        Ok(Self {
            algorithm: Algorithm { variant, version },
            params,
            salt: parse_bytes(salt, SALT_BOUNDS)?,
            tag: parse_bytes(tag, TAG_BOUNDS)?,
        })
    }

    /// A new hash with a random salt and a blank tag.
    pub(super) fn salted(params: Params, rng: &dyn Rng) -> Self {
        let mut hash = Self::dummy(params);
        rng.fill(&mut hash.salt);
        hash
    }

    /// This hash with the tag that was computed.
    pub(super) fn with_tag(self, tag: &[u8]) -> Self {
        Self { tag: tag.to_vec(), ..self }
    }

    /// A hash that belongs to no account. Verifying against it costs as much as against a current one.
    pub(super) fn dummy(params: Params) -> Self {
        Self { algorithm: Algorithm::default(), params, salt: vec![0; SALT], tag: vec![0; TAG] }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(super) fn tag(&self) -> &[u8] {
        &self.tag
    }

    /// A tag of zero bits of the same length, as text.
    pub(super) fn blank_tag(&self) -> String {
        BASE64_NOPAD.encode(&vec![0; self.tag.len()])
    }

    pub(super) fn params(&self) -> Params {
        self.params
    }

    /// Whether a new hash with `params` would be no stronger.
    pub(super) fn is_strong(&self, params: Params) -> bool {
        self.algorithm == Algorithm::default()
            && self.params == params
            && self.salt.len() >= SALT
            && self.tag.len() == TAG
    }
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, params, salt, tag } = self;
        write!(
            f,
            "${}$v={}$m={},t={},p={}${}${}",
            algorithm.variant.as_str(),
            algorithm.version.number(),
            params.memory_kib(),
            params.iterations(),
            params.lanes(),
            BASE64_NOPAD.encode(salt),
            BASE64_NOPAD.encode(tag),
        )
    }
}

fn parse_params(field: &str) -> Result<Params, StoredPasswordError> {
    let mut numbers = ["m=", "t=", "p="].into_iter().zip(field.splitn(3, ','));
    let mut next = || {
        let (name, field) = numbers.next()?;
        parse_decimal(field.strip_prefix(name)?)
    };
    let [Some(memory_kib), Some(iterations), Some(lanes)] = [next(), next(), next()] else {
        return Err(StoredPasswordError::Malformed);
    };
    let params = Params::new(memory_kib, iterations, lanes).map_err(|error| match error {
        ParamsError::TooMuchMemory => StoredPasswordError::TooCostly,
        _ => StoredPasswordError::Malformed,
    })?;
    if cost::is_affordable(params) { Ok(params) } else { Err(StoredPasswordError::TooCostly) }
}

fn parse_bytes(text: &str, bounds: RangeInclusive<usize>) -> Result<Vec<u8>, StoredPasswordError> {
    BASE64_NOPAD
        .decode(text.as_bytes())
        .ok()
        .filter(|bytes| bounds.contains(&bytes.len()))
        .ok_or(StoredPasswordError::Malformed)
}
