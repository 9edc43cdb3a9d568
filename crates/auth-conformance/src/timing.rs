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

/// The share of answers that is looked at: the fastest. What is slower was held up by something else.
const KEPT: f64 = 0.9;

/// How long the answers of a class took, in a few numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "plain numbers")]
pub struct Summary {
    /// How many there are.
    pub count: f64,
    /// Their mean in seconds.
    pub mean: f64,
    /// Their variance in seconds squared.
    pub variance: f64,
}

impl Summary {
    /// Of at least two times in seconds.
    #[must_use]
    pub fn of(times: &[f64]) -> Self {
        let count = times.iter().map(|_| 1.0).sum::<f64>();
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { count, mean, variance }
    }

    /// Welch's t of the difference to another class: in standard errors.
    ///
    /// ```
    /// use auth_conformance::timing::Summary;
    /// let (a, b) = (Summary::of(&[3.0, 4.0, 5.0]), Summary::of(&[1.0, 2.0, 3.0]));
    /// assert!((a.t(b) - 6.0_f64.sqrt()).abs() < 1e-12);
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
        (self.variance / self.count + other.variance / other.count).sqrt()
    }
}

/// Drops what is slower than nine tenths of all answers of all classes. Alike classes lose alike; a class that is
/// slower loses more, and stays slower.
#[must_use]
pub fn crop(classes: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut all: Vec<f64> = classes.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index among some ten thousand"
    )]
    let last = (all.len() as f64 * KEPT) as usize;
    let bound = all.get(last).copied().unwrap_or(f64::INFINITY);
    classes.iter().map(|times| times.iter().copied().filter(|time| *time < bound).collect()).collect()
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
    fn t_is_that_of_the_textbook() {
        // Welch's own example form: two samples of unequal variance and size.
        let a = Summary::of(&[
            27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4,
        ]);
        let b = Summary::of(&[
            27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.1, 24.2, 38.1,
        ]);
        let by_hand = (a.mean - b.mean) / (a.variance / 15.0 + b.variance / 16.0).sqrt();
        assert!((a.t(b) - by_hand).abs() < 1e-12);
        assert!((a.t(b) + b.t(a)).abs() < 1e-12, "the other way round");
        assert_eq!(Summary::of(&[1.0, 1.0]).t(Summary::of(&[1.0, 1.0])), 0.0);
        assert_eq!(Summary::of(&[2.0, 2.0]).t(Summary::of(&[1.0, 1.0])), f64::INFINITY);
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
    fn cropping_takes_the_slowest_tenth_of_all_and_leaves_a_difference() {
        let fast: Vec<f64> = (0..1000).map(f64::from).collect();
        let slow: Vec<f64> = fast.iter().map(|time| time + 100.0).collect();
        let cropped = crop(&[fast.clone(), slow]);
        assert_eq!(cropped.iter().map(Vec::len).sum::<usize>(), 1800);
        assert!(Summary::of(&cropped[1]).mean > Summary::of(&cropped[0]).mean + 40.0);
        assert_eq!(crop(&[fast]).first().map(Vec::len), Some(900));
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
