//! What the pool tells about itself: plain numbers.

use std::collections::BTreeMap;
use std::time::Duration;

/// How a pool has done since it began, and how it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// Jobs that wait now.
    pub waiting: usize,
    /// Jobs that were refused at once, or had to give way to others, because the queue was full.
    pub refused: u64,
    /// Jobs that were refused because they had waited as long as they may.
    pub late: u64,
    /// Jobs that nobody waited for any more when their turn came.
    pub abandoned: u64,
    /// How long jobs waited until they were begun.
    pub wait: Histogram,
    /// How long one job kept a core busy, by scheme. Of jobs that were computed together, each has its share.
    pub hashing: BTreeMap<&'static str, Histogram>,
    /// How many times so many jobs were computed together: the first number counts single jobs.
    pub together: Vec<u64>,
}

/// Durations, counted in buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    counts: [u64; Self::BOUNDS_MS.len()],
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum: Duration,
}

impl Histogram {
    /// The buckets' upper bounds in milliseconds, which belong to them; longer ones are in none.
    const BOUNDS_MS: [u16; 13] = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

    /// Each bucket's upper bound, which belongs to it, and how many durations were no longer than that.
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
    /// Counts jobs of these schemes that were computed together in so long a time.
    pub(super) fn add_done(&mut self, schemes: &[&'static str], time: Duration) {
        let Ok(count @ 1..) = u32::try_from(schemes.len()) else { return };
        if self.together.len() < schemes.len() {
            self.together.resize(schemes.len(), 0);
        }
        if let Some(times) = self.together.get_mut(schemes.len() - 1) {
            *times += 1;
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
    fn buckets_count_what_is_no_longer_than_their_bound() {
        let mut histogram = Histogram::default();
        for millis in [0, 1, 2, 3, 4, 6, 5000, 5001] {
            histogram.add(Duration::from_millis(millis));
        }
        let counts: Vec<u64> = histogram.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7]);
        assert_eq!((histogram.count, histogram.sum), (8, Duration::from_millis(10_017)));
    }

    #[test]
    fn jobs_done_together_share_the_time() {
        let mut metrics = PoolMetrics::default();
        metrics.add_done(&["argon2", "argon2", "sha256-hex"], Duration::from_millis(12));
        metrics.add_done(&["bcrypt"], Duration::from_millis(50));
        assert_eq!(metrics.together, [1, 0, 1]);
        let sums: Vec<_> = metrics
            .hashing
            .iter()
            .map(|(scheme, times)| (*scheme, times.count, times.sum.as_millis()))
            .collect();
        assert_eq!(sums, [("argon2", 2, 8), ("bcrypt", 1, 50), ("sha256-hex", 1, 4)]);
    }
}
