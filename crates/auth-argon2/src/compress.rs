//! The interface of a kernel: the compression function G (RFC 9106, section 3.5).

use crate::block::Block;

/// An implementation of the compression function G.
///
/// Every method is inlined into one function per kernel that has the kernel's instructions enabled.
#[expect(
    unsafe_code,
    reason = "the kernels work on raw memory, with instructions that not every machine has"
)]
pub(crate) trait Compress {
    /// The block that a lane computed last, in the form that the kernel reads fastest: registers or a pointer.
    type Previous: Copy;

    /// The position, within a block in memory, of word number `word`. Each kernel keeps the words in its own order.
    fn position(word: usize) -> usize;

    /// Loads a block.
    ///
    /// # Safety
    /// `block` can be read, and the machine has the kernel's instructions.
    unsafe fn load(block: *const Block) -> Self::Previous;

    /// Writes G(`previous`, `reference`) to `target` and returns that block. With `XOR`, writes the exclusive or of G
    /// and the old contents of `target`.
    ///
    /// Prefetches the blocks of `prefetch` meanwhile. Calls `first_word` exactly once, with the first word of the new
    /// block, as early as possible: this word decides which block is referred to next.
    ///
    /// # Safety
    /// `reference` can be read, `target` can be read and written, and the machine has the kernel's instructions. The
    /// blocks may have any contents.
    unsafe fn compress<const XOR: bool>(
        previous: Self::Previous,
        reference: *const Block,
        target: *mut Block,
        prefetch: Prefetch,
        first_word: impl FnMut(u64),
    ) -> Self::Previous;

    /// Prefetches a whole block. The address need not be valid.
    fn prefetch(block: *const Block);
}

/// Blocks to prefetch while another block is computed. The addresses need not be valid.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(dead_code, reason = "the portable kernel prefetches nothing")
)]
pub(crate) struct Prefetch {
    /// The block that this lane writes next.
    pub(crate) target: *const Block,
    /// The block that another lane refers to next.
    pub(crate) reference: Option<*const Block>,
}

impl Prefetch {
    /// No block.
    pub(crate) const NONE: Self = Self { target: core::ptr::null(), reference: None };
}
