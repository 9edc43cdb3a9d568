//! The kernel for AVX2: eight registers at a time hold two rows or two columns of a block.

#![expect(unsafe_code, reason = "vector instructions on raw memory")]
#![expect(clippy::indexing_slicing, reason = "arrays of constant length with indices below it")]
#![expect(clippy::needless_range_loop, reason = "an index has several uses")]

use core::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi64, _mm256_alignr_epi8, _mm256_load_si256,
    _mm256_mul_epu32, _mm256_permute4x64_epi64, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_shuffle_epi32, _mm256_srli_epi64, _mm256_store_si256, _mm256_xor_si256,
};
use core::mem::MaybeUninit;

use super::implementation::Implementation;
use crate::block::Block;
use crate::compress::{Compress, Prefetch};
use crate::fill::{self, MAX_INTERLEAVED};
use crate::segment::Segment;

cpufeatures::new!(avx2, "avx2");

/// The kernel's description.
pub(super) const KERNEL: Implementation = Implementation {
    name: "avx2",
    runs_here: avx2::get,
    interleaved: MAX_INTERLEAVED,
    position: Avx2::position,
    fill,
};

/// Fills a segment with AVX2 enabled.
///
/// # Safety
/// As for [`fill::fill`]; the machine has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn fill(segment: &Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe { fill::fill::<Avx2>(segment) }
}

/// The AVX2 kernel.
struct Avx2;

/// One register of each of two rows or columns.
type Two = [__m256i; 2];

impl Compress for Avx2 {
    /// All sixteen registers together hold half a block only, so a block stays in memory.
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
        prefetch: Prefetch,
        mut first_word: impl FnMut(u64),
    ) -> *const Block {
        let mut state = MaybeUninit::<Block>::uninit();
        let state = state.as_mut_ptr().cast::<__m256i>();
        let (previous, reference) = (previous.cast::<__m256i>(), reference.cast::<__m256i>());
        let output = target.cast::<__m256i>();
        // SAFETY: a block has the length of 32 registers, four per row, and the alignment of two. The caller promises
        // the rest.
        unsafe {
            for pair in 0..4 {
                prefetch_lines(prefetch.target, 2 * pair, 2);
                if let Some(reference) = prefetch.reference {
                    prefetch_lines(reference, 4 * pair, 4);
                }
                let mut rows = [[_mm256_setzero_si256(); 2]; 4];
                for k in 0..4 {
                    for row in 0..2 {
                        let at = 8 * pair + 4 * row + k;
                        let input = _mm256_xor_si256(
                            _mm256_load_si256(previous.add(at)),
                            _mm256_load_si256(reference.add(at)),
                        );
                        rows[k][row] = input;
                        // The target holds what the permuted block is combined with, until that is known.
                        let kept = if XOR {
                            _mm256_xor_si256(input, _mm256_load_si256(output.add(at)))
                        } else {
                            input
                        };
                        _mm256_store_si256(output.add(at), kept);
                    }
                }
                half_round(&mut rows);
                rotate_rows::<0x39, 0x93>(&mut rows);
                half_round(&mut rows);
                rotate_rows::<0x93, 0x39>(&mut rows);
                for k in 0..4 {
                    for row in 0..2 {
                        _mm256_store_si256(state.add(8 * pair + 4 * row + k), rows[k][row]);
                    }
                }
            }
            for pair in 0..4 {
                prefetch_lines(prefetch.target, 8 + 2 * pair, 2);
                let mut columns = [[_mm256_setzero_si256(); 2]; 4];
                for row in 0..8 {
                    columns[row / 2][row % 2] = _mm256_load_si256(state.add(4 * row + pair));
                }
                half_round(&mut columns);
                let [_, b, c, d] = &mut columns;
                rotate_forward(b);
                c.swap(0, 1);
                rotate_back(d);
                half_round(&mut columns);
                let [_, b, c, d] = &mut columns;
                rotate_back(b);
                c.swap(0, 1);
                rotate_forward(d);
                for row in 0..8 {
                    let cell = output.add(4 * row + pair);
                    let combined = _mm256_xor_si256(columns[row / 2][row % 2], _mm256_load_si256(cell));
                    _mm256_store_si256(cell, combined);
                }
                if pair == 0 {
                    first_word(target.cast::<u64>().read());
                }
            }
        }
        target
    }

    #[inline(always)]
    fn prefetch(block: *const Block) {
        prefetch_lines(block, 0, 16);
    }
}

/// Prefetches `count` cache lines of a block, beginning with line `first`.
#[inline(always)]
fn prefetch_lines(block: *const Block, first: usize, count: usize) {
    for line in first..first + count {
        // SAFETY: a prefetch of any address is harmless.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(block.cast::<i8>().wrapping_add(64 * line)) };
    }
}

/// Half a round of BLAKE2b with Argon2's multiplication (RFC 9106, section 3.6), on two rows or columns.
#[inline(always)]
unsafe fn half_round([a, b, c, d]: &mut [Two; 4]) {
    // SAFETY: the caller promises that the machine has AVX2.
    unsafe {
        let by_24 = _mm256_setr_epi8(
            3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15,
            8, 9, 10,
        );
        let by_16 = _mm256_setr_epi8(
            2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14,
            15, 8, 9,
        );
        quarter(a, b, d, |x| _mm256_shuffle_epi32::<0xb1>(x));
        quarter(c, d, b, |x| _mm256_shuffle_epi8(x, by_24));
        quarter(a, b, d, |x| _mm256_shuffle_epi8(x, by_16));
        quarter(c, d, b, |x| _mm256_xor_si256(_mm256_srli_epi64::<63>(x), _mm256_add_epi64(x, x)));
    }
}

/// A quarter of BLAKE2b's G: `a = a + b + 2·lo(a)·lo(b)`, `d = rotate(d ^ a)`.
#[inline(always)]
unsafe fn quarter(a: &mut Two, b: &Two, d: &mut Two, rotate: impl Fn(__m256i) -> __m256i) {
    for pair in 0..2 {
        // SAFETY: the caller promises that the machine has AVX2.
        unsafe {
            let product = _mm256_mul_epu32(a[pair], b[pair]);
            let sum = _mm256_add_epi64(a[pair], b[pair]);
            a[pair] = _mm256_add_epi64(sum, _mm256_add_epi64(product, product));
            d[pair] = rotate(_mm256_xor_si256(d[pair], a[pair]));
        }
    }
}

/// Rotates the words of B by one, of C by two and of D by three, or back. In a row, a register holds all four words.
#[inline(always)]
unsafe fn rotate_rows<const B: i32, const D: i32>([_, b, c, d]: &mut [Two; 4]) {
    for pair in 0..2 {
        // SAFETY: the caller promises that the machine has AVX2.
        unsafe {
            b[pair] = _mm256_permute4x64_epi64::<B>(b[pair]);
            c[pair] = _mm256_permute4x64_epi64::<0x4e>(c[pair]);
            d[pair] = _mm256_permute4x64_epi64::<D>(d[pair]);
        }
    }
}

/// Rotates the words of two columns by one. Each of two registers holds two of a column's four words.
#[inline(always)]
unsafe fn rotate_forward(columns: &mut Two) {
    let [low, high] = *columns;
    // SAFETY: the caller promises that the machine has AVX2.
    unsafe { *columns = [_mm256_alignr_epi8::<8>(high, low), _mm256_alignr_epi8::<8>(low, high)] };
}

/// Rotates the words of two columns back by one.
#[inline(always)]
unsafe fn rotate_back(columns: &mut Two) {
    let [low, high] = *columns;
    // SAFETY: the caller promises that the machine has AVX2.
    unsafe { *columns = [_mm256_alignr_epi8::<8>(low, high), _mm256_alignr_epi8::<8>(high, low)] };
}
