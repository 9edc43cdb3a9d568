//! The statistics that experiments are judged by.

use std::time::Duration;

/// The |t| above which two classes differ. Equal classes exceed it by chance in 1 of 150,000 comparisons.
pub const THRESHOLD: f64 = 4.5;

/// The number of standard errors above the threshold at which a difference is detected in 999 of 1000 experiments.
const MARGIN: f64 = 3.1;

/// The share of the responses of a class, the fastest, that its mean is taken of. Slower ones were held up by something
/// else.
const KEPT_SHARE: f64 = 0.8;

/// The mean time of the responses of a class, and the variance of that mean.
///
/// The mean is trimmed: the slowest fifth of the responses is left out. Its variance is that of a trimmed mean (K. K.
/// Yuen, The two-sample trimmed t for unequal population variances, 1974), from all responses with the slowest fifth
/// counted as slow as the slowest of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "plain numbers")]
pub struct Summary {
    /// The mean in seconds.
    pub mean: f64,
    /// The variance of the mean in seconds squared.
    pub variance: f64,
}

impl Summary {
    /// The trimmed mean of at least three times in seconds.
    #[must_use]
    pub fn of(times: &[f64]) -> Self {
        Self::of_fastest(kept(times.len()), times)
    }

    /// The mean of at least two times in seconds, of which none is left out.
    #[must_use]
    pub fn untrimmed(times: &[f64]) -> Self {
        Self::of_fastest(times.len(), times)
    }

    fn of_fastest(kept: usize, times: &[f64]) -> Self {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        let slowest = times.get(kept.saturating_sub(1)).copied().unwrap_or(f64::NAN);
        for time in times.iter_mut().skip(kept) {
            *time = slowest;
        }
        let mean = |times: &[f64]| times.iter().sum::<f64>() / count(times.len());
        let winsorized = mean(&times);
        let squares: f64 = times.iter().map(|time| (time - winsorized).powi(2)).sum();
        let variance = squares / (count(kept) * (count(kept) - 1.0));
        Self { mean: mean(times.get(..kept).unwrap_or_default()), variance }
    }

    /// Welch's t: the difference from another class in standard errors.
    ///
    /// ```
    /// use auth_conformance::timing::Summary;
    /// let (a, b) = (Summary { mean: 4.0, variance: 1.0 }, Summary { mean: 2.0, variance: 3.0 });
    /// assert_eq!((a.t(b), b.t(a)), (1.0, -1.0));
    /// ```
    #[must_use]
    pub fn t(self, other: Self) -> f64 {
        let difference = self.mean - other.mean;
        if difference == 0.0 { 0.0 } else { difference / self.standard_error(other) }
    }

    /// The smallest difference from another class that an experiment like this detects 999 times in 1000.
    #[must_use]
    pub fn detectable(self, other: Self) -> Duration {
        let seconds = (THRESHOLD + MARGIN) * self.standard_error(other);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    fn standard_error(self, other: Self) -> f64 {
        (self.variance + other.variance).sqrt()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of some thousands")]
fn kept(of: usize) -> usize {
    (count(of) * KEPT_SHARE).ceil() as usize
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn count(of: usize) -> f64 {
    of as f64
}

#[cfg(test)]
mod tests {
    use super::super::shuffler::Shuffler;
    use super::*;

    /// Normally distributed times.
    fn class(seed: u64, count: usize, mean: f64, noise: f64) -> Vec<f64> {
        let mut numbers = Shuffler::new(seed);
        let mut unit = || (numbers.next() >> 11) as f64 / (1_u64 << 53) as f64;
        // The sum of twelve uniform numbers is close to normal.
        (0..count).map(|_| mean + noise * ((0..12).map(|_| unit()).sum::<f64>() - 6.0)).collect()
    }

    #[test]
    fn slowest_fifth_is_left_out_of_the_mean_and_counts_as_slow_as_the_next() {
        let summary = Summary::of(&[3.0, 1.0, 2.0, 4.0, 1000.0]);
        assert_eq!(summary.mean, 2.5);
        // Of 1, 2, 3, 4, 4 around 2.8: 6.8, over 4 times 3.
        assert!((summary.variance - 6.8 / 12.0).abs() < 1e-12);
        assert_eq!(Summary::of(&[1.0; 5]).t(Summary::of(&[1.0; 5])), 0.0);
        assert_eq!(Summary::of(&[2.0; 5]).t(Summary::of(&[1.0; 5])), f64::INFINITY);
    }

    #[test]
    fn untrimmed_mean_leaves_no_response_out() {
        let summary = Summary::untrimmed(&[1.0, 2.0, 6.0]);
        assert_eq!(summary.mean, 3.0);
        // 4, 1 and 9, over 3 times 2.
        assert!((summary.variance - 14.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn delay_moves_the_mean_by_as_much_however_noisy_the_class() {
        let mut times = class(7, 500, 1e-3, 1e-4);
        times.extend([0.1; 60]);
        let delayed: Vec<f64> = times.iter().map(|time| time + 5e-4).collect();
        let (plain, delayed) = (Summary::of(&times), Summary::of(&delayed));
        assert!((delayed.mean - plain.mean - 5e-4).abs() < 1e-12);
        assert!((delayed.variance / plain.variance - 1.0).abs() < 1e-9);
    }

    #[test]
    fn equal_classes_are_alike_and_the_smallest_difference_is_detected() {
        for seed in 0..200 {
            let (a, b) = (class(2 * seed, 500, 1e-3, 1e-5), class(2 * seed + 1, 500, 1e-3, 1e-5));
            let (a, b) = (Summary::of(&a), Summary::of(&b));
            assert!(a.t(b).abs() < THRESHOLD, "seed {seed}: {}", a.t(b));
            let planted = a.detectable(b).as_secs_f64();
            let delayed = Summary::of(&class(2 * seed, 500, 1e-3 + planted, 1e-5));
            assert!(delayed.t(b) > THRESHOLD, "seed {seed}: {planted} s were not detected");
        }
    }
}
