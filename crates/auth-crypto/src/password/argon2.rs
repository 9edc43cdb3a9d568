//! Argon2 as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG`, base64 without padding.
//!
//! Two parameters may follow. `data` is an input of the hash. `keyid` names a secret key that is an input of the hash
//! and that this server doesn't have. Libraries that take a secret key leave `keyid` out: nothing tells such a hash
//! from another, and no password matches it.

use std::fmt;
use std::ops::RangeInclusive;

use auth_argon2::{Algorithm, Input, MAX_ASSOCIATED_DATA, Params, ParamsError, Variant, Version};
use auth_core::Rng;
use data_encoding::BASE64_NOPAD;

use super::cost;
use super::error::StoredPasswordError;
use super::phc::PhcString;

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
    /// What is hashed beside password and salt.
    data: Vec<u8>,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        let mut phc = PhcString::parse(text)?;
        let variant = Variant::from_name(phc.name).ok_or(StoredPasswordError::UnknownScheme)?;
        // Strings without the field are from before it existed, and of version 16.
        let version = phc.version.map_or(Some(Version::V16), Version::from_number);
        let version = version.ok_or(StoredPasswordError::UnknownScheme)?;
        let params = params(phc.number("m")?, phc.number("t")?, phc.number("p")?)?;
        let (data, key_id) = (phc.bytes("data")?, phc.bytes("keyid")?);
        let (salt, tag) = phc.finish(SALT_BOUNDS, TAG_BOUNDS)?;
        if !key_id.is_empty() {
            return Err(StoredPasswordError::KeyNeeded);
        }
        if data.len() > MAX_ASSOCIATED_DATA {
            return Err(StoredPasswordError::DataTooLong);
        }
        Ok(Self { algorithm: Algorithm { variant, version }, params, data, salt, tag })
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
        Self {
            algorithm: Algorithm::default(),
            params,
            data: Vec::new(),
            salt: vec![0; SALT],
            tag: vec![0; TAG],
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What is hashed for a password.
    pub(super) fn input<'a>(&'a self, password: &'a [u8]) -> Input<'a> {
        Input { associated_data: &self.data, ..Input::new(password, &self.salt) }
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
            && self.data.is_empty()
            && self.salt.len() >= SALT
            && self.tag.len() == TAG
    }
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, params, data, salt, tag } = self;
        write!(
            f,
            "${}$v={}$m={},t={},p={}",
            algorithm.variant.as_str(),
            algorithm.version.number(),
            params.memory_kib(),
            params.iterations(),
            params.lanes(),
        )?;
        if !data.is_empty() {
            write!(f, ",data={}", BASE64_NOPAD.encode(data))?;
        }
        write!(f, "${}${}", BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(tag))
    }
}

/// Parameters within the bounds.
fn params(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Params, StoredPasswordError> {
    let params = Params::new(memory_kib, iterations, lanes).map_err(|error| match error {
        ParamsError::TooMuchMemory => StoredPasswordError::TooCostly,
        _ => StoredPasswordError::Malformed,
    })?;
    if cost::is_affordable(params) { Ok(params) } else { Err(StoredPasswordError::TooCostly) }
}

#[cfg(test)]
mod tests;
