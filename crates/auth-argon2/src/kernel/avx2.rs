//! AVX2: eight registers at a time, two rows or two columns of a block.

#![expect(unsafe_code, reason = "vector instructions on raw memory")]
#![expect(clippy::indexing_slicing, reason = "arrays of two with indices below two")]

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi64, _mm256_alignr_epi8, _mm256_load_si256,
    _mm256_mul_epu32, _mm256_permute4x64_epi64, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_shuffle_epi32, _mm256_srli_epi64, _mm256_store_si256, _mm256_xor_si256,
};

use super::{Block, Compress, Soon};
use crate::fill::Segment;

/// Fills segments with these instructions.
///
/// # Safety
/// The machine has AVX2; besides, that of [`Segment::fill`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn fill(segment: &Segment<'_>) {
    // SAFETY: the caller's promise.
    unsafe { segment.fill::<Avx2>() }
}

/// The kernel.
pub(super) struct Avx2;

/// One register of each of two chains.
type Two = [__m256i; 2];

impl Compress for Avx2 {
    /// Half the registers hold half a block: it stays in memory.
    type Running = *const Block;

    fn place(word: usize) -> usize {
        word
    }

    #[inline(always)]
    unsafe fn running(block: *const Block) -> *const Block {
        block
    }

    #[inline(always)]
    unsafe fn compress<const MIX: bool>(
        running: *const Block,
        reference: *const Block,
        target: *mut Block,
        soon: Soon,
        mut first_word: impl FnMut(u64),
    ) -> *const Block {
        let (mut input, mut state) = (Block::new(), Block::new());
        let (input, state) = ((&raw mut input).cast::<__m256i>(), (&raw mut state).cast::<__m256i>());
        let (previous, reference) = (running.cast::<__m256i>(), reference.cast::<__m256i>());
        let output = target.cast::<__m256i>();
        // SAFETY: a block is 32 registers long and aligned like two; row r is 4r to 4r + 3. The caller's promise.
        unsafe {
            for pair in 0..4 {
                prefetch_lines(soon.target, 2 * pair, 2);
                if let Some(reference) = soon.reference {
                    prefetch_lines(reference, 4 * pair, 4);
                }
                let mut rows = [[_mm256_setzero_si256(); 2]; 4];
                for (k, register) in rows.iter_mut().enumerate() {
                    for (row, register) in register.iter_mut().enumerate() {
                        let at = 8 * pair + 4 * row + k;
                        *register = _mm256_xor_si256(
                            _mm256_load_si256(previous.add(at)),
                            _mm256_load_si256(reference.add(at)),
                        );
                        let kept = if MIX {
                            _mm256_xor_si256(*register, _mm256_load_si256(output.add(at)))
                        } else {
                            *register
                        };
                        _mm256_store_si256(input.add(at), kept);
                    }
                }
                half_round(&mut rows);
                turn_rows::<0x39, 0x93>(&mut rows);
                half_round(&mut rows);
                turn_rows::<0x93, 0x39>(&mut rows);
                for (k, register) in rows.iter().enumerate() {
                    for (row, register) in register.iter().enumerate() {
                        _mm256_store_si256(state.add(8 * pair + 4 * row + k), *register);
                    }
                }
            }
            for pair in 0..4 {
                prefetch_lines(soon.target, 8 + 2 * pair, 2);
                let mut columns = [[_mm256_setzero_si256(); 2]; 4];
                for (row, register) in columns.as_flattened_mut().iter_mut().enumerate() {
                    *register = _mm256_load_si256(state.add(4 * row + pair));
                }
                half_round(&mut columns);
                let [_, b, c, d] = &mut columns;
                turn_on(b);
                c.swap(0, 1);
                turn_back(d);
                half_round(&mut columns);
                let [_, b, c, d] = &mut columns;
                turn_back(b);
                c.swap(0, 1);
                turn_on(d);
                for (row, register) in columns.as_flattened().iter().enumerate() {
                    let at = 4 * row + pair;
                    _mm256_store_si256(
                        output.add(at),
                        _mm256_xor_si256(*register, _mm256_load_si256(input.add(at))),
                    );
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

/// Asks for `count` times 64 bytes of a block.
#[inline(always)]
fn prefetch_lines(block: *const Block, first: usize, count: usize) {
    for line in first..first + count {
        // SAFETY: the instruction may be given any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(block.cast::<i8>().wrapping_add(64 * line)) };
    }
}

/// Half a round of BLAKE2b, with the multiplication, on both chains.
#[inline(always)]
unsafe fn half_round([a, b, c, d]: &mut [Two; 4]) {
    // SAFETY: the machine has the instructions.
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

/// `a = a + b + 2·lo(a)·lo(b)`, `d = (d ^ a)` rotated.
#[inline(always)]
unsafe fn quarter(a: &mut Two, b: &Two, d: &mut Two, rotate: impl Fn(__m256i) -> __m256i) {
    for chain in 0..2 {
        // SAFETY: the machine has the instructions.
        unsafe {
            let product = _mm256_mul_epu32(a[chain], b[chain]);
            let sum = _mm256_add_epi64(a[chain], b[chain]);
            a[chain] = _mm256_add_epi64(sum, _mm256_add_epi64(product, product));
            d[chain] = rotate(_mm256_xor_si256(d[chain], a[chain]));
        }
    }
}

/// B one word on, C two, D three, or back: a row's four words stand side by side.
#[inline(always)]
unsafe fn turn_rows<const B: i32, const D: i32>([_, b, c, d]: &mut [Two; 4]) {
    for chain in 0..2 {
        // SAFETY: the machine has the instructions.
        unsafe {
            b[chain] = _mm256_permute4x64_epi64::<B>(b[chain]);
            c[chain] = _mm256_permute4x64_epi64::<0x4e>(c[chain]);
            d[chain] = _mm256_permute4x64_epi64::<D>(d[chain]);
        }
    }
}

/// One word on: of a column's four words two stand in each of two registers.
#[inline(always)]
unsafe fn turn_on(columns: &mut Two) {
    let [low, high] = *columns;
    // SAFETY: the machine has the instructions.
    unsafe { *columns = [_mm256_alignr_epi8::<8>(high, low), _mm256_alignr_epi8::<8>(low, high)] };
}

/// One word back.
#[inline(always)]
unsafe fn turn_back(columns: &mut Two) {
    let [low, high] = *columns;
    // SAFETY: the machine has the instructions.
    unsafe { *columns = [_mm256_alignr_epi8::<8>(low, high), _mm256_alignr_epi8::<8>(high, low)] };
}
