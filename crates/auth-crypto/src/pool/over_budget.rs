//! The error of a hash for which the pool has no memory at any time.

/// A stored password can't be verified: its hash takes more memory than the pool has for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash with m={memory_kib} takes {} MiB of memory, and the most for one is {} MiB", memory_kib.div_ceil(1024), largest_kib / 1024)]
#[expect(clippy::exhaustive_structs, reason = "need and limit are all there is to say")]
pub struct OverBudget {
    /// The memory that the hash takes, in KiB.
    pub memory_kib: usize,
    /// The most memory that one hash may take, in KiB.
    pub largest_kib: usize,
}
