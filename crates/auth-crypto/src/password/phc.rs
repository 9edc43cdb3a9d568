//! Argon2 as a string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG`, base64 without padding.

use std::fmt;

use auth_argon2::{Algorithm, Params, Variant, Version};
use auth_core::Rng;
use data_encoding::BASE64_NOPAD;

use super::{Unreadable, cost};

/// Bytes of a new salt.
const SALT: usize = 16;

/// Bytes of a new tag.
const TAG: usize = 32;

/// A salt or a tag outside these bounds was not made by anybody's password hasher.
const SALT_BOUNDS: std::ops::RangeInclusive<usize> = 8..=64;
const TAG_BOUNDS: std::ops::RangeInclusive<usize> = 12..=64;

#[derive(Clone)]
pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    params: Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        let mut fields = text.split('$');
        if fields.next() != Some("") {
            return Err(Unreadable::Malformed);
        }
        let variant = fields.next().and_then(Variant::from_name).ok_or(Unreadable::UnknownScheme)?;
        let mut field = fields.next().ok_or(Unreadable::Malformed)?;
        // Strings from before the field existed are of version 16.
        let mut version = Version::V16;
        if let Some(number) = field.strip_prefix("v=") {
            version = number_of(number).and_then(Version::from_number).ok_or(Unreadable::UnknownScheme)?;
            field = fields.next().ok_or(Unreadable::Malformed)?;
        }
        let params = params(field)?;
        let [Some(salt), Some(tag), None] = [fields.next(), fields.next(), fields.next()] else {
            return Err(Unreadable::Malformed);
        };
        Ok(Self {
            algorithm: Algorithm { variant, version },
            params,
            salt: bytes(salt, SALT_BOUNDS)?,
            tag: bytes(tag, TAG_BOUNDS)?,
        })
    }

    /// A new hash with a random salt, whose tag is still to be computed.
    pub(super) fn salted(params: Params, rng: &dyn Rng) -> Self {
        let mut made = Self::nobodys(params);
        rng.fill(&mut made.salt);
        made
    }

    /// The same with the tag that was computed.
    pub(super) fn with_tag(self, tag: &[u8]) -> Self {
        Self { tag: tag.to_vec(), ..self }
    }

    /// A current hash that is nobody's, to do the work of one.
    pub(super) fn nobodys(params: Params) -> Self {
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

    pub(super) fn params(&self) -> Params {
        self.params
    }

    /// Whether a new hash under `params` would be no better.
    pub(super) fn is_current(&self, params: Params) -> bool {
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

fn params(field: &str) -> Result<Params, Unreadable> {
    let mut numbers = ["m=", "t=", "p="].into_iter().zip(field.splitn(3, ','));
    let mut next = || {
        let (name, field) = numbers.next()?;
        number_of(field.strip_prefix(name)?)
    };
    let [Some(memory_kib), Some(iterations), Some(lanes)] = [next(), next(), next()] else {
        return Err(Unreadable::Malformed);
    };
    let params = Params::new(memory_kib, iterations, lanes).map_err(|error| match error {
        auth_argon2::ParamsError::TooMuchMemory => Unreadable::TooCostly,
        _ => Unreadable::Malformed,
    })?;
    if cost::is_affordable(params) { Ok(params) } else { Err(Unreadable::TooCostly) }
}

/// A decimal number without sign or leading zeros.
pub(super) fn number_of(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn bytes(text: &str, bounds: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, Unreadable> {
    BASE64_NOPAD
        .decode(text.as_bytes())
        .ok()
        .filter(|bytes| bounds.contains(&bytes.len()))
        .ok_or(Unreadable::Malformed)
}
