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
    /// The memory of all workers together, in KiB. A worker keeps its share from one job to the next, and returns to
    /// the system at once what a more expensive record needed beyond it.
    pub memory_kib: usize,
    /// The longest time that a job waits before it is refused.
    pub deadline: Duration,
}

impl PoolConfig {
    /// Returns the number of jobs with these parameters that one worker computes together.
    ///
    /// That is as many as the worker's share of the memory holds, at most [`interleave`](Self::interleave) and at
    /// least one: a hash that needs more than the share is computed alone. Stored passwords have bounds of their own,
    /// see [`is_affordable`](crate::password::is_affordable).
    #[must_use]
    pub fn width(&self, params: Params) -> usize {
        let hash_kib = usize::try_from(params.memory_kib()).unwrap_or(usize::MAX);
        (self.worker_kib() / hash_kib.max(1)).min(self.interleave).max(1)
    }

    /// The memory that one worker keeps, in KiB.
    pub(super) fn worker_kib(&self) -> usize {
        self.memory_kib / self.workers.max(1)
    }
}
