//! The kernels whose registers hold 16 bytes, one cell of a block each: the rows and columns of a block are the same to
//! them. What an instruction set must have for that is the trait [`Cell`].

#![expect(unsafe_code, reason = "vector instructions on raw memory")]
#![expect(clippy::indexing_slicing, reason = "arrays with constant indices below their lengths")]
#![expect(clippy::needless_range_loop, reason = "an index has several uses")]

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::block::Block;
use crate::compress::{Compress, Prefetch};

/// Cells in a block: eight rows of eight.
const CELLS: usize = 64;

/// A register of two words.
///
/// # Safety
/// A value may be read from and written to any 16 bytes, aligned to 16. Every method is sound on a machine that has the
/// instructions; [`Compress`] leaves it to the caller that it has.
pub(super) unsafe trait Cell: Copy {
    /// The exclusive or of two cells.
    unsafe fn xor(self, other: Self) -> Self;

    /// Adds `b` and twice the product of the lower halves, word by word: `a + b + 2·lo(a)·lo(b)`.
    unsafe fn multiply_add(a: [Self; 2], b: [Self; 2]) -> [Self; 2];

    /// The exclusive or of two cells, with each word rotated right by `BY` bits: 32, 24, 16 or 63.
    unsafe fn xor_rotate<const BY: i32>(self, other: Self) -> Self;

    /// The second word of `self` and the first word of `next`.
    unsafe fn shift_in(self, next: Self) -> Self;

    /// Prefetches a cache line that will be read. The address need not be valid.
    fn prefetch_to_read(line: *const u8);

    /// Prefetches a cache line that will be written. The address need not be valid.
    fn prefetch_to_write(line: *const u8);
}

/// The kernel for cells of type `C`. It computes `SIDE` rows, or columns, side by side.
pub(super) struct Cells<C, const SIDE: usize>(PhantomData<C>);

impl<C: Cell, const SIDE: usize> Compress for Cells<C, SIDE> {
    /// The registers hold a part of a block only, so a block stays in memory.
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
        let mut state = MaybeUninit::<[C; CELLS]>::uninit();
        let state = state.as_mut_ptr().cast::<C>();
        let (previous, reference) = (previous.cast::<C>(), reference.cast::<C>());
        let output = target.cast::<C>();
        // SAFETY: a block has the length of 64 cells and a greater alignment. The caller promises the rest.
        unsafe {
            for group in 0..8 / SIDE {
                let first = SIDE * group;
                for line in 2 * first..2 * (first + SIDE) {
                    C::prefetch_to_write(cache_line(prefetch.target, line));
                    if let Some(reference) = prefetch.reference {
                        C::prefetch_to_read(cache_line(reference, line));
                    }
                }
                let mut rows = [[previous.read(); 8]; SIDE];
                for row in 0..SIDE {
                    for column in 0..8 {
                        let at = 8 * (first + row) + column;
                        let cell = previous.add(at).read().xor(reference.add(at).read());
                        rows[row][column] = cell;
                        // The target holds what the permuted block is combined with, until that is known.
                        let kept = if XOR { cell.xor(output.add(at).read()) } else { cell };
                        output.add(at).write(kept);
                    }
                }
                round(&mut rows);
                for row in 0..SIDE {
                    for column in 0..8 {
                        state.add(8 * (first + row) + column).write(rows[row][column]);
                    }
                }
            }
            for group in 0..8 / SIDE {
                let first = SIDE * group;
                let mut columns = [[previous.read(); 8]; SIDE];
                for column in 0..SIDE {
                    for row in 0..8 {
                        columns[column][row] = state.add(8 * row + first + column).read();
                    }
                }
                round(&mut columns);
                for row in 0..8 {
                    for column in 0..SIDE {
                        let cell = output.add(8 * row + first + column);
                        cell.write(cell.read().xor(columns[column][row]));
                    }
                }
                if first == 0 {
                    first_word(target.cast::<u64>().read());
                }
            }
        }
        target
    }

    #[inline(always)]
    fn prefetch(block: *const Block) {
        for line in 0..16 {
            C::prefetch_to_read(cache_line(block, line));
        }
    }
}

/// The address of a cache line of a block. Neither need be valid.
#[inline(always)]
fn cache_line(block: *const Block, line: usize) -> *const u8 {
    block.cast::<u8>().wrapping_add(64 * line)
}

/// A round of BLAKE2b with Argon2's multiplication (RFC 9106, section 3.6), on rows or columns side by side.
#[inline(always)]
unsafe fn round<C: Cell, const SIDE: usize>(v: &mut [[C; 8]; SIDE]) {
    // SAFETY: the caller promises the instructions.
    unsafe {
        half_round(v);
        for [_, _, b0, b1, c0, c1, d0, d1] in &mut *v {
            [*b0, *b1] = [b0.shift_in(*b1), b1.shift_in(*b0)];
            [*c0, *c1] = [*c1, *c0];
            [*d0, *d1] = [d1.shift_in(*d0), d0.shift_in(*d1)];
        }
        half_round(v);
        for [_, _, b0, b1, c0, c1, d0, d1] in &mut *v {
            [*b0, *b1] = [b1.shift_in(*b0), b0.shift_in(*b1)];
            [*c0, *c1] = [*c1, *c0];
            [*d0, *d1] = [d0.shift_in(*d1), d1.shift_in(*d0)];
        }
    }
}

/// The function G of BLAKE2b on four groups of words at once: A, B, C and D are two cells each.
#[inline(always)]
unsafe fn half_round<C: Cell, const SIDE: usize>(v: &mut [[C; 8]; SIDE]) {
    let [a, b, c, d] = [0, 2, 4, 6];
    // SAFETY: the caller promises the instructions.
    unsafe {
        quarter::<C, SIDE, 32>(v, a, b, d);
        quarter::<C, SIDE, 24>(v, c, d, b);
        quarter::<C, SIDE, 16>(v, a, b, d);
        quarter::<C, SIDE, 63>(v, c, d, b);
    }
}

/// A quarter of G: `a = a + b + 2·lo(a)·lo(b)`, `d = (d ^ a) >>> BY`. The letters are positions of cells.
#[inline(always)]
unsafe fn quarter<C: Cell, const SIDE: usize, const BY: i32>(
    v: &mut [[C; 8]; SIDE],
    a: usize,
    b: usize,
    d: usize,
) {
    for v in v {
        // SAFETY: the caller promises the instructions.
        unsafe {
            [v[a], v[a + 1]] = C::multiply_add([v[a], v[a + 1]], [v[b], v[b + 1]]);
            v[d] = v[d].xor_rotate::<BY>(v[a]);
            v[d + 1] = v[d + 1].xor_rotate::<BY>(v[a + 1]);
        }
    }
}
