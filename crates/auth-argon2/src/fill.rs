//! Fills the memory of Argon2id, version 19, segment by segment (RFC 9106, sections 3.2 and 3.4), with any kernel.

#![expect(unsafe_code, reason = "lanes are parts of one memory that threads write and read at the same time")]
#![expect(
    clippy::indexing_slicing,
    reason = "a block has 128 words, there are at most MAX_INTERLEAVED lanes, and indices are below that"
)]

use crate::block::{Block, WORDS};
use crate::compress::{Compress, Prefetch};
use crate::segment::{Lane, ReferenceSet, Segment, Shape};

/// The most lanes that [`fill`] interleaves. While one lane's block is computed, the next block of another lane is on
/// its way from memory. Two lanes are enough for that; with a third, an odd number of lanes leaves none alone.
pub(crate) const MAX_INTERLEAVED: usize = 3;

/// The type number of Argon2id.
const ARGON2ID: usize = 2;

/// Fills the segment of all its lanes, at most [`MAX_INTERLEAVED`], in turn: one block of each lane, then the next of
/// each.
///
/// # Safety
/// The memory of each hash is as large as the shape says, and the lanes are distinct. Until the function returns,
/// nobody else reads or writes this segment of these lanes or writes to other slices of the same memory. The machine
/// has the kernel's instructions.
#[inline(always)]
pub(crate) unsafe fn fill<K: Compress>(segment: &Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe {
        match (segment.pass, segment.slice, segment.lanes) {
            (0, 0 | 1, [_]) => fill_interleaved::<K, true, false, true>(segment),
            (0, 0 | 1, _) => fill_interleaved::<K, true, false, false>(segment),
            (0, _, [_]) => fill_interleaved::<K, false, false, true>(segment),
            (0, ..) => fill_interleaved::<K, false, false, false>(segment),
            (_, _, [_]) => fill_interleaved::<K, false, true, true>(segment),
            _ => fill_interleaved::<K, false, true, false>(segment),
        }
    }
}

/// [`fill`] for one kind of segment.
///
/// * `INDEPENDENT`: references come from counters, independent of the data, and not from the previous block.
/// * `XOR`: an earlier pass left blocks, which the new ones are combined with.
/// * `SINGLE`: there is one lane, whose previous block need not be loaded again.
///
/// # Safety
/// As for [`fill`].
#[inline(always)]
unsafe fn fill_interleaved<K: Compress, const INDEPENDENT: bool, const XOR: bool, const SINGLE: bool>(
    segment: &Segment<'_>,
) {
    let Segment { shape, pass, slice, lanes } = *segment;
    let references = ReferenceSet::new(segment);
    let first = if pass == 0 && slice == 0 { 2 } else { 0 };
    let mut addresses = [[0; WORDS]; MAX_INTERLEAVED];
    let mut next_references = [core::ptr::null_mut(); MAX_INTERLEAVED];
    // SAFETY: block indices are within the lane; those from `ReferenceSet::locate` are within the memory.
    unsafe {
        let refer = |lane: Lane, index, word| lane.memory.add(references.locate(lane.number, index, word));
        let before = |lane: Lane, index: usize| {
            let at = slice * shape.segment_blocks + index;
            lane.block(shape, if at == 0 { shape.lane_blocks - 1 } else { at - 1 }).cast_const()
        };
        for (at, lane) in lanes.iter().enumerate() {
            let word = if INDEPENDENT {
                addresses[at] = address_block::<K>(segment, lane.number, 1);
                addresses[at][first]
            } else {
                before(*lane, first).cast::<u64>().read()
            };
            next_references[at] = refer(*lane, first, word);
        }
        let Some(only) = lanes.first() else { return };
        let mut previous = K::load(before(*only, first));
        // The reference that was found last, for the next block of the lane before. The kernel prefetches it while it
        // computes this lane's block.
        let mut latest = if SINGLE { None } else { Some(next_references[0].cast_const()) };
        for index in first..shape.segment_blocks {
            let next = index + 1;
            for (at, lane) in lanes.iter().enumerate() {
                let (reference, words) = (&mut next_references[at], &mut addresses[at]);
                let target = lane.block(shape, slice * shape.segment_blocks + index);
                let prefetch = Prefetch { target: target.wrapping_add(1), reference: latest };
                let current = *reference;
                let mut prepare = |word| {
                    *reference = refer(*lane, next, word);
                    if SINGLE {
                        K::prefetch(*reference);
                    } else {
                        latest = Some(reference.cast_const());
                    }
                };
                if INDEPENDENT {
                    if next % WORDS == 0 {
                        *words = address_block::<K>(segment, lane.number, next / WORDS + 1);
                    }
                    prepare(words[next % WORDS]);
                }
                if !SINGLE {
                    previous = K::load(before(*lane, index));
                }
                previous = K::compress::<XOR>(previous, current, target, prefetch, |word| {
                    if !INDEPENDENT {
                        prepare(word);
                    }
                });
            }
        }
    }
}

/// The pseudo-random numbers of 128 blocks, computed from counters alone (RFC 9106, section 3.4.1.2). `counter` is one
/// for the first 128 blocks of the segment.
///
/// # Safety
/// The machine has the kernel's instructions.
#[inline(always)]
unsafe fn address_block<K: Compress>(segment: &Segment<'_>, lane: usize, counter: usize) -> [u64; WORDS] {
    let Shape { lanes, lane_blocks, passes, .. } = segment.shape;
    let zero = Block::new();
    let (mut input, mut once, mut twice) = (zero, zero, zero);
    let counters = [segment.pass, lane, segment.slice, lanes * lane_blocks, passes, ARGON2ID, counter];
    for (word, number) in counters.into_iter().enumerate() {
        input.as_mut()[K::position(word)] = number as u64;
    }
    // SAFETY: all blocks are local; the caller promises the instructions.
    unsafe {
        K::compress::<false>(
            K::load(&raw const zero),
            &raw const input,
            &raw mut once,
            Prefetch::NONE,
            |_| (),
        );
        K::compress::<false>(
            K::load(&raw const zero),
            &raw const once,
            &raw mut twice,
            Prefetch::NONE,
            |_| (),
        );
    }
    let mut words = [0; WORDS];
    for (word, number) in words.iter_mut().enumerate() {
        *number = twice.as_ref()[K::position(word)];
    }
    words
}
