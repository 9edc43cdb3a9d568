//! Argon2d, Argon2i and version 16, computed by the `argon2` crate.

use argon2::{Argon2, AssociatedData, ParamsBuilder};

use crate::block::Block;
use crate::memory::wipe_ends;
use crate::{Algorithm, Error, Job, Params, Variant, Version};

/// Hashes one job in `memory` of `params.blocks()` blocks.
pub(crate) fn hash(
    algorithm: Algorithm,
    params: Params,
    job: &mut Job<'_>,
    memory: &mut [Block],
) -> Result<(), Error> {
    let associated_data =
        AssociatedData::new(job.input.associated_data).map_err(|_| Error::AssociatedDataTooLong)?;
    let hasher = ParamsBuilder::new()
        .m_cost(params.memory_kib())
        .t_cost(params.iterations())
        .p_cost(params.lanes())
        .output_len(job.out.len())
        .data(associated_data)
        .build()
        .and_then(|checked| {
            Argon2::new_with_secret(job.input.secret, variant(algorithm), version(algorithm), checked)
        })
        .map_err(|_| Error::InputTooLong)?;
    let hashed =
        hasher.hash_password_into_with_memory(job.input.password, job.input.salt, job.out, &mut *memory);
    wipe_ends(memory, params.lane_blocks());
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
