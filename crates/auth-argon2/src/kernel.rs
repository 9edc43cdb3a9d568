//! Kernels: ways to compute the compression function G (RFC 9106, section 3.5), chosen once at run time.

use std::sync::OnceLock;

use crate::fill::Segment;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

/// A block of 1 KiB.
pub(crate) use argon2::Block;

/// A kernel that this machine runs: there is no way to come by another. All give the same hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kernel(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// The one that runs everywhere.
    pub const PORTABLE: Self = Self(Instructions::Portable);

    /// The fastest one.
    #[must_use]
    pub fn detect() -> Self {
        static FASTEST: OnceLock<Kernel> = OnceLock::new();
        *FASTEST.get_or_init(|| Self::available().next().unwrap_or(Self::PORTABLE))
    }

    /// All there are, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vector = [
            is_x86_feature_detected!("avx512f").then_some(Self(Instructions::Avx512)),
            is_x86_feature_detected!("avx2").then_some(Self(Instructions::Avx2)),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let vector: [Option<Self>; 0] = [];
        vector.into_iter().flatten().chain([Self::PORTABLE])
    }

    /// What it is called: `avx512`, `avx2` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            Instructions::Portable => "portable",
        }
    }

    /// How many lanes it fills in turns when there are many: see [`WIDEST`].
    pub(crate) fn width(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => WIDEST,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => WIDEST,
            Instructions::Portable => 1,
        }
    }

    /// Where a block in memory has its `word`th word: a kernel keeps them in an order of its own.
    pub(crate) fn place(self, word: usize) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::Avx512::place(word),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::Avx2::place(word),
            Instructions::Portable => portable::Portable::place(word),
        }
    }

    /// Fills the segments, a block of each in turn.
    ///
    /// # Safety
    /// That of [`Segment::fill`].
    #[expect(
        unsafe_code,
        reason = "the kernels work on raw memory, with instructions that not every machine has"
    )]
    pub(crate) unsafe fn fill(self, segment: &Segment<'_>) {
        // SAFETY: the caller's promise; a kernel exists only where its instructions do.
        unsafe {
            match self.0 {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => avx512::fill(segment),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => avx2::fill(segment),
                Instructions::Portable => segment.fill::<portable::Portable>(),
            }
        }
    }
}

impl Default for Kernel {
    /// [`Kernel::detect`].
    fn default() -> Self {
        Self::detect()
    }
}

/// The most lanes that are filled in turns. While one is computed the next block of another is on its way from
/// memory; two are enough for that, and a third keeps odd numbers from leaving one alone.
pub(crate) const WIDEST: usize = 3;

/// What a kernel does. Everything is inlined into one function per kind of segment that has the instructions.
#[expect(
    unsafe_code,
    reason = "the kernels work on raw memory, with instructions that not every machine has"
)]
pub(crate) trait Compress {
    /// The block computed last, where the kernel wants it: in registers, or in memory.
    type Running: Copy;

    /// Where a block in memory has its `word`th word.
    fn place(word: usize) -> usize;

    /// Takes up a block.
    ///
    /// # Safety
    /// `block` can be read, and the machine has the instructions.
    unsafe fn running(block: *const Block) -> Self::Running;

    /// `target` becomes G of the block computed last and `reference`; with `MIX`, the exclusive or of that and
    /// what it was. Asks for what is needed `soon` while it computes, and calls `first_word` with `target`'s first
    /// word, once, as early as it can: that says which block is referred to next.
    ///
    /// # Safety
    /// `reference` can be read, `target` be read and written, and the machine has the instructions. The
    /// contents may be anything.
    unsafe fn compress<const MIX: bool>(
        running: Self::Running,
        reference: *const Block,
        target: *mut Block,
        soon: Soon,
        first_word: impl FnMut(u64),
    ) -> Self::Running;

    /// Asks for a block, which need not exist.
    fn prefetch(block: *const Block);
}

/// Blocks worth having in the cache before long. They need not exist.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "the portable kernel asks for nothing"))]
pub(crate) struct Soon {
    /// The block that is written next.
    pub(crate) target: *const Block,
    /// The block that another lane refers to next.
    pub(crate) reference: Option<*const Block>,
}

impl Soon {
    /// Nothing.
    pub(crate) const NONE: Self = Self { target: std::ptr::null(), reference: None };
}
