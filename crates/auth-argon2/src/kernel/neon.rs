//! The kernels for 64-bit ARM: NEON, and NEON with the instructions for SHA-3, one of which combines and rotates.

#![expect(unsafe_code, reason = "vector instructions on raw memory")]

use core::arch::aarch64::{
    uint32x4_t, uint64x2_t, vaddq_u64, veorq_u64, vextq_u64, vld1q_u8, vqtbl1q_u8, vreinterpretq_u8_u64,
    vreinterpretq_u32_u64, vreinterpretq_u64_u8, vreinterpretq_u64_u32, vrev64q_u32, vsraq_n_u64, vuzp1q_u32,
    vxarq_u64,
};
use core::arch::asm;

use super::cells::{Cell, Cells};
use super::implementation::Implementation;
use crate::compress::Compress;
use crate::fill::{self, MAX_INTERLEAVED};
use crate::segment::Segment;

cpufeatures::new!(sha3, "sha3");

/// The description of the kernel for NEON, which every machine of this target has.
pub(super) const KERNEL: Implementation = Implementation {
    name: "neon",
    runs_here: || true,
    interleaved: MAX_INTERLEAVED,
    position: Neon::position,
    fill,
};

/// The description of the kernel for NEON with SHA-3.
pub(super) const WITH_SHA3: Implementation = Implementation {
    name: "neon-sha3",
    runs_here: sha3::get,
    interleaved: MAX_INTERLEAVED,
    position: NeonSha3::position,
    fill: fill_sha3,
};

/// The kernel for NEON. Two rows or columns at a time take half of the 32 registers.
type Neon = Cells<Register<false>, 2>;

/// The kernel for NEON with SHA-3.
type NeonSha3 = Cells<Register<true>, 2>;

/// Fills a segment with NEON.
///
/// # Safety
/// As for [`fill::fill`].
unsafe fn fill(segment: &Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe { fill::fill::<Neon>(segment) }
}

/// Fills a segment with the instructions for SHA-3 enabled.
///
/// # Safety
/// As for [`fill::fill`]; the machine has the instructions.
#[target_feature(enable = "sha3")]
unsafe fn fill_sha3(segment: &Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe { fill::fill::<NeonSha3>(segment) }
}

/// A register. With `SHA3`, the machine has the instructions for SHA-3.
#[derive(Clone, Copy)]
struct Register<const SHA3: bool>(uint64x2_t);

// SAFETY: a register may hold any 16 bytes.
unsafe impl<const SHA3: bool> Cell for Register<SHA3> {
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the machine has NEON.
        Self(unsafe { veorq_u64(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn multiply_add([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        // The lower halves of both registers are packed into one, and their products added twice.
        // SAFETY: the machine has NEON.
        unsafe {
            let (a, b) = (pack(a0.0, a1.0), pack(b0.0, b1.0));
            let (mut sum0, mut sum1) = (vaddq_u64(a0.0, b0.0), vaddq_u64(a1.0, b1.0));
            // From intrinsics, the compiler makes one multiplication and two additions more.
            asm!(
                "umlal {sum0:v}.2d, {a:v}.2s, {b:v}.2s",
                "umlal2 {sum1:v}.2d, {a:v}.4s, {b:v}.4s",
                "umlal {sum0:v}.2d, {a:v}.2s, {b:v}.2s",
                "umlal2 {sum1:v}.2d, {a:v}.4s, {b:v}.4s",
                sum0 = inout(vreg) sum0,
                sum1 = inout(vreg) sum1,
                a = in(vreg) a,
                b = in(vreg) b,
                options(pure, nomem, nostack, preserves_flags),
            );
            [Self(sum0), Self(sum1)]
        }
    }

    #[inline(always)]
    unsafe fn xor_rotate<const BY: i32>(self, other: Self) -> Self {
        // SAFETY: the machine has NEON; the caller promises that it has the instructions for SHA-3 if `SHA3` is set.
        unsafe {
            if SHA3 {
                return Self(combine_rotate::<BY>(self.0, other.0));
            }
            let x = veorq_u64(self.0, other.0);
            Self(match BY {
                32 => vreinterpretq_u64_u32(vrev64q_u32(vreinterpretq_u32_u64(x))),
                24 => shuffle(x, &[3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10]),
                16 => shuffle(x, &[2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9]),
                _ => vsraq_n_u64::<63>(vaddq_u64(x, x), x),
            })
        }
    }

    #[inline(always)]
    unsafe fn shift_in(self, next: Self) -> Self {
        // SAFETY: the machine has NEON.
        Self(unsafe { vextq_u64::<1>(self.0, next.0) })
    }

    #[inline(always)]
    fn prefetch_to_read(line: *const u8) {
        // SAFETY: a prefetch of any address is harmless.
        unsafe { asm!("prfm pldl1keep, [{}]", in(reg) line, options(nostack, preserves_flags, readonly)) };
    }

    #[inline(always)]
    fn prefetch_to_write(line: *const u8) {
        // SAFETY: a prefetch of any address is harmless.
        unsafe { asm!("prfm pstl1keep, [{}]", in(reg) line, options(nostack, preserves_flags, readonly)) };
    }
}

/// The lower halves of the words of two registers.
#[inline(always)]
unsafe fn pack(x: uint64x2_t, y: uint64x2_t) -> uint32x4_t {
    // SAFETY: the caller promises NEON.
    unsafe { vuzp1q_u32(vreinterpretq_u32_u64(x), vreinterpretq_u32_u64(y)) }
}

/// The bytes of a register in the order of a table.
#[inline(always)]
unsafe fn shuffle(x: uint64x2_t, table: &[u8; 16]) -> uint64x2_t {
    // SAFETY: the table has the 16 bytes that are read, and the caller promises NEON.
    unsafe { vreinterpretq_u64_u8(vqtbl1q_u8(vreinterpretq_u8_u64(x), vld1q_u8(table.as_ptr()))) }
}

/// The exclusive or of two registers, with each word rotated right by `BY` bits, in one instruction.
#[inline]
#[target_feature(enable = "sha3")]
fn combine_rotate<const BY: i32>(x: uint64x2_t, y: uint64x2_t) -> uint64x2_t {
    vxarq_u64::<BY>(x, y)
}
