//! The pool's figures, as plain numbers for a metrics page.

use std::collections::BTreeMap;
use std::time::Duration;

/// The figures of a pool since it was started, and the number of jobs that wait now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// Jobs that wait now.
    pub waiting: usize,
    /// Jobs that were refused or evicted because the queue was full.
    pub refused: u64,
    /// Jobs that were refused because they had waited past the deadline.
    pub late: u64,
    /// Jobs whose callers had gone away before the job was begun.
    pub abandoned: u64,
    /// The times that jobs waited until they were begun.
    pub wait: Histogram,
    /// The times that jobs kept a core busy, by scheme. Jobs that were computed together have an equal share each.
    pub hashing: BTreeMap<&'static str, Histogram>,
    /// The number of batches of each size: the first entry counts jobs computed alone, the second pairs, and so on.
    pub batch_sizes: Vec<u64>,
}

/// Durations counted in buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    counts: [u64; Self::BOUNDS_MS.len()],
    /// The number of durations.
    pub count: u64,
    /// The sum of all durations.
    pub sum: Duration,
}

impl Histogram {
    /// The upper bounds of the buckets in milliseconds, inclusive. Longer durations are in no bucket.
    const BOUNDS_MS: [u16; 13] = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

    /// Returns the buckets: the upper bound of each, and the number of durations up to and including the bound.
    ///
    /// The counts are cumulative, as a Prometheus histogram has them.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        Self::BOUNDS_MS.iter().zip(&self.counts).scan(0, |total, (bound, count)| {
            *total += count;
            Some((Duration::from_millis(u64::from(*bound)), *total))
        })
    }

    pub(super) fn add(&mut self, time: Duration) {
        self.count += 1;
        self.sum += time;
        let bucket =
            Self::BOUNDS_MS.iter().position(|bound| time <= Duration::from_millis(u64::from(*bound)));
        if let Some(count) = bucket.and_then(|bucket| self.counts.get_mut(bucket)) {
            *count += 1;
        }
    }
}

impl PoolMetrics {
    /// Counts a batch: the schemes of its jobs, and the time that all of them took together.
    pub(super) fn add_batch(&mut self, schemes: &[&'static str], time: Duration) {
        let Ok(count @ 1..) = u32::try_from(schemes.len()) else { return };
        if self.batch_sizes.len() < schemes.len() {
            self.batch_sizes.resize(schemes.len(), 0);
        }
        if let Some(batches) = self.batch_sizes.get_mut(schemes.len() - 1) {
            *batches += 1;
        }
        for scheme in schemes {
            self.hashing.entry(scheme).or_default().add(time / count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_durations_up_to_their_bound() {
        let mut histogram = Histogram::default();
        for millis in [0, 1, 2, 3, 4, 6, 5000, 5001] {
            histogram.add(Duration::from_millis(millis));
        }
        let counts: Vec<u64> = histogram.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7]);
        assert_eq!((histogram.count, histogram.sum), (8, Duration::from_millis(10_017)));
    }

    #[test]
    fn jobs_of_a_batch_share_its_time() {
        let mut metrics = PoolMetrics::default();
        metrics.add_batch(&["argon2", "argon2", "sha256-hex"], Duration::from_millis(12));
        metrics.add_batch(&["bcrypt"], Duration::from_millis(50));
        assert_eq!(metrics.batch_sizes, [1, 0, 1]);
        let sums: Vec<_> = metrics
            .hashing
            .iter()
            .map(|(scheme, times)| (*scheme, times.count, times.sum.as_millis()))
            .collect();
        assert_eq!(sums, [("argon2", 2, 8), ("bcrypt", 1, 50), ("sha256-hex", 1, 4)]);
    }
}
