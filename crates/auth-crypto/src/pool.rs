//! The hashing pool: threads of its own for what would hold up everything else.
//!
//! ```text
//! verify, hash ──▶ bounded queue ──▶ worker ──▶ answer
//!      │ full: Busy     │ too late: Busy   │ one job, or several of equal parameters in turns
//!                       │ nobody waits any more: not hashed
//! ```
//!
//! * **Order.** Client networks share the processor: whichever has used the least of it is next, and one PBKDF2
//!   record counts as much as it takes, some dozens of ours. An account under attack comes later, but for networks
//!   that it has signed in from, which come first: see [`Priority`].
//! * **Bounds.** When the queue is full, the network that asks for the most gives way: a flood from one network waits
//!   for itself. What has waited for [`PoolConfig::deadline`] is refused. A caller that goes away before its job has
//!   begun costs nothing.
//! * **Together.** While one job waits, a worker does that one, in the shortest time. When more wait, it computes up
//!   to [`PoolConfig::interleave`] Argon2id hashes of equal parameters in turns, which gets more of them done.
//! * **Memory.** One budget for all workers: see [`PoolConfig::width`]. What gives a hash away is wiped after each
//!   job, everything once a worker finds nothing to do for a while, and when the pool is dropped.

mod lines;
mod metrics;
mod queue;
mod task;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use auth_argon2::{Memory, Params};
use auth_core::{ClientKey, PasswordString, Rng, Stopwatch};
use tokio::sync::oneshot;

use crate::password::{HashingRule, NameContext, OldHash, Secret, StoredPassword, Verdict};
pub use metrics::{Histogram, PoolMetrics};
use queue::{Next, Queue};
use task::{Answer, Task};

/// The size of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct PoolConfig {
    /// Threads; at least one is started. As many as there are cores is right.
    pub workers: usize,
    /// Jobs that wait at most; those being worked on don't count.
    pub queue: usize,
    /// How many jobs a worker computes in turns at most, when more than one waits.
    pub interleave: usize,
    /// The memory of all workers together, in KiB. What a worker's share holds it keeps from one job to the next;
    /// what a costlier record took is given back at once.
    pub memory_kib: usize,
    /// How long a job waits at most.
    pub deadline: Duration,
}

impl PoolConfig {
    /// How many jobs of these parameters a worker computes in turns: as many as its share of the memory holds, up to
    /// [`PoolConfig::interleave`]. Never none: a record that needs more than the share is computed alone, and its
    /// bounds are those of stored passwords (see [`is_affordable`](crate::password::is_affordable)).
    #[must_use]
    pub fn width(&self, params: Params) -> usize {
        let hash_kib = usize::try_from(params.memory_kib()).unwrap_or(usize::MAX);
        (self.share_kib() / hash_kib.max(1)).min(self.interleave).max(1)
    }

    fn share_kib(&self) -> usize {
        self.memory_kib / self.workers.max(1)
    }
}

/// Threads that hash. Dropped, it finishes the jobs being worked on, refuses those that wait, and joins its
/// threads.
pub struct HashingPool {
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

/// Whose share of the pool a job is, and how soon it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Turn {
    /// Where it comes from.
    pub network: ClientKey,
    /// How urgent it is.
    pub priority: Priority,
}

impl From<ClientKey> for Turn {
    /// The usual priority.
    fn from(network: ClientKey) -> Self {
        Self { network, priority: Priority::default() }
    }
}

/// How urgent a job is, the most urgent first. Jobs of one priority are shared out among networks; a less urgent one
/// waits for all that are more urgent, but for each eighth turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the engine chooses one")]
pub enum Priority {
    /// The account has signed in from this network before.
    Familiar,
    /// Nothing is known.
    #[default]
    Usual,
    /// The account is under attack, and has never signed in from this network.
    Suspect,
}

impl Priority {
    const ALL: [Self; 3] = [Self::Familiar, Self::Usual, Self::Suspect];
    const COUNT: usize = Self::ALL.len();

    fn index(self) -> usize {
        match self {
            Self::Familiar => 0,
            Self::Usual => 1,
            Self::Suspect => 2,
        }
    }
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
    /// Whose share of the pool it is.
    pub turn: Turn,
}

/// There was no room in the queue, no time before the deadline, or no memory for the hash: nothing is known about
/// the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hashing pool is busy")]
#[expect(clippy::exhaustive_structs, reason = "the engine's tests build it")]
pub struct Busy {
    /// When it is worth another try, by an estimate.
    pub retry_after: Duration,
}

impl Busy {
    /// When there is nothing better to say.
    fn shortly() -> Self {
        Self { retry_after: Duration::from_secs(1) }
    }
}

impl HashingPool {
    /// Starts the workers. New salts are drawn from `rng`; `stopwatch` says how long jobs wait and take.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(config: PoolConfig, rng: Arc<dyn Rng>, stopwatch: Arc<dyn Stopwatch>) -> io::Result<Self> {
        // A pool whose threads are only partly there is dropped, and so ends them.
        let mut pool = Self { queue: Arc::new(Queue::new(config, stopwatch)), workers: Vec::new() };
        for number in 0..config.workers.max(1) {
            let (queue, rng) = (Arc::clone(&pool.queue), Arc::clone(&rng));
            let work = move || work(&queue, rng.as_ref(), config.share_kib());
            pool.workers.push(Builder::new().name(format!("hashing-{number}")).spawn(work)?);
        }
        Ok(pool)
    }

    /// Judges a password: see [`password::verify`](crate::password::verify). Dropped before its turn, it is not
    /// judged at all.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(&self, verification: Verification) -> Result<Verdict, Busy> {
        self.run(|answer| Task::Verify(Box::new(verification), answer)).await
    }

    /// Makes a stored string: see [`password::hash`](crate::password::hash). Dropped before its turn, it is not
    /// made at all.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(
        &self,
        secret: Secret,
        rule: HashingRule,
        turn: impl Into<Turn>,
    ) -> Result<PasswordString, Busy> {
        let turn = turn.into();
        self.run(|answer| Task::Hash { secret, rule, turn, answer }).await
    }

    /// Puts an older hash under a new one: see [`password::wrap`](crate::password::wrap). Dropped before its turn,
    /// nothing is made.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn wrap(
        &self,
        old: OldHash,
        rule: HashingRule,
        turn: impl Into<Turn>,
    ) -> Result<PasswordString, Busy> {
        let turn = turn.into();
        self.run(|answer| Task::Wrap { old, rule, turn, answer }).await
    }

    /// How the pool has done so far, and how it stands.
    #[must_use]
    pub fn metrics(&self) -> PoolMetrics {
        self.queue.metrics()
    }

    async fn run<T>(&self, task: impl FnOnce(Answer<T>) -> Task) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(task(answer))?;
        // Without an answer the job panicked, or the pool is shutting down.
        answered.await.unwrap_or_else(|_| Err(Busy::shortly()))
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

fn work(queue: &Queue, rng: &dyn Rng, kept_kib: usize) {
    let mut memory = Memory::new();
    let mut is_wiped = true;
    loop {
        match queue.next(is_wiped) {
            Next::Tasks(tasks) => {
                is_wiped = false;
                let noted: Vec<_> = tasks.iter().map(|task| (task.scheme(), task.estimated_time())).collect();
                let began = queue.elapsed();
                let ended = catch_unwind(AssertUnwindSafe(|| task::run(tasks, rng, &mut memory)));
                queue.done(&noted, queue.elapsed().saturating_sub(began));
                // Jobs that panic have lost their answers, and what they left in memory.
                if ended.is_err() || memory.capacity_kib() > kept_kib {
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
