//! One hash, or many at once.

use std::fmt;

use argon2::AssociatedData;

use crate::{Algorithm, Kernel, Memory, OutOfMemory, Params, argon2id, others};

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

/// One hash of many.
#[expect(clippy::exhaustive_structs, reason = "a hash has an input and an output")]
pub struct Job<'a> {
    /// What is hashed.
    pub input: Input<'a>,
    /// Where the hash goes, all of it: at least [`MIN_OUTPUT`] bytes; the length is part of what is hashed.
    pub out: &'a mut [u8],
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(…)")
    }
}

/// How Argon2id is computed. The hash is the same; Argon2d, Argon2i and version 16 know one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build it field by field")]
pub struct How {
    /// With which instructions.
    pub kernel: Kernel,
    /// By how many threads at most, the caller's among them; there are never more than lanes in all the jobs. The
    /// others are started for a quarter of a pass at a time, which is worth it from some ten milliseconds a hash.
    pub threads: usize,
}

impl Default for How {
    /// The fastest kernel, the calling thread alone.
    fn default() -> Self {
        Self { kernel: Kernel::detect(), threads: 1 }
    }
}

impl From<Kernel> for How {
    fn from(kernel: Kernel) -> Self {
        Self { kernel, threads: 1 }
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
    hash_into_with(How::default(), algorithm, params, input, memory, out)
}

/// [`hash_into`] in a certain way: a [`How`], or just a [`Kernel`].
///
/// # Errors
/// Those of [`hash_into`].
pub fn hash_into_with(
    how: impl Into<How>,
    algorithm: Algorithm,
    params: Params,
    input: Input<'_>,
    memory: &mut Memory,
    out: &mut [u8],
) -> Result<(), Error> {
    hash_batch_with(how, algorithm, params, &mut [Job { input, out }], memory)
}

/// Hashes all of `jobs` on the calling thread, in `memory` that is as many times as large. They take turns, a block
/// of each, so that one's arithmetic hides how long another's memory takes: two or three together are done sooner
/// than one after the other. All are finished at about the same time.
///
/// # Errors
/// Those of [`hash_into`], if there is something wrong with any job; nothing is hashed then.
pub fn hash_batch(
    algorithm: Algorithm,
    params: Params,
    jobs: &mut [Job<'_>],
    memory: &mut Memory,
) -> Result<(), Error> {
    hash_batch_with(How::default(), algorithm, params, jobs, memory)
}

/// [`hash_batch`] in a certain way: a [`How`], or just a [`Kernel`].
///
/// # Errors
/// Those of [`hash_batch`].
pub fn hash_batch_with(
    how: impl Into<How>,
    algorithm: Algorithm,
    params: Params,
    jobs: &mut [Job<'_>],
    memory: &mut Memory,
) -> Result<(), Error> {
    for job in &*jobs {
        check_lengths(job)?;
    }
    if jobs.is_empty() {
        return Ok(());
    }
    if algorithm == Algorithm::default() {
        let count = params.blocks().checked_mul(jobs.len()).ok_or(Error::OutOfMemory)?;
        argon2id::hash(how.into(), params, jobs, memory.blocks(count)?);
    } else {
        for job in jobs {
            others::hash(algorithm, params, job, memory.blocks(params.blocks())?)?;
        }
    }
    Ok(())
}

/// Refuses what Argon2 refuses (RFC 9106, section 3.1), and associated data that only our own kernels could take.
fn check_lengths(Job { input, out }: &Job<'_>) -> Result<(), Error> {
    if input.salt.len() < MIN_SALT {
        return Err(Error::SaltTooShort);
    }
    if out.len() < MIN_OUTPUT {
        return Err(Error::OutputTooShort);
    }
    if input.associated_data.len() > MAX_ASSOCIATED_DATA {
        return Err(Error::AssociatedDataTooLong);
    }
    let lengths = [input.password.len(), input.salt.len(), input.secret.len(), out.len()];
    if lengths.into_iter().any(|length| u32::try_from(length).is_err()) {
        return Err(Error::InputTooLong);
    }
    Ok(())
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
