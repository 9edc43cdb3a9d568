//! The hashing pool: threads of its own for what would hold up everything else.
//!
//! ```text
//! verify, hash ──▶ bounded queue ──▶ worker ──▶ answer
//!      │ full: Busy                    │ nobody waits any more: not hashed
//! ```
//!
//! Client networks take turns, and when the queue is full the one with the most jobs gives way: a flood from one
//! network waits for itself. Each worker has its own memory for Argon2 and takes one job after the other. A caller that goes away before
//! its job has begun costs nothing. A worker that finds nothing to do for a while wipes its memory.

mod queue;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory};
use auth_core::{Network, PasswordString, Rng};
use tokio::sync::oneshot;

use crate::password::{self, HashingRule, NameContext, Secret, StoredPassword, Verdict};
use queue::{Next, Queue};

/// How long to stay away when there is nothing better to say.
const SHORTLY: Duration = Duration::from_secs(1);

/// The size of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct PoolConfig {
    /// Threads; at least one is started. As many as there are cores is right.
    pub workers: usize,
    /// Jobs that wait at most; those being worked on don't count.
    pub queue: usize,
    /// The most memory a worker keeps from one job to the next, in KiB: that of the parameters for new hashes.
    /// What a costlier record took is given back at once.
    pub max_kept_memory_kib: usize,
}

/// Threads that hash. Dropped, it finishes the jobs being worked on, refuses those that wait, and joins its
/// threads.
pub struct HashingPool {
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

/// A password to be judged.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Verification {
    /// What is stored; without it, the work of a wrong password is done.
    pub stored: Option<StoredPassword>,
    /// What was sent.
    pub secret: Secret,
    /// What new hashes look like in the realm.
    pub rule: HashingRule,
    /// What Zettelstore's hashes mix in.
    pub context: NameContext,
    /// Whose share of the queue it is.
    pub network: Network,
}

/// There was no room in the queue, or no memory for the hash: nothing is known about the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hashing pool is busy")]
#[expect(clippy::exhaustive_structs, reason = "the engine's tests build it")]
pub struct Busy {
    /// When it is worth another try, by an estimate.
    pub retry_after: Duration,
}

impl HashingPool {
    /// Starts the workers. New salts are drawn from `rng`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(config: PoolConfig, rng: Arc<dyn Rng>) -> io::Result<Self> {
        let workers = config.workers.max(1);
        // A pool whose threads are only partly there is dropped, and so ends them.
        let mut pool = Self { queue: Arc::new(Queue::new(config.queue, workers)), workers: Vec::new() };
        for number in 0..workers {
            let (queue, rng) = (Arc::clone(&pool.queue), Arc::clone(&rng));
            let work = move || work(&queue, rng.as_ref(), config.max_kept_memory_kib);
            pool.workers.push(Builder::new().name(format!("hashing-{number}")).spawn(work)?);
        }
        Ok(pool)
    }

    /// Judges a password: see [`password::verify`]. Dropped before its turn, it is not judged at all.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(&self, verification: Verification) -> Result<Verdict, Busy> {
        self.run(|answer| Task::Verify(Box::new(verification), answer)).await
    }

    /// Makes a stored string: see [`password::hash`]. Dropped before its turn, it is not made at all.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(
        &self,
        secret: Secret,
        rule: HashingRule,
        network: Network,
    ) -> Result<PasswordString, Busy> {
        self.run(|answer| Task::Hash { secret, rule, network, answer }).await
    }

    async fn run<T>(&self, task: impl FnOnce(Answer<T>) -> Task) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(task(answer))?;
        match answered.await {
            Ok(Ok(done)) => Ok(done),
            // No memory; or the job panicked, or the pool is shutting down, and nobody will answer.
            Ok(Err(OutOfMemory)) | Err(_) => Err(Busy { retry_after: SHORTLY }),
        }
    }
}

impl Drop for HashingPool {
    fn drop(&mut self) {
        self.queue.close();
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing left to end.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

type Answer<T> = oneshot::Sender<Result<T, OutOfMemory>>;

/// What a worker does. A type and not a closure, so that jobs of equal parameters can be found and run together.
enum Task {
    Verify(Box<Verification>, Answer<Verdict>),
    Hash { secret: Secret, rule: HashingRule, network: Network, answer: Answer<PasswordString> },
}

impl Task {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Verify(_, answer) => answer.is_closed(),
            Self::Hash { answer, .. } => answer.is_closed(),
        }
    }

    fn estimated_time(&self) -> Duration {
        match self {
            Self::Verify(job, _) => match &job.stored {
                Some(stored) => stored.estimated_time(),
                None => job.rule.estimated_time(),
            },
            Self::Hash { rule, .. } => rule.estimated_time(),
        }
    }

    fn network(&self) -> Network {
        match self {
            Self::Verify(job, _) => job.network,
            Self::Hash { network, .. } => *network,
        }
    }

    fn run(self, rng: &dyn Rng, memory: &mut Memory) {
        // Nobody may be left to hear the answer.
        match self {
            Self::Verify(job, answer) => {
                let Verification { stored, secret, rule, context, .. } = *job;
                let _ = answer.send(password::verify(stored.as_ref(), &secret, &rule, &context, memory));
            }
            Self::Hash { secret, rule, answer, .. } => {
                let _ = answer.send(password::hash(&secret, &rule, rng, memory));
            }
        }
    }
}

fn work(queue: &Queue, rng: &dyn Rng, max_kept_memory_kib: usize) {
    let mut memory = Memory::new();
    let mut is_wiped = true;
    loop {
        match queue.next(is_wiped) {
            Next::Task(task) if task.is_abandoned() => {}
            Next::Task(task) => {
                is_wiped = false;
                // A job that panics has lost its answer, and what it left in memory.
                if catch_unwind(AssertUnwindSafe(|| task.run(rng, &mut memory))).is_err()
                    || memory.capacity_kib() > max_kept_memory_kib
                {
                    memory.release();
                }
            }
            Next::Idle => {
                memory.wipe();
                is_wiped = true;
            }
            Next::Closed => return,
        }
    }
}

#[cfg(test)]
mod tests;
