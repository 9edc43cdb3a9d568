//! The portable kernel: plain arithmetic on 64-bit words, as the RFC writes it.

#![expect(unsafe_code, reason = "blocks come as raw memory")]
#![expect(clippy::indexing_slicing, reason = "a block has 128 words, and every index is below that")]

use crate::block::Block;
use crate::compress::{Compress, Prefetch};

/// The portable kernel.
pub(super) struct Portable;

impl Compress for Portable {
    type Previous = *const Block;

    fn position(word: usize) -> usize {
        word
    }

    #[inline(always)]
    unsafe fn load(block: *const Block) -> *const Block {
        block
    }

    #[inline(always)]
    unsafe fn compress<const XOR: bool>(
        previous: *const Block,
        reference: *const Block,
        target: *mut Block,
        _: Prefetch,
        mut first_word: impl FnMut(u64),
    ) -> *const Block {
        // SAFETY: a block is 128 words and nothing else. The caller promises the rest.
        let (previous, reference, target) = unsafe {
            (
                &*previous.cast::<[u64; 128]>(),
                &*reference.cast::<[u64; 128]>(),
                &mut *target.cast::<[u64; 128]>(),
            )
        };
        let input: [u64; 128] = std::array::from_fn(|word| previous[word] ^ reference[word]);
        let mut state = input;
        permute(&mut state);
        for (word, target) in target.iter_mut().enumerate() {
            *target = state[word] ^ input[word] ^ if XOR { *target } else { 0 };
        }
        first_word(target[0]);
        std::ptr::from_ref(target).cast()
    }

    #[inline(always)]
    fn prefetch(_: *const Block) {}
}

/// The permutation P on all rows, then on all columns. Not inlined: compilers optimise it better on its own.
#[inline(never)]
fn permute(state: &mut [u64; 128]) {
    for row in 0..8 {
        round(state, std::array::from_fn(|word| 16 * row + word));
    }
    for column in 0..8 {
        round(state, std::array::from_fn(|word| 16 * (word / 2) + 2 * column + word % 2));
    }
}

/// The permutation P: a round of BLAKE2b with Argon2's multiplication, on sixteen words (RFC 9106, section 3.6).
#[inline(always)]
fn round(state: &mut [u64; 128], positions: [usize; 16]) {
    let mut v = positions.map(|position| state[position]);
    for [a, b, c, d] in [
        [0, 4, 8, 12],
        [1, 5, 9, 13],
        [2, 6, 10, 14],
        [3, 7, 11, 15],
        [0, 5, 10, 15],
        [1, 6, 11, 12],
        [2, 7, 8, 13],
        [3, 4, 9, 14],
    ] {
        v[a] = multiply_add(v[a], v[b]);
        v[d] = (v[d] ^ v[a]).rotate_right(32);
        v[c] = multiply_add(v[c], v[d]);
        v[b] = (v[b] ^ v[c]).rotate_right(24);
        v[a] = multiply_add(v[a], v[b]);
        v[d] = (v[d] ^ v[a]).rotate_right(16);
        v[c] = multiply_add(v[c], v[d]);
        v[b] = (v[b] ^ v[c]).rotate_right(63);
    }
    for (position, word) in positions.into_iter().zip(v) {
        state[position] = word;
    }
}

/// `a + b + 2·lo(a)·lo(b)`, where `lo` is the lower 32 bits.
#[inline(always)]
fn multiply_add(a: u64, b: u64) -> u64 {
    let product = (a & 0xffff_ffff) * (b & 0xffff_ffff);
    a.wrapping_add(b).wrapping_add(product.wrapping_mul(2))
}
