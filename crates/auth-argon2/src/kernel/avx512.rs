//! The kernel for AVX-512: sixteen registers hold a whole block, and keep it from one block to the next. The file
//! docs/argon2-kernel.md of the source repository draws the layout.

#![expect(unsafe_code, reason = "vector instructions on raw memory")]
#![expect(clippy::indexing_slicing, reason = "arrays of four with indices below four")]
#![expect(clippy::needless_range_loop, reason = "two arrays have the same index")]

use core::arch::asm;
use core::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_cvtsi128_si64, _mm_prefetch, _mm512_add_epi64, _mm512_castsi512_si128,
    _mm512_load_si512, _mm512_mul_epu32, _mm512_permutex_epi64, _mm512_permutexvar_epi64, _mm512_ror_epi64,
    _mm512_set_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_store_si512, _mm512_xor_si512,
};
use core::ops::Range;

use super::implementation::Implementation;
use crate::block::Block;
use crate::compress::{Compress, Prefetch};
use crate::fill::{self, MAX_INTERLEAVED};
use crate::segment::Segment;

cpufeatures::new!(avx512f, "avx512f");

/// The kernel's description.
pub(super) const KERNEL: Implementation = Implementation {
    name: "avx512",
    runs_here: avx512f::get,
    interleaved: MAX_INTERLEAVED,
    position: Avx512::position,
    fill,
};

/// Fills a segment with AVX-512F enabled.
///
/// # Safety
/// As for [`fill::fill`]; the machine has AVX-512F.
#[target_feature(enable = "avx512f")]
unsafe fn fill(segment: &Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe { fill::fill::<Avx512>(segment) }
}

/// The AVX-512 kernel.
struct Avx512;

/// One register of each of four chains.
type Four = [__m512i; 4];

/// Four chains of four registers A, B, C, D; a chain is two rows or two columns. In a block, `block[g][k]` is the `k`th
/// register of rows `2g` and `2g + 1`, and at the same time the `g`th register of columns `2k` and `2k + 1`.
type Registers = [Four; 4];

impl Compress for Avx512 {
    type Previous = Registers;

    fn position(word: usize) -> usize {
        let (row, column, half) = (word / 16, word % 16 / 2, word % 2);
        let register = row / 2 * 4 + column / 2;
        register * 8 + row % 2 * 4 + column % 2 * 2 + half
    }

    #[inline(always)]
    unsafe fn load(block: *const Block) -> Registers {
        // SAFETY: a block has the length of sixteen registers and the alignment of one. The caller promises the rest.
        unsafe {
            let mut registers = [[_mm512_setzero_si512(); 4]; 4];
            for g in 0..4 {
                for k in 0..4 {
                    registers[g][k] = _mm512_load_si512(block.cast::<__m512i>().add(4 * g + k));
                }
            }
            registers
        }
    }

    #[inline(always)]
    unsafe fn compress<const XOR: bool>(
        previous: Registers,
        reference: *const Block,
        target: *mut Block,
        prefetch: Prefetch,
        mut first_word: impl FnMut(u64),
    ) -> Registers {
        // SAFETY: a block has the length of sixteen registers and the alignment of one. The caller promises the rest.
        unsafe {
            let mut input = xor(previous, Self::load(reference));
            let mut state = transpose(input);
            let mut prefetched = 0;
            // A core can wait for a few cache lines at a time only, so each step prefetches one or three.
            let mut next_slot = |state: &mut Registers| {
                keep_order(state);
                if prefetched < 16 {
                    prefetch_line(prefetch.target, prefetched);
                }
                if let (Some(reference), 0..8) = (prefetch.reference, prefetched) {
                    prefetch_line(reference, 2 * prefetched);
                    prefetch_line(reference, 2 * prefetched + 1);
                }
                prefetched += 1;
            };
            macro_rules! rows {
                ($($slot:literal)*) => {$(
                    step($slot, &mut state, 0..4, |chain, back| rotate_rows(chain, back));
                    next_slot(&mut state);
                )*};
            }
            rows!(0 1 2 3 4 5 6 7 8 9);
            if XOR {
                input = xor(input, Self::load(target));
            }
            state = transpose(state);
            // The first word is in the first chain, which runs two steps ahead: the next reference is known earlier,
            // and the work on the other chains hides the latency of fetching it.
            let (one, three) = column_rotations();
            macro_rules! columns {
                ($($slot:literal)*) => {$(
                    step($slot, &mut state, 0..1, |chain, back| rotate_columns(chain, back, one, three));
                    step($slot - 2, &mut state, 1..4, |chain, back| rotate_columns(chain, back, one, three));
                    next_slot(&mut state);
                    if $slot == 7 {
                        let first = _mm512_xor_si512(state[0][0], input[0][0]);
                        first_word(_mm_cvtsi128_si64(_mm512_castsi512_si128(first)).cast_unsigned());
                    }
                )*};
            }
            columns!(0 1 2 3 4 5 6 7 8 9 10 11);
            let output = xor(state, input);
            for g in 0..4 {
                for k in 0..4 {
                    _mm512_store_si512(target.cast::<__m512i>().add(4 * g + k), output[g][k]);
                }
            }
            output
        }
    }

    #[inline(always)]
    fn prefetch(block: *const Block) {
        for line in 0..16 {
            prefetch_line(block, line);
        }
    }
}

/// Prefetches cache line number `line` of a block.
#[inline(always)]
fn prefetch_line(block: *const Block, line: usize) {
    // SAFETY: a prefetch of any address is harmless.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(block.cast::<i8>().wrapping_add(64 * line)) };
}

#[inline(always)]
unsafe fn xor(mut a: Registers, b: Registers) -> Registers {
    for g in 0..4 {
        for k in 0..4 {
            // SAFETY: the caller promises that the machine has AVX-512F.
            a[g][k] = unsafe { _mm512_xor_si512(a[g][k], b[g][k]) };
        }
    }
    a
}

/// Turns chains of rows into chains of columns and back. This takes no instruction: the registers get other names.
#[inline(always)]
fn transpose([a, b, c, d]: Registers) -> Registers {
    [[a[0], b[0], c[0], d[0]], [a[1], b[1], c[1], d[1]], [a[2], b[2], c[2], d[2]], [a[3], b[3], c[3], d[3]]]
}

/// One of the ten steps of a round of BLAKE2b with Argon2's multiplication (RFC 9106, section 3.6), on some of the
/// chains: four quarters of G, a rotation of B, C and D that lines up the diagonals, four quarters, and the rotation
/// back. Does nothing for any other number.
#[inline(always)]
unsafe fn step(
    number: i32,
    state: &mut Registers,
    chains: Range<usize>,
    rotate: impl Fn([__m512i; 3], bool) -> [__m512i; 3],
) {
    let [a, b, c, d] = state;
    for chain in chains {
        // SAFETY: the caller promises that the machine has AVX-512F.
        unsafe {
            match number {
                0 | 5 => quarter::<32>(&mut a[chain], b[chain], &mut d[chain]),
                1 | 6 => quarter::<24>(&mut c[chain], d[chain], &mut b[chain]),
                2 | 7 => quarter::<16>(&mut a[chain], b[chain], &mut d[chain]),
                3 | 8 => quarter::<63>(&mut c[chain], d[chain], &mut b[chain]),
                4 | 9 => [b[chain], c[chain], d[chain]] = rotate([b[chain], c[chain], d[chain]], number == 9),
                _ => {}
            }
        }
    }
}

/// A quarter of BLAKE2b's G: `a = a + b + 2·lo(a)·lo(b)`, `d = (d ^ a) >>> BY`.
#[inline(always)]
unsafe fn quarter<const BY: i32>(a: &mut __m512i, b: __m512i, d: &mut __m512i) {
    // SAFETY: the caller promises that the machine has AVX-512F.
    unsafe {
        let product = _mm512_mul_epu32(*a, b);
        *a = _mm512_add_epi64(_mm512_add_epi64(*a, b), _mm512_add_epi64(product, product));
        *d = _mm512_ror_epi64::<BY>(_mm512_xor_si512(*d, *a));
    }
}

/// Rotates the words of B by one, of C by two and of D by three, or back. In rows, half a register holds all four
/// words.
#[inline(always)]
unsafe fn rotate_rows([b, c, d]: [__m512i; 3], back: bool) -> [__m512i; 3] {
    // SAFETY: the caller promises that the machine has AVX-512F.
    unsafe {
        let c = _mm512_permutex_epi64::<0x4e>(c);
        if back {
            [_mm512_permutex_epi64::<0x93>(b), c, _mm512_permutex_epi64::<0x39>(d)]
        } else {
            [_mm512_permutex_epi64::<0x39>(b), c, _mm512_permutex_epi64::<0x93>(d)]
        }
    }
}

/// The same for columns, where each half of a register holds two of a column's four words.
#[inline(always)]
unsafe fn rotate_columns([b, c, d]: [__m512i; 3], back: bool, one: __m512i, three: __m512i) -> [__m512i; 3] {
    let (by_b, by_d) = if back { (three, one) } else { (one, three) };
    // SAFETY: the caller promises that the machine has AVX-512F.
    unsafe {
        [
            _mm512_permutexvar_epi64(by_b, b),
            _mm512_shuffle_i64x2::<0x4e>(c, c),
            _mm512_permutexvar_epi64(by_d, d),
        ]
    }
}

/// Permutations that rotate the words of two columns by one and by three.
#[inline(always)]
unsafe fn column_rotations() -> (__m512i, __m512i) {
    // SAFETY: the caller promises that the machine has AVX-512F.
    unsafe { (_mm512_set_epi64(2, 7, 0, 5, 6, 3, 4, 1), _mm512_set_epi64(6, 3, 4, 1, 2, 7, 0, 5)) }
}

/// A barrier that the compiler moves nothing across. It emits no instruction. Without it the compiler computes one
/// chain far ahead of the others and prefetches everything at the end, which costs a third of the speed.
#[inline]
#[target_feature(enable = "avx512f")]
fn keep_order([a, b, c, d]: &mut Registers) {
    // SAFETY: the assembly is a comment.
    unsafe {
        asm!(
            "/* {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} */",
            inout(zmm_reg) a[0], inout(zmm_reg) a[1], inout(zmm_reg) a[2], inout(zmm_reg) a[3],
            inout(zmm_reg) b[0], inout(zmm_reg) b[1], inout(zmm_reg) b[2], inout(zmm_reg) b[3],
            inout(zmm_reg) c[0], inout(zmm_reg) c[1], inout(zmm_reg) c[2], inout(zmm_reg) c[3],
            inout(zmm_reg) d[0], inout(zmm_reg) d[1], inout(zmm_reg) d[2], inout(zmm_reg) d[3],
            options(nostack, preserves_flags),
        );
    }
}
