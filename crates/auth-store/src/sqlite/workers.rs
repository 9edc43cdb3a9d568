//! Threads that run the jobs of a bounded queue.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auth_core::StoreError;

/// How long lazy jobs wait for an urgent one to run with.
const LINGER: Duration = Duration::from_millis(100);

/// The pause of a thread after a job that panicked.
const PAUSE: Duration = Duration::from_millis(100);

/// Threads and their queue. Dropping it waits until the threads have run all jobs that are queued.
pub(super) struct Workers<J> {
    queue: Arc<Queue<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> Workers<J> {
    /// Starts a thread for each body, which runs jobs until the queue is closed and empty. A body that panics is called
    /// again: the jobs that it had taken are lost, and those that wait are not.
    ///
    /// # Errors
    /// When a thread can't be started.
    pub(super) fn start<B>(
        name: &str,
        capacity: usize,
        bodies: impl IntoIterator<Item = B>,
    ) -> io::Result<Self>
    where
        B: FnMut(&Queue<J>) + Send + 'static,
    {
        let mut workers = Self { queue: Arc::new(Queue::new(capacity)), threads: Vec::new() };
        for mut body in bodies {
            let queue = Arc::clone(&workers.queue);
            let run = move || {
                while catch_unwind(AssertUnwindSafe(|| body(&queue))).is_err() {
                    thread::sleep(PAUSE);
                }
            };
            let thread = thread::Builder::new().name(name.into()).spawn(run)?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    pub(super) fn queue(&self) -> &Queue<J> {
        &self.queue
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // Panics are caught within.
            let _ = thread.join();
        }
    }
}

/// A bounded queue between async callers and threads.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    arrived: Condvar,
    capacity: usize,
}

struct State<J> {
    waiting: VecDeque<J>,
    urgent: bool,
    open: bool,
}

impl<J> Queue<J> {
    fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), urgent: false, open: true };
        Self { state: Mutex::new(state), arrived: Condvar::new(), capacity }
    }

    /// Queues an urgent job: its caller waits for an answer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the queue is full or closed.
    pub(super) fn push(&self, job: J) -> Result<(), StoreError> {
        let mut state = self.lock();
        if !state.open {
            return Err(StoreError::Unavailable("it is closed".into()));
        }
        if state.waiting.len() >= self.capacity {
            return Err(StoreError::Unavailable("too many commands are waiting".into()));
        }
        state.waiting.push_back(job);
        state.urgent = true;
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Queues a lazy job, which has no caller that waits: it runs with the next urgent one, or alone after [`LINGER`].
    /// `false` when there is no room: lazy jobs never take more than half of the queue.
    pub(super) fn push_lazily(&self, job: J) -> bool {
        let mut state = self.lock();
        if !state.open || state.waiting.len() >= self.capacity / 2 {
            return false;
        }
        let first = state.waiting.is_empty();
        state.waiting.push_back(job);
        drop(state);
        if first {
            self.arrived.notify_one();
        }
        true
    }

    /// Waits for jobs and takes up to `most` of them, in order. No jobs means that the queue is closed and empty.
    pub(super) fn take(&self, most: usize) -> Vec<J> {
        let mut state = self.lock();
        let mut lingered = false;
        while state.open && !state.urgent && !lingered {
            if state.waiting.is_empty() {
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let (woken, timeout) =
                    self.arrived.wait_timeout(state, LINGER).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                lingered = timeout.timed_out() && !state.waiting.is_empty();
            }
        }
        let count = most.min(state.waiting.len());
        let jobs = state.waiting.drain(..count).collect();
        state.urgent &= !state.waiting.is_empty();
        jobs
    }

    fn close(&self) {
        self.lock().open = false;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_come_in_order_and_a_full_queue_refuses() {
        let queue = Queue::new(4);
        assert!(queue.push_lazily(1));
        assert!(queue.push_lazily(2));
        assert!(!queue.push_lazily(3), "lazy jobs get half of the room");
        queue.push(3).unwrap();
        queue.push(4).unwrap();
        assert!(matches!(queue.push(5), Err(StoreError::Unavailable(_))));
        assert_eq!(queue.take(3), [1, 2, 3]);
        assert_eq!(queue.take(3), [4]);
    }

    #[test]
    fn lazy_jobs_come_without_urgent_ones() {
        let queue = Queue::new(4);
        assert!(queue.push_lazily(1));
        assert_eq!(queue.take(3), [1]);
    }

    #[test]
    fn queued_jobs_run_before_the_threads_end() {
        let (done, seen) = std::sync::mpsc::channel();
        let body = move |queue: &Queue<u32>| {
            loop {
                let jobs = queue.take(2);
                if jobs.is_empty() {
                    break;
                }
                jobs.into_iter().for_each(|job| done.send(job).unwrap());
            }
        };
        let workers = Workers::start("test", 8, [body]).unwrap();
        for job in 0..5 {
            workers.queue().push(job).unwrap();
        }
        drop(workers);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_job_that_panics_leaves_the_thread_to_the_others() {
        let (done, seen) = std::sync::mpsc::channel();
        let body = move |queue: &Queue<u32>| {
            while let Some(job) = queue.take(1).pop() {
                if job == 1 {
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                done.send(job).unwrap();
            }
        };
        let workers = Workers::start("test", 8, [body]).unwrap();
        for job in 0..4 {
            workers.queue().push(job).unwrap();
        }
        drop(workers);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [0, 2, 3]);
    }
}
