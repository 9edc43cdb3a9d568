//! Argon2 as a string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG`, base64 without padding.

use std::fmt;

use auth_argon2::{Algorithm, Input, Memory, OutOfMemory, Params, Variant, Version, hash_into};
use auth_core::Rng;
use data_encoding::BASE64_NOPAD;
use subtle::ConstantTimeEq;

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

    /// A new hash of `input` with a random salt.
    pub(super) fn make(
        params: Params,
        input: &[u8],
        rng: &dyn Rng,
        memory: &mut Memory,
    ) -> Result<Self, OutOfMemory> {
        let mut made = Self::nobodys(params);
        rng.fill(&mut made.salt);
        made.tag = made.compute(input, memory)?;
        Ok(made)
    }

    /// A current hash that is nobody's, to do the work of one.
    pub(super) fn nobodys(params: Params) -> Self {
        Self { algorithm: Algorithm::default(), params, salt: vec![0; SALT], tag: vec![0; TAG] }
    }

    pub(super) fn matches(&self, input: &[u8], memory: &mut Memory) -> Result<bool, OutOfMemory> {
        Ok(self.compute(input, memory)?.ct_eq(&self.tag).into())
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

    fn compute(&self, input: &[u8], memory: &mut Memory) -> Result<Vec<u8>, OutOfMemory> {
        let mut tag = vec![0; self.tag.len()];
        // All lengths are within Argon2's, so memory is all that can be missing.
        hash_into(self.algorithm, self.params, Input::new(input, &self.salt), memory, &mut tag)
            .map_err(|_| OutOfMemory)?;
        Ok(tag)
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
