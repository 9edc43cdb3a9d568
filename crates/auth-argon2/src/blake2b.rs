//! BLAKE2b with outputs of any length: up to 64 bytes directly, longer ones as RFC 9106, section 3.3, chains them.

use blake2::Blake2bVarCore;
use blake2::digest::block_api::{UpdateCore, VariableOutputCore};
use blake2::digest::block_buffer::LazyBuffer;
use zeroize::Zeroize;

/// The greatest length of BLAKE2b's output, in bytes.
pub(crate) const MAX_OUTPUT: usize = 64;

/// Bytes that each hash of the chain but the last one contributes to the output.
const HEAD: usize = MAX_OUTPUT / 2;

/// Fills `out`, of 1 to [`MAX_OUTPUT`] bytes, with BLAKE2b of the concatenated `parts`.
pub(crate) fn blake2b<'a>(parts: impl IntoIterator<Item = &'a [u8]>, out: &mut [u8]) {
    let Ok(mut core) = Blake2bVarCore::new(out.len()) else {
        debug_assert!(false, "BLAKE2b has no output of {} bytes", out.len());
        return;
    };
    let mut buffer = LazyBuffer::default();
    for part in parts {
        buffer.digest_blocks(part, |blocks| core.update_blocks(blocks));
    }
    let mut full = Default::default();
    core.finalize_variable_core(&mut buffer, &mut full);
    for (out, byte) in out.iter_mut().zip(&full) {
        *out = *byte;
    }
    full.zeroize();
}

/// Fills `out`, of at least one byte, with H′ of the concatenated `parts` (RFC 9106, section 3.3): the first 32 bytes
/// of each hash of a chain, and all of the last one.
pub(crate) fn hash_prime(parts: &[&[u8]], out: &mut [u8]) {
    let length = (out.len() as u32).to_le_bytes();
    let parts = [&length[..]].into_iter().chain(parts.iter().copied());
    if out.len() <= MAX_OUTPUT {
        return blake2b(parts, out);
    }
    let mut link = [0; MAX_OUTPUT];
    blake2b(parts, &mut link);
    let (heads, last) = out.split_at_mut((out.len().div_ceil(HEAD) - 2) * HEAD);
    for (index, head) in heads.chunks_exact_mut(HEAD).enumerate() {
        if index > 0 {
            let before = link;
            blake2b([&before[..]], &mut link);
        }
        head.copy_from_slice(&link[..HEAD]);
    }
    blake2b([&link[..]], last);
    link.zeroize();
}
