//! Filling the memory of Argon2id, version 19, segment by segment (RFC 9106, sections 3.2 and 3.4).

#![expect(unsafe_code, reason = "lanes are parts of one memory that are written and read at the same time")]
#![expect(clippy::indexing_slicing, reason = "blocks have 128 words, and no index is greater")]

use crate::Params;
use crate::kernel::{Block, Compress, Soon, WIDEST};

/// How the memory of one hash is divided.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) lanes: usize,
    /// Blocks in a lane.
    pub(crate) lane: usize,
    /// Blocks in a segment, a quarter of a lane.
    pub(crate) segment: usize,
    pub(crate) passes: usize,
}

impl Shape {
    pub(crate) fn new(params: Params) -> Self {
        let lane = params.lane_blocks();
        Self {
            lanes: params.lanes() as usize,
            lane,
            segment: lane / SLICES,
            passes: params.iterations() as usize,
        }
    }
}

/// Slices of the memory: lanes wait for each other at the end of each.
pub(crate) const SLICES: usize = 4;

/// Words in a block.
pub(crate) const WORDS: usize = Block::SIZE / 8;

/// The type of Argon2id.
const ARGON2ID: u64 = 2;

/// A lane of a hash's memory.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    /// The memory of the hash: all its lanes, one after the other.
    memory: *mut Block,
    number: usize,
}

// SAFETY: a place in memory. What is done there is the business of `Segment::fill`'s caller.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl Lane {
    pub(crate) fn new(memory: *mut Block, number: usize) -> Self {
        Self { memory, number }
    }

    /// Block `index` of the lane.
    ///
    /// # Safety
    /// The memory is as large as the shape says, and has such a block.
    #[inline(always)]
    unsafe fn block(self, shape: Shape, index: usize) -> *mut Block {
        // SAFETY: the caller's promise.
        unsafe { self.memory.add(self.number * shape.lane + index) }
    }
}

/// The same segment of one or more lanes, of one hash or of several of one shape.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) shape: Shape,
    pub(crate) pass: usize,
    pub(crate) slice: usize,
    pub(crate) lanes: &'a [Lane],
}

impl Segment<'_> {
    /// Fills them, a block of each lane in turn; at most [`WIDEST`] lanes.
    ///
    /// # Safety
    /// The memory of each hash is as large as the shape says; the lanes are different ones; until it returns
    /// nobody else touches these segments, or writes to other slices of the same memory. The machine has the
    /// kernel's instructions.
    #[inline(always)]
    pub(crate) unsafe fn fill<K: Compress>(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            match (self.pass, self.slice, self.lanes) {
                (0, 0 | 1, [_]) => self.fill_in_turns::<K, true, false, true>(),
                (0, 0 | 1, _) => self.fill_in_turns::<K, true, false, false>(),
                (0, _, [_]) => self.fill_in_turns::<K, false, false, true>(),
                (0, ..) => self.fill_in_turns::<K, false, false, false>(),
                (_, _, [_]) => self.fill_in_turns::<K, false, true, true>(),
                _ => self.fill_in_turns::<K, false, true, false>(),
            }
        }
    }

    /// `COUNTED`: what a block refers to follows from counters, not from the block before. `MIX`: there is an
    /// earlier pass to mix into. `ALONE`: there is one lane, and its running block can stay where it is.
    #[inline(always)]
    unsafe fn fill_in_turns<K: Compress, const COUNTED: bool, const MIX: bool, const ALONE: bool>(&self) {
        let shape = self.shape;
        let reach = Reach::new(self);
        let first = if self.pass == 0 && self.slice == 0 { 2 } else { 0 };
        let mut addresses = [[0; WORDS]; WIDEST];
        let mut references = [std::ptr::null_mut(); WIDEST];
        // SAFETY: indices are within the lane, and those of references, by `Reach::find`, within the memory.
        unsafe {
            let refer = |lane: Lane, index, word| lane.memory.add(reach.find(lane.number, index, word));
            let before = |lane: Lane, index: usize| {
                let at = self.slice * shape.segment + index;
                lane.block(shape, if at == 0 { shape.lane - 1 } else { at - 1 }).cast_const()
            };
            for ((lane, reference), words) in self.lanes.iter().zip(&mut references).zip(&mut addresses) {
                let word = if COUNTED {
                    *words = self.addresses::<K>(lane.number, 1);
                    words[first]
                } else {
                    before(*lane, first).cast::<u64>().read()
                };
                *reference = refer(*lane, first, word);
            }
            let Some(only) = self.lanes.first() else { return };
            let mut running = K::running(before(*only, first));
            let mut latest = if ALONE { None } else { Some(references[0].cast_const()) };
            for index in first..shape.segment {
                let next = index + 1;
                for ((lane, reference), words) in self.lanes.iter().zip(&mut references).zip(&mut addresses) {
                    let target = lane.block(shape, self.slice * shape.segment + index);
                    let soon = Soon { target: target.wrapping_add(1), reference: latest };
                    let current = *reference;
                    let mut prepare = |word| {
                        *reference = refer(*lane, next, word);
                        if ALONE {
                            K::prefetch(*reference);
                        } else {
                            latest = Some(reference.cast_const());
                        }
                    };
                    if COUNTED {
                        if next % WORDS == 0 {
                            *words = self.addresses::<K>(lane.number, next / WORDS + 1);
                        }
                        prepare(words[next % WORDS]);
                    }
                    if !ALONE {
                        running = K::running(before(*lane, index));
                    }
                    running = K::compress::<MIX>(running, current, target, soon, |word| {
                        if !COUNTED {
                            prepare(word);
                        }
                    });
                }
            }
        }
    }

    /// What 128 blocks refer to, by counters alone (RFC 9106, section 3.4.1.2). `counter` begins with 1.
    ///
    /// # Safety
    /// The machine has the kernel's instructions.
    #[inline(always)]
    unsafe fn addresses<K: Compress>(&self, lane: usize, counter: usize) -> [u64; WORDS] {
        let Shape { lanes, lane: blocks, passes, .. } = self.shape;
        let zero = Block::new();
        let (mut input, mut once, mut twice) = (zero, zero, zero);
        let counters = [self.pass, lane, self.slice, lanes * blocks, passes].map(|number| number as u64);
        for (word, number) in counters.into_iter().chain([ARGON2ID, counter as u64]).enumerate() {
            input.as_mut()[K::place(word)] = number;
        }
        // SAFETY: all are blocks of our own; the caller's promise.
        unsafe {
            K::compress::<false>(
                K::running(&raw const zero),
                &raw const input,
                &raw mut once,
                Soon::NONE,
                |_| (),
            );
            K::compress::<false>(
                K::running(&raw const zero),
                &raw const once,
                &raw mut twice,
                Soon::NONE,
                |_| (),
            );
        }
        std::array::from_fn(|word| twice.as_ref()[K::place(word)])
    }
}

/// Which blocks a block may refer to (RFC 9106, section 3.4.1.3 and 3.4.2).
struct Reach {
    shape: Shape,
    /// Whether a block's own lane is all there is.
    own_only: bool,
    /// Blocks of finished slices.
    finished: usize,
    /// The first of them, in a lane that is read round and round.
    start: usize,
}

impl Reach {
    fn new(segment: &Segment<'_>) -> Self {
        let Segment { shape, pass, slice, .. } = *segment;
        let earlier = slice * shape.segment;
        Self {
            shape,
            own_only: shape.lanes == 1 || pass == 0 && slice == 0,
            finished: if pass == 0 { earlier } else { shape.lane - shape.segment },
            start: if pass == 0 || slice == SLICES - 1 { 0 } else { earlier + shape.segment },
        }
    }

    /// Where in the memory is the block that the segment's block `index` refers to, `word` being its random number.
    /// `index` may be one past the segment, and what is found then is good for nothing, but within the memory.
    #[inline(always)]
    fn find(&self, own: usize, index: usize, word: u64) -> usize {
        let (low, high) = (word & 0xffff_ffff, (word >> 32) as u32);
        let lane = if self.own_only { own } else { (high % self.shape.lanes as u32) as usize };
        // In its own lane all but the block just before; in others, whose newest blocks are being made, what is
        // finished, but for a first block not the last of that.
        let size =
            if lane == own { self.finished + index - 1 } else { self.finished - usize::from(index == 0) };
        let back = (size as u64 * ((low * low) >> 32)) >> 32;
        let mut at = self.start + size - 1 - back as usize;
        if at >= self.shape.lane {
            at -= self.shape.lane;
        }
        lane * self.shape.lane + at
    }
}
