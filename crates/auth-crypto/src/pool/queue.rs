//! The queue between callers and workers: bounded in number and in time.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::Stopwatch;

use super::lines::{Job, Lines};
use super::task::Task;
use super::{Busy, PoolConfig, PoolMetrics};

/// So long a worker waits before it is told that it has nothing to do.
const IDLE: Duration = Duration::from_millis(100);

/// The least worth waiting.
const MOMENT: Duration = Duration::from_millis(10);

pub(super) struct Queue {
    config: PoolConfig,
    workers: u32,
    stopwatch: Arc<dyn Stopwatch>,
    state: Mutex<State>,
    news: Condvar,
}

/// What a worker does next.
pub(super) enum Next {
    /// One task, or several that are computed together.
    Tasks(Vec<Task>),
    Idle,
    Closed,
}

struct State {
    lines: Lines<Task>,
    paces: HashMap<&'static str, Pace>,
    metrics: PoolMetrics,
    /// Workers that wait for something to do.
    idle: usize,
    closed: bool,
}

/// How many times as long as estimated a scheme takes on this machine, as far as was seen.
struct Pace(f64);

impl Queue {
    pub(super) fn new(config: PoolConfig, stopwatch: Arc<dyn Stopwatch>) -> Self {
        let state = State {
            lines: Lines::new(),
            paces: HashMap::new(),
            metrics: PoolMetrics::default(),
            idle: 0,
            closed: false,
        };
        let workers = u32::try_from(config.workers.max(1)).unwrap_or(u32::MAX);
        Self { config, workers, stopwatch, state: Mutex::new(state), news: Condvar::new() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.stopwatch.elapsed()
    }

    /// Takes a task in, or says when there will be room.
    pub(super) fn push(&self, task: Task) -> Result<(), Busy> {
        let (turn, params, since) = (task.turn(), task.params(), self.elapsed());
        let mut state = self.state();
        let cost = state.cost(&task);
        if state.lines.waiting() >= self.config.queue {
            state.drop_abandoned();
        }
        let mut gave_way = None;
        if state.lines.waiting() >= self.config.queue {
            gave_way = state.lines.give_way(turn, cost);
            state.metrics.refused += 1;
            if gave_way.is_none() {
                return Err(self.busy(&state));
            }
        }
        state.lines.push(Job { what: task, turn, cost, params, since }, self.config.queue);
        let busy = self.busy(&state);
        drop(state);
        if let Some(job) = gave_way {
            job.what.refuse(busy);
        }
        self.news.notify_one();
        Ok(())
    }

    /// Waits for tasks, for ever if `patient`; otherwise [`Next::Idle`] comes after a while.
    pub(super) fn next(&self, patient: bool) -> Next {
        let mut state = self.state();
        loop {
            self.refuse_late(&mut state);
            if let Some(tasks) = self.take(&mut state) {
                return Next::Tasks(tasks);
            }
            if state.closed {
                return Next::Closed;
            }
            state.idle += 1;
            let timed_out;
            if patient {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                timed_out = false;
            } else {
                let waited = self.news.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                timed_out = waited.1.timed_out();
            }
            state.idle -= 1;
            if timed_out && state.lines.waiting() == 0 && !state.closed {
                return Next::Idle;
            }
        }
    }

    /// Notes how long tasks took that were done together: their schemes and estimated times.
    pub(super) fn done(&self, tasks: &[(&'static str, Duration)], took: Duration) {
        let Ok(count @ 1..) = u32::try_from(tasks.len()) else { return };
        let mut state = self.state();
        for (scheme, estimated) in tasks {
            state.paces.entry(scheme).or_insert(Pace(1.0)).learn(*estimated, took / count);
        }
        let schemes: Vec<&'static str> = tasks.iter().map(|(scheme, _)| *scheme).collect();
        state.metrics.add_done(&schemes, took);
    }

    /// Refuses all that wait, and ends the workers.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.lines.clear();
        drop(state);
        self.news.notify_all();
    }

    pub(super) fn metrics(&self) -> PoolMetrics {
        let state = self.state();
        PoolMetrics { waiting: state.lines.waiting(), ..state.metrics.clone() }
    }

    /// The next tasks that somebody still waits for.
    fn take(&self, state: &mut State) -> Option<Vec<Task>> {
        loop {
            // Idle workers are about to take their part.
            let part = state.lines.waiting().div_ceil(state.idle + 1);
            let jobs = state.lines.take(|params| self.config.width(params).min(part));
            if jobs.is_empty() {
                return None;
            }
            let now = self.elapsed();
            let mut tasks = Vec::with_capacity(jobs.len());
            for job in jobs {
                if job.what.is_abandoned() {
                    state.metrics.abandoned += 1;
                    state.lines.give_back(job.turn.network, job.cost);
                } else {
                    state.metrics.wait.add(now.saturating_sub(job.since));
                    tasks.push(job.what);
                }
            }
            if !tasks.is_empty() {
                return Some(tasks);
            }
        }
    }

    fn refuse_late(&self, state: &mut State) {
        let now = self.elapsed();
        let late = state.lines.take_overdue(|job| now.saturating_sub(job.since) > self.config.deadline);
        if late.is_empty() {
            return;
        }
        let busy = self.busy(state);
        for job in late {
            if job.what.is_abandoned() {
                state.metrics.abandoned += 1;
            } else {
                state.metrics.late += 1;
                job.what.refuse(busy);
            }
        }
    }

    /// What is refused now is told to come again when all that waits is done.
    fn busy(&self, state: &State) -> Busy {
        Busy { retry_after: (state.lines.cost() / self.workers).max(MOMENT) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is half done when a holder panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cost(&self, task: &Task) -> Duration {
        let pace = self.paces.get(task.scheme()).map_or(1.0, |pace| pace.0);
        task.estimated_time().mul_f64(pace)
    }

    fn drop_abandoned(&mut self) {
        let dropped = self.lines.drop_where(Task::is_abandoned);
        self.metrics.abandoned += u64::try_from(dropped).unwrap_or(u64::MAX);
    }
}

impl Pace {
    /// Follows what is seen, slowly: the machine may be busy with other things for a moment.
    fn learn(&mut self, estimated: Duration, took: Duration) {
        const STEP: f64 = 1.0 / 16.0;
        const BOUNDS: (f64, f64) = (1.0 / 64.0, 64.0);
        if !estimated.is_zero() {
            let seen = (took.as_secs_f64() / estimated.as_secs_f64()).clamp(BOUNDS.0, BOUNDS.1);
            self.0 += (seen - self.0) * STEP;
        }
    }
}
