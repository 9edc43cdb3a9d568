//! The portable kernel: plain arithmetic on 64-bit words, as the RFC writes it.

#![expect(unsafe_code, reason = "blocks come as raw memory")]
#![expect(clippy::indexing_slicing, reason = "a block has 128 words, and every index is below that")]

use super::implementation::Implementation;
use crate::block::Block;
use crate::compress::{Compress, Prefetch};
use crate::fill;

/// The kernel's description.
pub(super) const KERNEL: Implementation = Implementation {
    name: "portable",
    runs_here: || true,
    interleaved: 1,
    position: Portable::position,
    fill: fill::fill::<Portable>,
};

/// The portable kernel.
struct Portable;

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
        let mut state = [0; 128];
        for word in 0..128 {
            state[word] = previous[word] ^ reference[word];
            // The target holds what the permuted block is combined with, until that is known.
            target[word] = state[word] ^ if XOR { target[word] } else { 0 };
        }
        permute(&mut state);
        for word in 0..128 {
            target[word] ^= state[word];
        }
        first_word(target[0]);
        core::ptr::from_ref(target).cast()
    }

    #[inline(always)]
    fn prefetch(_: *const Block) {}
}

/// The permutation P on all rows, then on all columns. Not inlined: compilers optimise it better on its own.
#[inline(never)]
fn permute(state: &mut [u64; 128]) {
    for row in 0..8 {
        round(state, 16 * row, 2);
    }
    for column in 0..8 {
        round(state, 2 * column, 16);
    }
}

/// The permutation P: a round of BLAKE2b with Argon2's multiplication, on sixteen words (RFC 9106, section 3.6). They are
/// eight pairs of neighbours: the first begins at word `first`, and the others follow at the given distance.
#[inline(always)]
fn round(state: &mut [u64; 128], first: usize, distance: usize) {
    let mut words = [0; 16];
    for word in 0..16 {
        words[word] = state[first + word / 2 * distance + word % 2];
    }
    let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] = &mut words;
    mix(a0, b0, c0, d0);
    mix(a1, b1, c1, d1);
    mix(a2, b2, c2, d2);
    mix(a3, b3, c3, d3);
    mix(a0, b1, c2, d3);
    mix(a1, b2, c3, d0);
    mix(a2, b3, c0, d1);
    mix(a3, b0, c1, d2);
    for word in 0..16 {
        state[first + word / 2 * distance + word % 2] = words[word];
    }
}

/// The function G of BLAKE2b with Argon2's multiplication.
#[inline(always)]
fn mix(a: &mut u64, b: &mut u64, c: &mut u64, d: &mut u64) {
    *a = multiply_add(*a, *b);
    *d = (*d ^ *a).rotate_right(32);
    *c = multiply_add(*c, *d);
    *b = (*b ^ *c).rotate_right(24);
    *a = multiply_add(*a, *b);
    *d = (*d ^ *a).rotate_right(16);
    *c = multiply_add(*c, *d);
    *b = (*b ^ *c).rotate_right(63);
}

/// `a + b + 2·lo(a)·lo(b)`, where `lo` is the lower 32 bits.
#[inline(always)]
fn multiply_add(a: u64, b: u64) -> u64 {
    let product = (a & 0xffff_ffff) * (b & 0xffff_ffff);
    a.wrapping_add(b).wrapping_add(product.wrapping_mul(2))
}
