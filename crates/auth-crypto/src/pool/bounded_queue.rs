//! The bounded queue between callers and workers: at most so many jobs wait, and none longer than the deadline.
//!
//! This file holds the lock and wakes the workers. Which job is next, and which is evicted from a full queue, is
//! decided by [`FairQueue`]; how much memory a job may borrow, by [`Reserve`].

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use auth_core::Stopwatch;

use super::busy::Busy;
use super::config::PoolConfig;
use super::estimate::Estimates;
use super::fair_queue::{FairQueue, Job};
use super::metrics::{PoolMetrics, PoolObserver};
use super::reserve::{Loan, Reserve};
use super::task::Task;
use super::trial::{Round, Trial};

/// The time that a worker waits for a job before it is told to wipe its memory.
const IDLE_AFTER: Duration = Duration::from_millis(100);

/// The shortest pause between two looks for overdue jobs.
const SHORTEST_WATCH: Duration = Duration::from_millis(10);

/// How long a round of trials waits for jobs to end, and before it looks for jobs that spoil it.
const LONGEST_BREATH: Duration = Duration::from_millis(20);

/// The shortest delay that a refused caller is told.
const MIN_RETRY_AFTER: Duration = Duration::from_millis(10);

pub(super) struct BoundedQueue {
    config: PoolConfig,
    stopwatch: Arc<dyn Stopwatch>,
    observer: OnceLock<Arc<dyn PoolObserver>>,
    state: Mutex<State>,
    wake_worker: Condvar,
    /// Notified when the pool is shutting down.
    wake_watcher: Condvar,
    /// Notified when a worker has ended its jobs or its part of a round of trials, and when the pool is shutting down.
    wake_trials: Condvar,
}

/// The next thing for a worker to do.
pub(super) enum Next {
    /// One task, or several to compute together, and the memory that one needs beyond the worker's own.
    Tasks(Vec<Task>, Option<Loan>),
    /// There is no task to begin, and a part in a round of trials.
    Trial(Trial),
    /// There was no task to begin for a while.
    Idle,
    /// The pool is shutting down.
    Closed,
}

struct State {
    jobs: FairQueue<Task>,
    reserve: Reserve,
    estimates: Estimates,
    metrics: PoolMetrics,
    idle_workers: usize,
    /// The workers that compute jobs.
    busy_workers: usize,
    round: Option<Round>,
    closed: bool,
}

impl BoundedQueue {
    pub(super) fn new(config: PoolConfig, stopwatch: Arc<dyn Stopwatch>) -> Self {
        let state = State {
            jobs: FairQueue::new(),
            reserve: Reserve::new(config.reserve_kib),
            estimates: Estimates::default(),
            metrics: PoolMetrics { workers: config.workers.max(1), width: 1, ..PoolMetrics::default() },
            idle_workers: 0,
            busy_workers: 0,
            round: None,
            closed: false,
        };
        let (wake_worker, wake_watcher, wake_trials) = (Condvar::new(), Condvar::new(), Condvar::new());
        let (state, observer) = (Mutex::new(state), OnceLock::new());
        Self { config, stopwatch, observer, state, wake_worker, wake_watcher, wake_trials }
    }

    pub(super) fn config(&self) -> &PoolConfig {
        &self.config
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.stopwatch.elapsed()
    }

    /// Adds a task. A full queue evicts another client's job for it, or refuses it. A task for which there is no memory
    /// at any time is refused.
    pub(super) fn push(&self, task: Task) -> Result<(), Busy> {
        let (class, params, since) = (task.class(), task.params(), self.elapsed());
        let borrows_kib = self.config.borrowed_kib(task.memory_kib());
        if borrows_kib > self.config.reserve_kib {
            return Err(Busy::shortly());
        }
        let mut state = self.state();
        let cost = state.estimates.cost(&task);
        if state.jobs.len() >= self.config.queue {
            state.drop_abandoned();
        }
        let mut evicted = None;
        if state.jobs.len() >= self.config.queue {
            evicted = state.jobs.evict_for(class, cost);
            state.metrics.refused += 1;
            if evicted.is_none() {
                return Err(self.busy(&state));
            }
        }
        state.jobs.push(Job { payload: task, class, cost, params, borrows_kib, since }, self.config.queue);
        let busy = self.busy(&state);
        drop(state);
        if let Some(job) = evicted {
            job.payload.refuse(busy).send();
        }
        self.wake_worker.notify_one();
        Ok(())
    }

    /// Waits for tasks: without a limit if `wait_forever`, otherwise until [`Next::Idle`] is due.
    pub(super) fn next(&self, wait_forever: bool) -> Next {
        let mut state = self.state();
        let mut timed_out = false;
        loop {
            self.refuse_overdue(&mut state);
            if let Some((tasks, loan)) = self.take(&mut state) {
                state.busy_workers += 1;
                return Next::Tasks(tasks, loan);
            }
            if state.closed {
                return Next::Closed;
            }
            if let Some(trial) = state.round.as_mut().and_then(Round::join) {
                return Next::Trial(trial);
            }
            if timed_out {
                return Next::Idle;
            }
            state.idle_workers += 1;
            if wait_forever {
                state = self.wake_worker.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.wake_worker.wait_timeout(state, IDLE_AFTER);
                let waited = waited.unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                timed_out = waited.1.timed_out();
            }
            state.idle_workers -= 1;
        }
    }

    /// Records the time that a batch took. `batch` lists the scheme and the estimated time of each task in it.
    pub(super) fn record(&self, batch: &[(&'static str, Duration)], took: Duration) {
        let Ok(count @ 1..) = u32::try_from(batch.len()) else { return };
        let mut state = self.state();
        for (scheme, estimated) in batch {
            state.estimates.record(scheme, *estimated, took / count);
        }
        state.metrics.add_batch(batch.len());
        state.busy_workers = state.busy_workers.saturating_sub(1);
        drop(state);
        self.wake_trials.notify_all();
        if let Some(observer) = self.observer.get() {
            batch.iter().for_each(|(scheme, _)| observer.hashed(scheme, took / count));
        }
    }

    /// Takes back what a batch borrowed, and wakes the workers for jobs that waited for it.
    pub(super) fn give_back(&self, loan: Loan) {
        self.state().reserve.give_back(loan);
        self.wake_worker.notify_all();
    }

    /// Refuses overdue jobs until the pool is shutting down. Workers do so before they take a job, which may be too late
    /// when each of them computes an expensive one.
    pub(super) fn watch_deadlines(&self) {
        let mut state = self.state();
        while !state.closed {
            self.refuse_overdue(&mut state);
            // A job that arrives meanwhile is not due before this either.
            let since = state.jobs.oldest().unwrap_or_else(|| self.elapsed());
            let pause = since.saturating_add(self.config.deadline).saturating_sub(self.elapsed());
            let waited = self.wake_watcher.wait_timeout(state, pause.max(SHORTEST_WATCH));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Refuses all jobs that wait, and ends the workers and the watch.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.jobs.clear();
        drop(state);
        self.wake_worker.notify_all();
        self.wake_watcher.notify_all();
        self.wake_trials.notify_all();
    }

    /// Has so many workers do a trial at the same time. Returns their hashes per second; `None` when jobs came in between, or
    /// the pool is shutting down.
    pub(super) fn round(&self, trial: Trial, workers: usize) -> Option<f64> {
        // What is under way ends first.
        let is_busy = |state: &mut State| state.busy_workers > 0 && !state.closed;
        let waited = self.wake_trials.wait_timeout_while(self.state(), LONGEST_BREATH, is_busy);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let begun = state.metrics.begun;
        state.round = Some(Round::new(trial, workers));
        self.wake_worker.notify_all();
        loop {
            let is_spoiled = state.closed || state.busy_workers > 0 || state.metrics.begun != begun;
            let round = state.round.as_mut()?;
            if is_spoiled {
                round.spoil();
            }
            if let Some(rate) = round.result() {
                state.round = None;
                return (!is_spoiled).then_some(rate);
            }
            let waited = self.wake_trials.wait_timeout(state, LONGEST_BREATH);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Records that a worker took so long for its part of a round.
    pub(super) fn tried(&self, took: Duration) {
        if let Some(round) = &mut self.state().round {
            round.leave(took);
        }
        self.wake_trials.notify_all();
    }

    /// Sets how many workers compute jobs at the same time, and how many jobs each computes together.
    pub(super) fn set_size(&self, size: impl FnOnce(&mut PoolMetrics)) {
        size(&mut self.state().metrics);
        self.wake_worker.notify_all();
    }

    /// See [`HashingPool::observe`](super::HashingPool::observe).
    pub(super) fn observe(&self, observer: Arc<dyn PoolObserver>) {
        // A second one is told nothing.
        let _ = self.observer.set(observer);
    }

    pub(super) fn observer(&self) -> Option<&dyn PoolObserver> {
        self.observer.get().map(|observer| &**observer)
    }

    pub(super) fn metrics(&self) -> PoolMetrics {
        let state = self.state();
        PoolMetrics { waiting: state.jobs.len(), ..state.metrics.clone() }
    }

    /// The next tasks whose callers still wait, and the memory that they borrow.
    fn take(&self, state: &mut State) -> Option<(Vec<Task>, Option<Loan>)> {
        loop {
            let others = state.metrics.workers.checked_sub(state.busy_workers + 1)?;
            // Idle workers have been woken and are about to take their share.
            let share = state.jobs.len().div_ceil(state.idle_workers.min(others) + 1);
            let State { jobs, reserve, metrics, .. } = &mut *state;
            let most = metrics.width.min(share);
            let width = |params| self.config.width(params).min(most);
            let batch = jobs.pop_batch(width, |need_kib| reserve.has_room(need_kib));
            if batch.is_empty() {
                return None;
            }
            let now = self.elapsed();
            let mut tasks = Vec::with_capacity(batch.len());
            let mut borrows_kib = 0;
            for mut job in batch {
                if job.payload.is_abandoned() {
                    state.metrics.abandoned += 1;
                    state.jobs.refund(job.class.client_key, job.cost);
                } else {
                    state.metrics.begun += 1;
                    let waited = now.saturating_sub(job.since);
                    job.payload.note_wait(waited);
                    if let Some(observer) = self.observer.get() {
                        observer.waited(waited);
                    }
                    tasks.push(job.payload);
                    borrows_kib = job.borrows_kib;
                }
            }
            if !tasks.is_empty() {
                let loan = (borrows_kib > 0).then(|| state.reserve.lend(borrows_kib));
                return Some((tasks, loan));
            }
        }
    }

    fn refuse_overdue(&self, state: &mut State) {
        let now = self.elapsed();
        let overdue = state.jobs.remove_overdue(|job| now.saturating_sub(job.since) > self.config.deadline);
        if overdue.is_empty() {
            return;
        }
        let busy = self.busy(state);
        for job in overdue {
            if job.payload.is_abandoned() {
                state.metrics.abandoned += 1;
            } else {
                state.metrics.late += 1;
                job.payload.refuse(busy).send();
            }
        }
    }

    /// A refused caller is told to come back when everything that waits now is done.
    fn busy(&self, state: &State) -> Busy {
        let workers = u32::try_from(state.metrics.workers).unwrap_or(u32::MAX);
        Busy { retry_after: (state.jobs.cost() / workers.max(1)).max(MIN_RETRY_AFTER) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change of the state is left half done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_abandoned(&mut self) {
        let dropped = self.jobs.remove_where(Task::is_abandoned);
        self.metrics.abandoned += u64::try_from(dropped).unwrap_or(u64::MAX);
    }
}
