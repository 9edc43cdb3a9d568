//! The size of a pool.

use std::time::Duration;

use auth_argon2::Params;

/// The memory that is held back for larger hashes where the budget has room for it, in KiB: Django's hashes, and so
/// Zulip's, take 100 MiB.
const LEAST_RESERVE_KIB: usize = 128 << 10;

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
    /// The largest number of jobs that one worker computes together when more than one waits, where that does more
    /// ([`HashingPool::fit_width`](super::HashingPool::fit_width)).
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
    /// The jobs that wait at most, unless the operator says otherwise.
    pub const QUEUE: usize = 1024;

    /// The hashes that a worker computes together at most, unless the operator says otherwise.
    pub const INTERLEAVE: usize = 3;

    /// How long a job waits at most, unless the operator says otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(10);

    /// Returns the size of a pool of so many workers, one for each core as a rule, that compute up to `interleave` new hashes
    /// with these parameters together. The pool has all the memory that this takes.
    ///
    /// ```
    /// use auth_crypto::argon2::Params;
    /// use auth_crypto::pool::PoolConfig;
    ///
    /// let params = Params::new(19_456, 2, 1)?;
    /// let config = PoolConfig::new(4, PoolConfig::INTERLEAVE, params);
    /// assert_eq!(config.width(params), PoolConfig::INTERLEAVE);
    ///
    /// let small = config.within(64 << 10, params).expect("64 MiB hold a hash");
    /// assert_eq!((small.workers, small.width(params)), (3, 1));
    /// # Ok::<(), auth_crypto::argon2::ParamsError>(())
    /// ```
    #[must_use]
    pub fn new(workers: usize, interleave: usize, params: Params) -> Self {
        let workers = workers.max(1);
        let one_each_kib = workers.saturating_mul(hash_kib(params));
        Self {
            workers,
            queue: Self::QUEUE,
            interleave,
            memory_kib: one_each_kib.saturating_mul(interleave.max(1)),
            reserve_kib: one_each_kib.max(LEAST_RESERVE_KIB),
            deadline: Self::DEADLINE,
        }
    }

    /// Returns the same size with all memory within a budget, for new hashes with these parameters; `None` when the budget
    /// doesn't hold one of them.
    ///
    /// Where the budget doesn't hold all, fewer hashes are computed together first, then less is held back, and then there are
    /// fewer workers. What the workers don't take is held back as well.
    #[must_use]
    pub fn within(self, budget_kib: usize, params: Params) -> Option<Self> {
        let workers = self.workers.min(budget_kib / hash_kib(params));
        let one_each_kib = workers * hash_kib(params);
        let width = budget_kib.saturating_sub(self.reserve_kib).checked_div(one_each_kib)?;
        let memory_kib = one_each_kib * width.clamp(1, self.interleave.max(1));
        Some(Self { workers, memory_kib, reserve_kib: budget_kib - memory_kib, ..self })
    }

    /// Returns the number of jobs with these parameters that one worker computes together.
    ///
    /// That is as many as the worker's share of the memory holds, at most [`interleave`](Self::interleave) and at
    /// least one: a hash that needs more than the share is computed alone, in memory of the
    /// [reserve](Self::reserve_kib).
    #[must_use]
    pub fn width(&self, params: Params) -> usize {
        (self.worker_kib() / hash_kib(params)).min(self.interleave).max(1)
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

/// The memory of one new hash, in KiB.
fn hash_kib(params: Params) -> usize {
    usize::try_from(params.memory_kib()).unwrap_or(usize::MAX).max(1)
}
