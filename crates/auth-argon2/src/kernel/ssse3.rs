//! The kernel for SSSE3, which every x86-64 processor since 2006 has.

#![expect(unsafe_code, reason = "vector instructions on raw memory")]

use core::arch::x86_64::{
    __m128i, _MM_HINT_T0, _mm_add_epi64, _mm_alignr_epi8, _mm_mul_epu32, _mm_prefetch, _mm_setr_epi8,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_srli_epi64, _mm_xor_si128,
};

use super::cells::{Cell, Cells};
use super::implementation::Implementation;
use crate::compress::Compress;
use crate::fill::{self, MAX_INTERLEAVED};
use crate::segment::Segment;

cpufeatures::new!(ssse3, "ssse3");

/// The kernel's description.
pub(super) const KERNEL: Implementation = Implementation {
    name: "ssse3",
    runs_here: ssse3::get,
    interleaved: MAX_INTERLEAVED,
    position: Ssse3::position,
    fill,
};

/// The kernel. Sixteen registers are enough for one row or column.
type Ssse3 = Cells<Register, 1>;

/// Fills a segment with SSSE3 enabled.
///
/// # Safety
/// As for [`fill::fill`]; the machine has SSSE3.
#[target_feature(enable = "ssse3")]
unsafe fn fill(segment: &Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe { fill::fill::<Ssse3>(segment) }
}

/// A register.
#[derive(Clone, Copy)]
struct Register(__m128i);

// SAFETY: a register may hold any 16 bytes.
unsafe impl Cell for Register {
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller promises that the machine has SSSE3.
        Self(unsafe { _mm_xor_si128(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn multiply_add(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        let ([a0, a1], [b0, b1]) = (a, b);
        // SAFETY: the caller promises that the machine has SSSE3.
        let one = |a: Self, b: Self| unsafe {
            let product = _mm_mul_epu32(a.0, b.0);
            Self(_mm_add_epi64(_mm_add_epi64(a.0, b.0), _mm_add_epi64(product, product)))
        };
        [one(a0, b0), one(a1, b1)]
    }

    #[inline(always)]
    unsafe fn xor_rotate<const BY: i32>(self, other: Self) -> Self {
        // SAFETY: the caller promises that the machine has SSSE3.
        unsafe {
            let x = _mm_xor_si128(self.0, other.0);
            let by_24 = _mm_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
            let by_16 = _mm_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
            Self(match BY {
                32 => _mm_shuffle_epi32::<0xb1>(x),
                24 => _mm_shuffle_epi8(x, by_24),
                16 => _mm_shuffle_epi8(x, by_16),
                _ => _mm_xor_si128(_mm_srli_epi64::<63>(x), _mm_add_epi64(x, x)),
            })
        }
    }

    #[inline(always)]
    unsafe fn shift_in(self, next: Self) -> Self {
        // SAFETY: the caller promises that the machine has SSSE3.
        Self(unsafe { _mm_alignr_epi8::<8>(next.0, self.0) })
    }

    #[inline(always)]
    fn prefetch_to_read(line: *const u8) {
        // SAFETY: a prefetch of any address is harmless.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
    }

    #[inline(always)]
    fn prefetch_to_write(line: *const u8) {
        Self::prefetch_to_read(line);
    }
}
