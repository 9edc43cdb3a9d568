//! What a kernel is to the rest of the crate.

use crate::segment::Segment;

/// What a kernel's file has to offer.
pub(super) struct Implementation {
    /// The name, which no other kernel has.
    pub(super) name: &'static str,
    /// Whether the machine has the kernel's instructions. The processor is asked once per process.
    pub(super) runs_here: fn() -> bool,
    /// The number of lanes that the kernel interleaves where there are several, at most
    /// [`MAX_INTERLEAVED`](crate::fill::MAX_INTERLEAVED).
    pub(super) interleaved: usize,
    /// `Compress::position`.
    pub(super) position: fn(usize) -> usize,
    /// `fill::fill`, compiled with the kernel's instructions.
    pub(super) fill: unsafe fn(&Segment<'_>),
}
