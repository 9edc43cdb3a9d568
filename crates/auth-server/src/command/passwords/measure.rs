//! How long hashes take on this machine.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use auth_core::Stopwatch;
use auth_crypto::argon2::{Algorithm, Input, Job, Memory, Params, hash_batch, hash_into};

use crate::edge::SystemStopwatch;

/// A measurement is the shortest of this many: whatever else the machine does makes them longer.
const RUNS: usize = 5;

/// How many rounds all threads make to see how many hashes there are in a second.
const ROUNDS: usize = 3;

fn input() -> Input<'static> {
    Input::new(b"nobody's password", b"nobody's salt...")
}

/// Memory that is used again and again, as the pool does it.
pub(super) struct Bench {
    stopwatch: SystemStopwatch,
    memory: Memory,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { stopwatch: SystemStopwatch::start(), memory: Memory::new() }
    }

    /// How long one hash takes alone.
    pub(super) fn one(&mut self, params: Params) -> Result<Duration> {
        let mut times = Vec::with_capacity(RUNS);
        // The first run is for growing memory.
        for run in 0..=RUNS {
            let began = self.stopwatch.elapsed();
            let done = hash_into(Algorithm::default(), params, input(), &mut self.memory, &mut [0; 32]);
            done.context("a hash of this size")?;
            if run > 0 {
                times.push(self.stopwatch.elapsed().saturating_sub(began));
            }
        }
        times.into_iter().min().context("no run")
    }

    /// How many hashes there are in a second with all threads at work, each on so many in turns.
    pub(super) fn per_second(params: Params, workers: usize, width: usize) -> Result<f64> {
        let start = Barrier::new(workers + 1);
        let stopwatch = SystemStopwatch::start();
        let took = thread::scope(|scope| {
            let work = || {
                let mut memory = Memory::new();
                // Again the first round is for growing memory.
                let first = together(params, width, &mut memory);
                start.wait();
                first.and_then(|()| (0..ROUNDS).try_for_each(|_| together(params, width, &mut memory)))
            };
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            start.wait();
            let began = stopwatch.elapsed();
            for thread in threads {
                thread.join().ok().context("a thread that hashes")??;
            }
            anyhow::Ok(stopwatch.elapsed().saturating_sub(began))
        })?;
        Ok((workers * width * ROUNDS) as f64 / took.as_secs_f64())
    }
}

fn together(params: Params, width: usize, memory: &mut Memory) -> Result<()> {
    let mut tags = vec![[0; 32]; width];
    let mut jobs: Vec<Job<'_>> = tags.iter_mut().map(|out| Job { input: input(), out }).collect();
    hash_batch(Algorithm::default(), params, &mut jobs, memory).context("hashes of this size")
}
