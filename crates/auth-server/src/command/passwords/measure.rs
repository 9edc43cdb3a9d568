//! Measures how long hashes take on this machine.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use auth_core::{Stopwatch, SystemStopwatch};
use auth_crypto::argon2::{Algorithm, Input, Job, Memory, Params, hash_batch, hash_into};
use auth_crypto::password::{MAX_ITERATIONS, is_affordable};

/// The number of runs of which the shortest counts: other load on the machine only makes runs longer.
const RUNS: usize = 5;

/// The number of rounds that all threads make to measure hashes per second.
const ROUNDS: usize = 3;

/// A stopwatch, and memory that is reused as the hashing pool does.
pub(super) struct Measure {
    stopwatch: SystemStopwatch,
    memory: Memory,
}

impl Measure {
    pub(super) fn new() -> Self {
        Self { stopwatch: SystemStopwatch::start(), memory: Memory::new() }
    }

    /// The time of one hash alone.
    pub(super) fn one(&mut self, params: Params) -> Result<Duration> {
        let mut times = Vec::with_capacity(RUNS);
        // The first run allocates the memory, and doesn't count.
        for run in 0..=RUNS {
            let began = self.stopwatch.elapsed();
            let hashed = hash_into(Algorithm::default(), params, input(), &mut self.memory, &mut [0; 32]);
            hashed.context("a hash of this size")?;
            if run > 0 {
                times.push(self.stopwatch.elapsed().saturating_sub(began));
            }
        }
        times.into_iter().min().context("no run")
    }

    /// Parameters of this memory with the most passes that one hash makes within the target; `None` if the target is too
    /// short for one pass.
    pub(super) fn most_passes(
        &mut self,
        memory_kib: u32,
        lanes: u32,
        target: Duration,
    ) -> Result<Option<Params>> {
        let first = self.one(Params::new(memory_kib, 1, lanes)?)?;
        if first > target {
            return Ok(None);
        }
        let second = self.one(Params::new(memory_kib, 2, lanes)?)?;
        let pass = second.saturating_sub(first).max(first / 4).max(Duration::from_micros(1));
        let more = ((target - first).as_nanos() / pass.as_nanos()).min(u128::from(MAX_ITERATIONS - 1));
        let mut iterations = 1 + u32::try_from(more).unwrap_or_default();
        // The extrapolated number is measured, and reduced until it fits.
        loop {
            let params = Params::new(memory_kib, iterations, lanes)?;
            let took = if is_affordable(params) { self.one(params)? } else { 2 * target };
            if iterations == 1 || took <= target {
                return Ok(Some(params));
            }
            let fewer = f64::from(iterations) * target.as_secs_f64() / took.as_secs_f64();
            iterations = (fewer as u32).clamp(1, iterations - 1);
        }
    }

    /// Hashes per second with all workers busy, each with `width` hashes side by side.
    pub(super) fn per_second(params: Params, workers: usize, width: usize) -> Result<f64> {
        let start = Barrier::new(workers + 1);
        let stopwatch = SystemStopwatch::start();
        let took = thread::scope(|scope| {
            let work = || {
                let mut memory = Memory::new();
                // The first round allocates the memory, and doesn't count.
                let first = batch(params, width, &mut memory);
                start.wait();
                first.and_then(|()| (0..ROUNDS).try_for_each(|_| batch(params, width, &mut memory)))
            };
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            start.wait();
            let began = stopwatch.elapsed();
            for thread in threads {
                thread.join().ok().context("a hashing thread")??;
            }
            anyhow::Ok(stopwatch.elapsed().saturating_sub(began))
        })?;
        Ok((workers * width * ROUNDS) as f64 / took.as_secs_f64())
    }
}

/// Computes `width` hashes side by side.
fn batch(params: Params, width: usize, memory: &mut Memory) -> Result<()> {
    let mut tags = vec![[0; 32]; width];
    let mut jobs: Vec<Job<'_>> = tags.iter_mut().map(|out| Job { input: input(), out }).collect();
    hash_batch(Algorithm::default(), params, &mut jobs, memory).context("hashes of this size")
}

fn input() -> Input<'static> {
    Input::new(b"nobody's password", b"nobody's salt...")
}
