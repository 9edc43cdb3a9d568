//! How Argon2id divides its memory: lanes, slices, segments, and the blocks that a new block may refer to (RFC 9106,
//! section 3.4). Nothing here reads or writes a block.

#![expect(unsafe_code, reason = "lanes are parts of one memory that threads write and read at the same time")]

use crate::Params;
use crate::block::Block;

/// Slices of the memory. All lanes finish a slice before any of them begins the next.
pub(crate) const SLICES: usize = 4;

/// The dimensions of one hash's memory.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Lanes of the memory.
    pub(crate) lanes: usize,
    /// Blocks in a lane.
    pub(crate) lane_blocks: usize,
    /// Blocks in a segment, a quarter of a lane.
    pub(crate) segment_blocks: usize,
    /// Passes over the memory.
    pub(crate) passes: usize,
}

impl Shape {
    pub(crate) fn new(params: Params) -> Self {
        let lane_blocks = params.lane_blocks();
        Self {
            lanes: params.lanes() as usize,
            lane_blocks,
            segment_blocks: lane_blocks / SLICES,
            passes: params.iterations() as usize,
        }
    }
}

/// A lane of one hash's memory.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    /// The memory of the hash: all its lanes, one after the other.
    pub(crate) memory: *mut Block,
    /// The lane's number, counted from zero.
    pub(crate) number: usize,
}

// SAFETY: a lane is only an address. The caller of `fill` is responsible for every access to the memory behind it.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl Lane {
    /// A pointer to block `index` of the lane.
    ///
    /// # Safety
    /// The memory is as large as `shape` says, and the lane has such a block.
    #[inline(always)]
    pub(crate) unsafe fn block(self, shape: Shape, index: usize) -> *mut Block {
        // SAFETY: the caller promises that the block lies within the memory.
        unsafe { self.memory.add(self.number * shape.lane_blocks + index) }
    }
}

/// The same segment of one or more lanes. The lanes may belong to several hashes of the same shape.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    /// The shape of each hash's memory.
    pub(crate) shape: Shape,
    /// The pass over the memory, counted from zero.
    pub(crate) pass: usize,
    /// The slice, counted from zero.
    pub(crate) slice: usize,
    /// The lanes.
    pub(crate) lanes: &'a [Lane],
}

/// The blocks that a block of a segment may refer to: the reference set W of RFC 9106, sections 3.4.1.3 and 3.4.2.
pub(crate) struct ReferenceSet {
    shape: Shape,
    /// Whether a block may refer to its own lane only.
    own_lane_only: bool,
    /// Blocks of a lane in finished slices.
    finished: usize,
    /// The index of the oldest finished block. A lane is a ring: its first block follows its last.
    start: usize,
}

impl ReferenceSet {
    pub(crate) fn new(segment: &Segment<'_>) -> Self {
        let Segment { shape, pass, slice, .. } = *segment;
        let earlier = slice * shape.segment_blocks;
        Self {
            shape,
            own_lane_only: shape.lanes == 1 || pass == 0 && slice == 0,
            finished: if pass == 0 { earlier } else { shape.lane_blocks - shape.segment_blocks },
            start: if pass == 0 || slice == SLICES - 1 { 0 } else { earlier + shape.segment_blocks },
        }
    }

    /// The index, within the hash's memory, of the block that block `index` of the segment refers to. `own_lane` is the
    /// lane of that block and `word` its pseudo-random number, J1 and J2 of the RFC.
    ///
    /// `index` may be one past the segment. The result then has no meaning but is still an index within the memory.
    #[inline(always)]
    pub(crate) fn locate(&self, own_lane: usize, index: usize, word: u64) -> usize {
        let (low, high) = (word & 0xffff_ffff, (word >> 32) as u32);
        let lane = if self.own_lane_only { own_lane } else { (high % self.shape.lanes as u32) as usize };
        // In its own lane a block may refer to every block but the one just before. In other lanes, whose newest blocks
        // are being made at the same time, it may refer to finished slices only; the first block of a segment, not to
        // the last block of those.
        let size = if lane == own_lane {
            self.finished + index - 1
        } else {
            self.finished - usize::from(index == 0)
        };
        let back = (size as u64 * ((low * low) >> 32)) >> 32;
        let mut at = self.start + size - 1 - back as usize;
        if at >= self.shape.lane_blocks {
            at -= self.shape.lane_blocks;
        }
        lane * self.shape.lane_blocks + at
    }
}
