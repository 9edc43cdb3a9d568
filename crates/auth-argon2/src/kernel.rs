//! The kernels, and the choice among them at run time.

use std::sync::OnceLock;

use crate::compress::Compress;
use crate::fill::{self, MAX_INTERLEAVED};
use crate::segment::Segment;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

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
    /// The kernel that runs on every machine.
    pub const PORTABLE: Self = Self(Instructions::Portable);

    /// Returns the fastest kernel of this machine. The processor is asked once per process.
    #[must_use]
    pub fn detect() -> Self {
        static FASTEST: OnceLock<Kernel> = OnceLock::new();
        *FASTEST.get_or_init(|| Self::available().next().unwrap_or(Self::PORTABLE))
    }

    /// Lists all kernels of this machine, the fastest first.
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

    /// The kernel's name: `avx512`, `avx2` or `portable`.
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

    /// The number of lanes that the kernel interleaves where there are several.
    pub(crate) fn interleaved(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => MAX_INTERLEAVED,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => MAX_INTERLEAVED,
            Instructions::Portable => 1,
        }
    }

    /// The position, within a block in memory, of word number `word`. Each kernel keeps the words in its own order.
    pub(crate) fn position(self, word: usize) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::Avx512::position(word),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::Avx2::position(word),
            Instructions::Portable => portable::Portable::position(word),
        }
    }

    /// Fills the segment of all its lanes, interleaved: at most [`MAX_INTERLEAVED`] lanes.
    ///
    /// # Safety
    /// As for [`fill::fill`], but for the instructions, which the machine has.
    #[expect(
        unsafe_code,
        reason = "the kernels work on raw memory, with instructions that not every machine has"
    )]
    pub(crate) unsafe fn fill(self, segment: &Segment<'_>) {
        // SAFETY: the caller makes the same promises, and a kernel exists only where its instructions do.
        unsafe {
            match self.0 {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => avx512::fill(segment),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => avx2::fill(segment),
                Instructions::Portable => fill::fill::<portable::Portable>(segment),
            }
        }
    }
}

impl Default for Kernel {
    /// The kernel of [`Kernel::detect`].
    fn default() -> Self {
        Self::detect()
    }
}
