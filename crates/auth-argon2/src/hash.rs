//! The functions that hash: one password, or a batch.

use crate::block::Block;
use crate::job::{Input, Job, MAX_ASSOCIATED_DATA, MIN_OUTPUT, MIN_SALT};
use crate::{Algorithm, Error, Memory, Options, Params, argon2id, fallback};

/// Hashes `input` and fills `out` with the result, on the calling thread and with the fastest kernel.
///
/// `out` has at least [`MIN_OUTPUT`] bytes; its length is itself an input of the hash. `memory` grows if it is smaller
/// than `params` ask for.
///
/// After the hash, the first two blocks and the last block of each lane in `memory` are wiped, because they would let
/// an attacker compute the hash, or check a guess at the password, without the full work. The other blocks stay until
/// [`Memory::wipe`] or the next hash.
///
/// # Errors
/// An [`Error`] if a length is out of bounds or the system refuses the memory. `out` then keeps its contents.
pub fn hash_into(
    algorithm: Algorithm,
    params: Params,
    input: Input<'_>,
    memory: &mut Memory,
    out: &mut [u8],
) -> Result<(), Error> {
    hash_into_with(Options::default(), algorithm, params, input, memory, out)
}

/// Does the same as [`hash_into`], with the given [`Options`] or [`Kernel`](crate::Kernel).
///
/// # Errors
/// As for [`hash_into`].
pub fn hash_into_with(
    options: impl Into<Options>,
    algorithm: Algorithm,
    params: Params,
    input: Input<'_>,
    memory: &mut Memory,
    out: &mut [u8],
) -> Result<(), Error> {
    hash_batch_with(options, algorithm, params, &mut [Job { input, out }], memory)
}

/// Hashes all `jobs` with the same parameters, on the calling thread and with the fastest kernel.
///
/// The jobs are interleaved block by block, so that the arithmetic of one hides the memory latency of another: two or
/// three together take less time than one after the other. All jobs finish at about the same time, and each needs
/// memory of its own: `memory` grows to `jobs.len()` times what `params` ask for. Argon2d, Argon2i and version 16 are
/// hashed one after the other instead, in the memory of one.
///
/// # Errors
/// An [`Error`] if a length of any job is out of bounds or the system refuses the memory. All outputs then keep their
/// contents.
pub fn hash_batch(
    algorithm: Algorithm,
    params: Params,
    jobs: &mut [Job<'_>],
    memory: &mut Memory,
) -> Result<(), Error> {
    hash_batch_with(Options::default(), algorithm, params, jobs, memory)
}

/// Does the same as [`hash_batch`], with the given [`Options`] or [`Kernel`](crate::Kernel).
///
/// # Errors
/// As for [`hash_batch`].
pub fn hash_batch_with(
    options: impl Into<Options>,
    algorithm: Algorithm,
    params: Params,
    jobs: &mut [Job<'_>],
    memory: &mut Memory,
) -> Result<(), Error> {
    for job in &*jobs {
        check_lengths(job)?;
    }
    let together = if algorithm == Algorithm::default() { jobs.len() } else { jobs.len().min(1) };
    let count = params.blocks().checked_mul(together).ok_or(Error::OutOfMemory)?;
    if count == 0 {
        return Ok(());
    }
    hash_in(options.into(), algorithm, params, jobs, memory.blocks(count)?)
}

/// Hashes all jobs in `memory`: that of all together for Argon2id of version 19, and that of one for the others.
pub(crate) fn hash_in(
    options: Options,
    algorithm: Algorithm,
    params: Params,
    jobs: &mut [Job<'_>],
    memory: &mut [Block],
) -> Result<(), Error> {
    for job in &*jobs {
        check_lengths(job)?;
    }
    if algorithm == Algorithm::default() {
        argon2id::hash(options, params, jobs, memory);
    } else {
        for job in jobs {
            fallback::hash(algorithm, params, job, memory)?;
        }
    }
    Ok(())
}

/// Checks the lengths that Argon2 limits (RFC 9106, section 3.1). The limit on associated data is that of the `argon2`
/// crate, so that all algorithms accept the same input.
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
