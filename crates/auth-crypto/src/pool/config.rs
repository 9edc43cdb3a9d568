//! The size of a pool.

use std::time::Duration;

use auth_argon2::Params;

/// The size of a pool.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use auth_crypto::argon2::Params;
/// use auth_crypto::pool::PoolConfig;
///
/// let config = PoolConfig {
///     workers: 2,
///     queue: 1024,
///     interleave: 3,
///     memory_kib: 2 * 3 * 19_456,
///     reserve_kib: 102_400,
///     deadline: Duration::from_secs(10),
/// };
/// // Each of the two workers has memory for three hashes of 19 MiB, or for one of 38 MiB.
/// assert_eq!(config.width(Params::new(19_456, 2, 1)?), 3);
/// assert_eq!(config.width(Params::new(38_912, 1, 1)?), 1);
/// # Ok::<(), auth_crypto::argon2::ParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct PoolConfig {
    /// The number of threads. At least one is started; one for each core is right.
    pub workers: usize,
    /// The largest number of jobs that wait. Jobs that a worker has begun don't count.
    pub queue: usize,
    /// The largest number of jobs that one worker computes together when more than one waits.
    pub interleave: usize,
    /// The memory of all workers together, in KiB. A worker keeps its share from one job to the next.
    pub memory_kib: usize,
    /// The memory in KiB that is held back for hashes that need more than a worker's share, beside
    /// [`memory_kib`](Self::memory_kib): such hashes wait until enough of it is free. It is taken from the system when
    /// it is needed first, and kept.
    pub reserve_kib: usize,
    /// The longest time that a job waits before it is refused, also while all workers are at work.
    pub deadline: Duration,
}

impl PoolConfig {
    /// Returns the number of jobs with these parameters that one worker computes together.
    ///
    /// That is as many as the worker's share of the memory holds, at most [`interleave`](Self::interleave) and at
    /// least one: a hash that needs more than the share is computed alone, in memory of the
    /// [reserve](Self::reserve_kib).
    #[must_use]
    pub fn width(&self, params: Params) -> usize {
        let hash_kib = usize::try_from(params.memory_kib()).unwrap_or(usize::MAX);
        (self.worker_kib() / hash_kib.max(1)).min(self.interleave).max(1)
    }

    /// Returns the most memory that one hash may take, in KiB. Stored passwords have further bounds of their own, see
    /// [`is_affordable`](crate::password::is_affordable).
    #[must_use]
    pub fn largest_kib(&self) -> usize {
        self.worker_kib().max(self.reserve_kib)
    }

    /// The memory that one worker keeps, in KiB.
    fn worker_kib(&self) -> usize {
        self.memory_kib / self.workers.max(1)
    }

    /// What a hash of so much memory borrows from the reserve, in KiB.
    pub(super) fn borrowed_kib(&self, memory_kib: usize) -> usize {
        if memory_kib > self.worker_kib() { memory_kib } else { 0 }
    }
}
