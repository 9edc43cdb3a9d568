//! One hash.

use std::fmt;

use argon2::{Argon2, AssociatedData, ParamsBuilder};
use zeroize::Zeroize;

use crate::{Algorithm, Memory, OutOfMemory, Params, Variant, Version};

/// Fewest bytes of a salt.
pub const MIN_SALT: usize = 8;

/// Fewest bytes of output.
pub const MIN_OUTPUT: usize = 4;

/// Most bytes of associated data.
pub const MAX_ASSOCIATED_DATA: usize = AssociatedData::MAX_LEN;

/// What is hashed.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9106 names the four inputs")]
pub struct Input<'a> {
    /// The password, of any length.
    pub password: &'a [u8],
    /// The salt: at least [`MIN_SALT`] bytes.
    pub salt: &'a [u8],
    /// A key that the tag depends on; mostly empty.
    pub secret: &'a [u8],
    /// Data that the tag depends on: at most [`MAX_ASSOCIATED_DATA`] bytes, mostly empty.
    pub associated_data: &'a [u8],
}

impl<'a> Input<'a> {
    /// A password and a salt, without secret or associated data.
    #[must_use]
    pub fn new(password: &'a [u8], salt: &'a [u8]) -> Self {
        Self { password, salt, secret: &[], associated_data: &[] }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input(…)")
    }
}

/// Hashes `input` into all of `out`, at least [`MIN_OUTPUT`] bytes; the length is part of what is hashed.
///
/// Of what is left in `memory`, each lane's first two blocks and its last are wiped: from them a guess could be
/// checked, or the tag had, without the work. The rest goes with [`Memory::wipe`].
///
/// # Errors
/// An input or output of a length that Argon2 refuses, or no memory. `out` is then left as it was.
pub fn hash_into(
    algorithm: Algorithm,
    params: Params,
    input: Input<'_>,
    memory: &mut Memory,
    out: &mut [u8],
) -> Result<(), Error> {
    if input.salt.len() < MIN_SALT {
        return Err(Error::SaltTooShort);
    }
    if out.len() < MIN_OUTPUT {
        return Err(Error::OutputTooShort);
    }
    let associated_data =
        AssociatedData::new(input.associated_data).map_err(|_| Error::AssociatedDataTooLong)?;
    let hasher = ParamsBuilder::new()
        .m_cost(params.memory_kib())
        .t_cost(params.iterations())
        .p_cost(params.lanes())
        .output_len(out.len())
        .data(associated_data)
        .build()
        .and_then(|checked| {
            Argon2::new_with_secret(input.secret, variant(algorithm), version(algorithm), checked)
        })
        .map_err(|_| Error::InputTooLong)?;
    let blocks = memory.blocks(params.blocks())?;
    let hashed = hasher.hash_password_into_with_memory(input.password, input.salt, out, &mut *blocks);
    for lane in blocks.chunks_exact_mut(params.lane_blocks()) {
        if let [first, second, .., last] = lane {
            first.zeroize();
            second.zeroize();
            last.zeroize();
        }
    }
    // Lengths beyond 4 GiB are all that is left to refuse.
    hashed.map_err(|_| Error::InputTooLong)
}

fn variant(algorithm: Algorithm) -> argon2::Algorithm {
    match algorithm.variant {
        Variant::Argon2d => argon2::Algorithm::Argon2d,
        Variant::Argon2i => argon2::Algorithm::Argon2i,
        Variant::Argon2id => argon2::Algorithm::Argon2id,
    }
}

fn version(algorithm: Algorithm) -> argon2::Version {
    match algorithm.version {
        Version::V16 => argon2::Version::V0x10,
        Version::V19 => argon2::Version::V0x13,
    }
}

/// Why nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The salt has fewer than [`MIN_SALT`] bytes.
    SaltTooShort,
    /// Fewer than [`MIN_OUTPUT`] bytes of output are asked for.
    OutputTooShort,
    /// More than [`MAX_ASSOCIATED_DATA`] bytes of associated data.
    AssociatedDataTooLong,
    /// An input or the output has 4 GiB or more.
    InputTooLong,
    /// The system has no memory for it.
    OutOfMemory,
}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SaltTooShort => write!(f, "Argon2 needs a salt of at least {MIN_SALT} bytes"),
            Self::OutputTooShort => write!(f, "Argon2 gives at least {MIN_OUTPUT} bytes"),
            Self::AssociatedDataTooLong => {
                write!(f, "Argon2 is given at most {MAX_ASSOCIATED_DATA} bytes of associated data")
            }
            Self::InputTooLong => f.write_str("Argon2 takes less than 4 GiB of each input"),
            Self::OutOfMemory => OutOfMemory.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
