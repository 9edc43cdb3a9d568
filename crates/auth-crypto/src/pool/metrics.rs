//! The pool's figures: counts that can be read, and times that an observer is told.

use std::time::Duration;

/// The counts of a pool since it was started, the number of jobs that wait now, and what it computes at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// Jobs that wait now.
    pub waiting: usize,
    /// Jobs that were begun.
    pub begun: u64,
    /// Jobs that were refused or evicted because the queue was full.
    pub refused: u64,
    /// Jobs that were refused because they had waited past the deadline.
    pub late: u64,
    /// Jobs whose callers had gone away before the job was begun.
    pub abandoned: u64,
    /// The number of batches of each size: the first entry counts jobs computed alone, the second pairs, and so on.
    pub batch_sizes: Vec<u64>,
    /// The workers that compute jobs at the same time, at most.
    pub workers: usize,
    /// The jobs that a worker computes together, at most. Memory may allow fewer, see
    /// [`PoolConfig::width`](super::PoolConfig::width).
    pub width: usize,
}

/// An observer of a pool's jobs: how long they waited, and how long they took. Its methods must return quickly, because the pool
/// calls them while it holds the lock of its queue, in a worker, and in the task of a caller.
pub trait PoolObserver: Send + Sync {
    /// A job was begun that had waited so long.
    fn waited(&self, time: Duration);

    /// A job of a scheme kept a core busy for so long. Jobs that were computed together have an equal share each.
    fn hashed(&self, scheme: &'static str, time: Duration);

    /// A job was answered: the second time is that since the caller submitted it, and the first the part of it that the job spent
    /// in the queue. The pool calls this method in the task of the caller. The default does nothing.
    fn answered(&self, _waited: Duration, _all: Duration) {}
}

impl PoolMetrics {
    /// Counts a batch of so many jobs.
    pub(super) fn add_batch(&mut self, jobs: usize) {
        if self.batch_sizes.len() < jobs {
            self.batch_sizes.resize(jobs, 0);
        }
        if let Some(batches) = jobs.checked_sub(1).and_then(|size| self.batch_sizes.get_mut(size)) {
            *batches += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_counted_by_their_size() {
        let mut metrics = PoolMetrics::default();
        for jobs in [3, 1, 3, 0] {
            metrics.add_batch(jobs);
        }
        assert_eq!(metrics.batch_sizes, [1, 0, 2]);
    }
}
