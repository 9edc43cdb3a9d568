//! The queue between callers and workers: bounded, and each client network in a line of its own.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::Network;

use super::{Busy, Task};

/// So long a worker waits before it is told that it has nothing to do.
const IDLE: Duration = Duration::from_millis(100);

/// The least worth waiting.
const MOMENT: Duration = Duration::from_millis(10);

pub(super) struct Queue {
    capacity: usize,
    workers: u32,
    state: Mutex<State>,
    news: Condvar,
}

/// What a worker does next.
pub(super) enum Next {
    Task(Task),
    Idle,
    Closed,
}

impl Queue {
    pub(super) fn new(capacity: usize, workers: usize) -> Self {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX);
        Self { capacity, workers, state: Mutex::new(State::default()), news: Condvar::new() }
    }

    /// Takes a task, or says when there will be room.
    pub(super) fn push(&self, task: Task) -> Result<(), Busy> {
        let mut state = self.state();
        if state.waiting() >= self.capacity {
            state.forget_abandoned();
        }
        if state.waiting() >= self.capacity && !state.make_room_for(task.network()) {
            return Err(Busy { retry_after: (state.estimated_time() / self.workers).max(MOMENT) });
        }
        state.add(task);
        drop(state);
        self.news.notify_one();
        Ok(())
    }

    /// Waits for a task, for ever if `patient`; otherwise [`Next::Idle`] comes after a while.
    pub(super) fn next(&self, patient: bool) -> Next {
        let mut state = self.state();
        loop {
            if let Some(task) = state.take() {
                return Next::Task(task);
            }
            if state.closed {
                return Next::Closed;
            }
            if patient {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.news.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                if waited.1.timed_out() && state.waiting() == 0 && !state.closed {
                    return Next::Idle;
                }
            }
        }
    }

    /// Refuses all that wait, and ends the workers.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.lines.clear();
        drop(state);
        self.news.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is half done when a holder panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines, none of them empty; the first is the one whose turn it is.
#[derive(Default)]
struct State {
    lines: VecDeque<Line>,
    closed: bool,
}

struct Line {
    network: Network,
    tasks: VecDeque<Task>,
}

impl State {
    fn waiting(&self) -> usize {
        self.lines.iter().map(|line| line.tasks.len()).sum()
    }

    fn estimated_time(&self) -> Duration {
        self.lines.iter().flat_map(|line| &line.tasks).map(Task::estimated_time).sum()
    }

    fn add(&mut self, task: Task) {
        let network = task.network();
        match self.lines.iter_mut().find(|line| line.network == network) {
            Some(line) => line.tasks.push_back(task),
            None => self.lines.push_back(Line { network, tasks: VecDeque::from([task]) }),
        }
    }

    fn take(&mut self) -> Option<Task> {
        let mut line = self.lines.pop_front()?;
        let task = line.tasks.pop_front();
        if !line.tasks.is_empty() {
            self.lines.push_back(line);
        }
        task
    }

    fn forget_abandoned(&mut self) {
        for line in &mut self.lines {
            line.tasks.retain(|task| !task.is_abandoned());
        }
        self.lines.retain(|line| !line.tasks.is_empty());
    }

    /// Drops the last task of the longest line, if that leaves it no shorter than the network's own will be.
    fn make_room_for(&mut self, network: Network) -> bool {
        let own = self.lines.iter().find(|line| line.network == network).map_or(0, |line| line.tasks.len());
        let longest = self.lines.iter_mut().max_by_key(|line| line.tasks.len());
        match longest {
            Some(line) if line.tasks.len() > own + 1 => line.tasks.pop_back().is_some(),
            _ => false,
        }
    }
}
