//! Whether answers tell by their time what they don't tell in words: statistics, and the experiment they judge.
//!
//! An experiment asks one server the same kind of question in several classes (an unknown name, a wrong password,
//! …), one request at a time, in random order, and compares each two classes by Welch's t. Below
//! [`THRESHOLD`] they count as alike. What an experiment would have seen is stated with it, and a control, in which
//! one of two equal classes is delayed by as much, must be seen.

mod client;
mod experiment;
mod groups;

use std::time::Duration;

pub use experiment::{Comparison, Experiment, Outcome, run};
pub use groups::{Group, groups};

/// Two classes whose |t| is above this differ: by chance alone in 1 of 150,000 comparisons.
pub const THRESHOLD: f64 = 4.5;

/// How many standard errors above the threshold a difference must be to be seen in 999 of 1000 experiments.
const SURELY: f64 = 3.1;

/// The share of a class's answers that its mean is taken of: the fastest. What is slower was held up by something
/// else.
const KEPT: f64 = 0.8;

/// How long the answers of a class took: the trimmed mean, and how far it may be off.
///
/// The slowest fifth is left out of the mean. The error is that of a trimmed mean (K. K. Yuen, The two-sample trimmed
/// t for unequal population variances, 1974): from the variance of all answers with the slowest fifth made as slow
/// as the slowest of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "plain numbers")]
pub struct Summary {
    /// The trimmed mean in seconds.
    pub mean: f64,
    /// Its variance in seconds squared.
    pub variance: f64,
}

impl Summary {
    /// Of times in seconds, three at least.
    #[must_use]
    pub fn of(times: &[f64]) -> Self {
        Self::of_fastest(kept(times.len()), times)
    }

    /// The same of all answers, none left out: two at least.
    #[must_use]
    pub fn of_all(times: &[f64]) -> Self {
        Self::of_fastest(times.len(), times)
    }

    fn of_fastest(kept: usize, times: &[f64]) -> Self {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        let slowest = times.get(kept.saturating_sub(1)).copied().unwrap_or(f64::NAN);
        for held_up in times.iter_mut().skip(kept) {
            *held_up = slowest;
        }
        let mean = |times: &[f64]| times.iter().sum::<f64>() / count(times.len());
        let middle = mean(&times);
        let squares: f64 = times.iter().map(|time| (time - middle).powi(2)).sum();
        let variance = squares / (count(kept) * (count(kept) - 1.0));
        Self { mean: mean(times.get(..kept).unwrap_or_default()), variance }
    }

    /// Welch's t of the difference to another class: in standard errors.
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

    /// The smallest difference to another class that an experiment like this surely sees.
    #[must_use]
    pub fn smallest_seen(self, other: Self) -> Duration {
        let seconds = (THRESHOLD + SURELY) * self.standard_error(other);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    fn standard_error(self, other: Self) -> f64 {
        (self.variance + other.variance).sqrt()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of some thousands")]
fn kept(of: usize) -> usize {
    (count(of) * KEPT).ceil() as usize
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn count(of: usize) -> f64 {
    of as f64
}

/// Numbers that are random enough to put requests in no order (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Shuffler(u64);

impl Shuffler {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.next() % (last as u64 + 1);
            items.swap(last, usize::try_from(chosen).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times around a mean, as noisy as the request.
    fn class(seed: u64, count: usize, mean: f64, noise: f64) -> Vec<f64> {
        let mut numbers = Shuffler::new(seed);
        let mut unit = || (numbers.next() >> 11) as f64 / (1_u64 << 53) as f64;
        // The sum of twelve is as good as normal.
        (0..count).map(|_| mean + noise * ((0..12).map(|_| unit()).sum::<f64>() - 6.0)).collect()
    }

    #[test]
    fn the_slowest_fifth_is_left_out_of_the_mean_and_counts_as_slow_as_the_next() {
        let summary = Summary::of(&[3.0, 1.0, 2.0, 4.0, 1000.0]);
        assert_eq!(summary.mean, 2.5);
        // Of 1, 2, 3, 4, 4 around 2.8: 6.8, over 4 times 3.
        assert!((summary.variance - 6.8 / 12.0).abs() < 1e-12);
        assert_eq!(Summary::of(&[1.0; 5]).t(Summary::of(&[1.0; 5])), 0.0);
        assert_eq!(Summary::of(&[2.0; 5]).t(Summary::of(&[1.0; 5])), f64::INFINITY);
    }

    #[test]
    fn of_all_answers_none_is_left_out() {
        let summary = Summary::of_all(&[1.0, 2.0, 6.0]);
        assert_eq!(summary.mean, 3.0);
        // 4, 1 and 9, over 3 times 2.
        assert!((summary.variance - 14.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_delay_moves_the_mean_by_as_much_however_noisy_the_class() {
        let mut times = class(7, 500, 1e-3, 1e-4);
        times.extend([0.1; 60]);
        let delayed: Vec<f64> = times.iter().map(|time| time + 5e-4).collect();
        let (plain, delayed) = (Summary::of(&times), Summary::of(&delayed));
        assert!((delayed.mean - plain.mean - 5e-4).abs() < 1e-12);
        assert!((delayed.variance / plain.variance - 1.0).abs() < 1e-9);
    }

    #[test]
    fn equal_classes_are_alike_and_the_smallest_difference_is_seen() {
        for seed in 0..200 {
            let (a, b) = (class(2 * seed, 500, 1e-3, 1e-5), class(2 * seed + 1, 500, 1e-3, 1e-5));
            let (a, b) = (Summary::of(&a), Summary::of(&b));
            assert!(a.t(b).abs() < THRESHOLD, "seed {seed}: {}", a.t(b));
            let planted = a.smallest_seen(b).as_secs_f64();
            let delayed = Summary::of(&class(2 * seed, 500, 1e-3 + planted, 1e-5));
            assert!(delayed.t(b) > THRESHOLD, "seed {seed}: {planted} s were not seen");
        }
    }

    #[test]
    fn shuffling_keeps_all_and_finds_every_order() {
        let mut shuffler = Shuffler::new(1);
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let mut items = [0, 1, 2];
            shuffler.shuffle(&mut items);
            orders.insert(items);
        }
        assert_eq!(orders.len(), 6);
    }
}
