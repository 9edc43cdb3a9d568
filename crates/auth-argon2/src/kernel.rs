//! The kernels, and the choice among them at run time.

use core::fmt;

use crate::segment::Segment;
use implementation::Implementation;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod cells;
mod implementation;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod ssse3;

/// An implementation of Argon2id's compression function that this machine can run.
///
/// A value exists only for instructions that the processor has: [`Kernel::detect`], [`Kernel::available`] and
/// [`Kernel::PORTABLE`] are the only sources. All kernels compute the same hashes.
///
/// ```
/// use auth_argon2::Kernel;
///
/// println!("hashing with {}", Kernel::detect().name());
/// assert_eq!(Kernel::available().last(), Some(Kernel::PORTABLE));
/// ```
#[derive(Clone, Copy)]
pub struct Kernel(&'static Implementation);

/// The kernels for this kind of processor, the fastest first.
static ALL: &[Implementation] = &[
    #[cfg(target_arch = "x86_64")]
    avx512::KERNEL,
    #[cfg(target_arch = "x86_64")]
    avx2::KERNEL,
    #[cfg(target_arch = "x86_64")]
    ssse3::KERNEL,
    #[cfg(target_arch = "aarch64")]
    neon::WITH_SHA3,
    #[cfg(target_arch = "aarch64")]
    neon::KERNEL,
    portable::KERNEL,
];

impl Kernel {
    /// The kernel that runs on every machine.
    pub const PORTABLE: Self = Self(&portable::KERNEL);

    /// Returns the fastest kernel of this machine. The processor is asked once per process.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().next().unwrap_or(Self::PORTABLE)
    }

    /// Lists all kernels of this machine, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        ALL.iter().filter(|kernel| (kernel.runs_here)()).map(Self)
    }

    /// The kernel's name: `avx512`, `avx2`, `ssse3`, `neon-sha3`, `neon` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The number of lanes that the kernel interleaves where there are several.
    pub(crate) fn interleaved(self) -> usize {
        self.0.interleaved
    }

    /// The position, within a block in memory, of word number `word`. Each kernel keeps the words in its own order.
    pub(crate) fn position(self, word: usize) -> usize {
        (self.0.position)(word)
    }

    /// Fills the segment of all its lanes, interleaved: at most
    /// [`MAX_INTERLEAVED`](crate::fill::MAX_INTERLEAVED) lanes.
    ///
    /// # Safety
    /// As for [`fill::fill`](crate::fill::fill), but for the instructions, which the machine has.
    #[expect(
        unsafe_code,
        reason = "the kernels work on raw memory, with instructions that not every machine has"
    )]
    pub(crate) unsafe fn fill(self, segment: &Segment<'_>) {
        // SAFETY: the caller makes the same promises, and a kernel exists only where its instructions do.
        unsafe { (self.0.fill)(segment) };
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kernel {}

impl core::hash::Hash for Kernel {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.name())
    }
}

impl Default for Kernel {
    /// The kernel of [`Kernel::detect`].
    fn default() -> Self {
        Self::detect()
    }
}
