//! The way in which Argon2id is computed.

use crate::Kernel;

/// The way in which Argon2id is computed. It changes the speed, never the hash.
///
/// Argon2d, Argon2i and version 16 ignore the options.
///
/// ```
/// use auth_argon2::{Kernel, Options};
///
/// assert_eq!(Options::default(), Options { kernel: Kernel::detect(), threads: 1 });
/// assert_eq!(Options::from(Kernel::PORTABLE).threads, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build it field by field")]
pub struct Options {
    /// The kernel.
    pub kernel: Kernel,
    /// The most threads to use, the calling thread included. Zero means one. No more threads are used than all jobs
    /// together have lanes. Without the feature `std`, the calling thread does all.
    ///
    /// Threads are started anew for every quarter of a pass, so more than one is worth it only if a hash takes about
    /// ten milliseconds or longer.
    pub threads: usize,
}

impl Default for Options {
    /// The fastest kernel, on the calling thread alone.
    fn default() -> Self {
        Self { kernel: Kernel::detect(), threads: 1 }
    }
}

impl From<Kernel> for Options {
    /// The given kernel, on the calling thread alone.
    fn from(kernel: Kernel) -> Self {
        Self { kernel, threads: 1 }
    }
}
