//! Trials: how many workers, and how many hashes together on each, get most done on this machine.
//!
//! In a round, a number of workers hash a fixed input at the same time. The candidates take turns, so that other load on the
//! machine slows all of them alike. A job that arrives during a round is computed first, and the round is repeated.

use std::time::Duration;

use auth_argon2::{Algorithm, Input, Job, Memory, OutOfMemory, Params, hash_batch};

/// The rounds in which each candidate is tried.
pub(super) const ROUNDS: usize = 5;

/// The rounds that jobs may spoil before the trials are given up.
pub(super) const SPOILED: usize = 16;

/// What a worker computes in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    pub(super) params: Params,
    /// The hashes that are computed together.
    pub(super) width: usize,
}

/// A round that is under way.
pub(super) struct Round {
    trial: Trial,
    /// The workers that have yet to begin.
    missing: usize,
    /// The workers that have begun and not ended.
    running: usize,
    /// The hashes per second of the workers that have ended.
    rate: f64,
}

impl Trial {
    /// Computes the hashes.
    pub(super) fn run(self, memory: &mut Memory) -> Result<(), OutOfMemory> {
        let input = Input::new(b"a fixed password", b"and a fixed salt");
        let mut tags = vec![[0; 32]; self.width];
        let mut jobs: Vec<Job<'_>> = tags.iter_mut().map(|out| Job { input, out }).collect();
        // The input is as long as it must be: there is no other error.
        hash_batch(Algorithm::default(), self.params, &mut jobs, memory).map_err(|_| OutOfMemory)
    }

    /// The hashes per second of a worker that took so long.
    fn rate(self, took: Duration) -> f64 {
        self.width as f64 / took.as_secs_f64().max(1e-9)
    }
}

impl Round {
    pub(super) fn new(trial: Trial, workers: usize) -> Self {
        Self { trial, missing: workers, running: 0, rate: 0.0 }
    }

    /// Has a worker take part, if one is missing.
    pub(super) fn join(&mut self) -> Option<Trial> {
        self.missing = self.missing.checked_sub(1)?;
        self.running += 1;
        Some(self.trial)
    }

    /// A worker has ended that took so long.
    pub(super) fn leave(&mut self, took: Duration) {
        self.running = self.running.saturating_sub(1);
        self.rate += self.trial.rate(took);
    }

    /// Lets no further worker begin.
    pub(super) fn spoil(&mut self) {
        self.missing = 0;
    }

    /// The hashes per second of all workers, when all have ended.
    pub(super) fn result(&self) -> Option<f64> {
        (self.missing == 0 && self.running == 0).then_some(self.rate)
    }
}

/// Chooses among candidates by their hashes per second in each round: the first, unless another does more than it by this
/// factor in all rounds but a quarter of them.
pub(super) fn choose(rounds: &[Vec<f64>], factor: f64) -> usize {
    let candidates = rounds.iter().map(Vec::len).min().unwrap_or_default();
    let gain = |candidate: usize| {
        let mut gains: Vec<f64> = rounds
            .iter()
            .filter_map(|rates| Some(rates.get(candidate)? / rates.first()?))
            .filter(|gain| gain.is_finite())
            .collect();
        gains.sort_by(f64::total_cmp);
        gains.get(gains.len() / 4).copied().unwrap_or(1.0)
    };
    let best = (1..candidates).map(|candidate| (gain(candidate), candidate));
    best.filter(|(gain, _)| *gain >= factor).max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0, |(_, best)| best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds in which the first candidate does a hundred hashes a second, and another so many.
    fn rounds(others: &[f64]) -> Vec<Vec<f64>> {
        others.iter().map(|other| vec![100.0, *other]).collect()
    }

    #[test]
    fn a_candidate_is_chosen_when_it_does_clearly_more_than_the_first() {
        for (rounds, chosen) in [
            (vec![vec![100.0, 110.0, 120.0]; 3], 2),
            (vec![vec![100.0, 120.0, 110.0]; 3], 1),
            (vec![vec![100.0, 101.0, 102.0]; 3], 0),
            (vec![vec![100.0, 90.0, 80.0]; 3], 0),
            // The machine is slower in a round, for all, or for a moment.
            (vec![vec![100.0, 110.0], vec![50.0, 55.0], vec![100.0, 110.0]], 1),
            (rounds(&[98.0, 98.0, 98.0, 98.0, 245.0]), 0),
            (rounds(&[98.0, 98.0, 245.0, 245.0, 245.0]), 0),
            (rounds(&[110.0, 20.0, 112.0, 110.0, 110.0]), 1),
            (vec![vec![100.0]], 0),
            (vec![vec![0.0, 0.0]], 0),
            (Vec::new(), 0),
        ] {
            assert_eq!(choose(&rounds, 1.03), chosen, "{rounds:?}");
        }
    }

    #[test]
    fn a_round_ends_with_the_sum_of_its_workers() {
        let trial = Trial { params: Params::new(64, 1, 1).unwrap(), width: 3 };
        let mut round = Round::new(trial, 2);
        assert_eq!((round.join(), round.join(), round.join()), (Some(trial), Some(trial), None));
        round.leave(Duration::from_secs(1));
        assert_eq!(round.result(), None, "one is at work");
        round.leave(Duration::from_secs(3));
        assert_eq!(round.result(), Some(3.0 + 1.0));
    }

    #[test]
    fn a_spoiled_round_waits_for_those_who_have_begun_alone() {
        let mut round = Round::new(Trial { params: Params::new(64, 1, 1).unwrap(), width: 1 }, 3);
        assert!(round.join().is_some());
        round.spoil();
        assert!(round.join().is_none());
        assert_eq!(round.result(), None);
        round.leave(Duration::from_secs(1));
        assert!(round.result().is_some());
    }
}
