//! BLAKE2b of any length up to 64 bytes, and beyond (RFC 9106, section 3.3).

use blake2::Blake2bVarCore;
use blake2::digest::block_api::{UpdateCore, VariableOutputCore};
use blake2::digest::block_buffer::LazyBuffer;
use zeroize::Zeroize;

/// Bytes of BLAKE2b's longest output.
pub(crate) const LONGEST: usize = 64;

/// Bytes of a hash that become output.
const HEAD: usize = LONGEST / 2;

/// BLAKE2b of `parts`, one after the other, into all of `out`: 1 to [`LONGEST`] bytes.
pub(crate) fn blake2b<'a>(parts: impl IntoIterator<Item = &'a [u8]>, out: &mut [u8]) {
    let Ok(mut core) = Blake2bVarCore::new(out.len()) else {
        debug_assert!(false, "an output that BLAKE2b has not");
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

/// H′ of RFC 9106: `out`, of any length from 1, begins with 32 bytes of each of a chain of hashes and ends with all of
/// the last one.
pub(crate) fn long(parts: &[&[u8]], out: &mut [u8]) {
    let length = (out.len() as u32).to_le_bytes();
    let parts = [&length[..]].into_iter().chain(parts.iter().copied());
    if out.len() <= LONGEST {
        return blake2b(parts, out);
    }
    let mut link = [0; LONGEST];
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
