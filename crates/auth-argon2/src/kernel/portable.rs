//! The portable kernel: plain arithmetic on 64-bit words, as the RFC writes it.

#![expect(unsafe_code, reason = "blocks come as raw memory")]
#![expect(clippy::indexing_slicing, reason = "a block has 128 words, and every index is below that")]

use super::Implementation;
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
    let [
        mut a0,
        mut a1,
        mut a2,
        mut a3,
        mut b0,
        mut b1,
        mut b2,
        mut b3,
        mut c0,
        mut c1,
        mut c2,
        mut c3,
        mut d0,
        mut d1,
        mut d2,
        mut d3,
    ] = positions.map(|position| state[position]);
    mix(&mut a0, &mut b0, &mut c0, &mut d0);
    mix(&mut a1, &mut b1, &mut c1, &mut d1);
    mix(&mut a2, &mut b2, &mut c2, &mut d2);
    mix(&mut a3, &mut b3, &mut c3, &mut d3);
    mix(&mut a0, &mut b1, &mut c2, &mut d3);
    mix(&mut a1, &mut b2, &mut c3, &mut d0);
    mix(&mut a2, &mut b3, &mut c0, &mut d1);
    mix(&mut a3, &mut b0, &mut c1, &mut d2);
    let words = [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3];
    for (position, word) in positions.into_iter().zip(words) {
        state[position] = word;
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
