//! The hashing pool: threads that hash passwords, so that hashing doesn't block an async runtime.
//!
//! ```text
//! verify, hash, wrap ──▶ bounded queue ──▶ worker ──▶ reply
//!      │ full: Busy          │ overdue: Busy   │ one job, or several of equal parameters together
//!                            │ caller gone: dropped
//! ```
//!
//! * **Order.** Clients share the processor. The client that has used the least processor time is served next; a job
//!   counts by the time that it takes, so that one PBKDF2 record weighs as much as some dozens of current ones. See
//!   [`Priority`] for accounts under attack.
//! * **Bounds.** A full queue evicts a job of the client whose waiting jobs cost the most, so that a flood from one
//!   client delays that client. A job that has waited for [`PoolConfig::deadline`] is refused, whatever the workers are
//!   doing. A job whose caller has gone away is dropped before it is begun.
//! * **Batches.** While one job waits, a worker computes it alone, which is fastest for that job. When more wait, a
//!   worker computes up to [`PoolConfig::interleave`] Argon2id hashes of equal parameters together, which does more
//!   jobs per second.
//! * **Memory.** Each job is charged the memory that its parameters take. A worker keeps memory for current hashes, see
//!   [`PoolConfig::width`]. A hash that needs more, such as that of an imported record, borrows from a reserve, and waits
//!   while others have borrowed it; jobs that borrow nothing don't wait for it. What no reserve can hold is refused:
//!   [`HashingPool::check`]. Blocks from which a hash could be computed without the work are wiped after each job. The
//!   rest is wiped when borrowed memory is given back, when a worker has been idle for a while, and when the pool is
//!   dropped.
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use auth_core::{ClientKey, ManualClock, Password, SeededRng};
//! use auth_crypto::argon2::Params;
//! use auth_crypto::password::{HashingRule, NameContext, SecretInput, StoredPassword, Upgrade, Verdict};
//! use auth_crypto::pool::{HashingPool, PoolConfig, Verification};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = PoolConfig {
//!     workers: 2,
//!     queue: 1024,
//!     interleave: 3,
//!     memory_kib: 4096,
//!     reserve_kib: 102_400,
//!     deadline: Duration::from_secs(10),
//! };
//! // A server passes the system's random numbers and its own clock.
//! let pool = HashingPool::new(config, Arc::new(SeededRng::new(1)), Arc::new(ManualClock::default()))?;
//!
//! let client_key = ClientKey::of([192, 0, 2, 1].into());
//! let secret = SecretInput::Password(Password::new("abcd1234"));
//! let rule = HashingRule { params: Params::new(64, 2, 1)?, digest_ready: false };
//! let stored = pool.hash(secret.clone(), rule, client_key).await?;
//!
//! let verification = Verification {
//!     stored: Some(StoredPassword::parse(&stored)?),
//!     secret,
//!     rule,
//!     context: NameContext::default(),
//!     class: client_key.into(),
//! };
//! assert_eq!(pool.verify(verification).await?, Verdict::Match { upgrade: Upgrade::None });
//! # Ok(())
//! # }
//! ```

mod bounded_queue;
mod busy;
mod class;
mod config;
mod estimate;
mod fair_queue;
mod metrics;
mod over_budget;
mod reserve;
mod task;

pub use busy::Busy;
pub use class::{JobClass, Priority};
pub use config::PoolConfig;
pub use metrics::{PoolMetrics, PoolObserver};
pub use over_budget::OverBudget;
pub use task::Verification;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use auth_argon2::Memory;
use auth_core::{PasswordString, Rng, Stopwatch};

use crate::password::{HashingRule, OldHash, SecretInput, StoredPassword, Verdict};
use bounded_queue::{BoundedQueue, Next};
use reserve::Loan;
use task::{Reply, Task};

/// A pool of threads that hash passwords.
///
/// Dropping the pool finishes the jobs that workers have begun, refuses those that wait, and joins the threads.
pub struct HashingPool {
    queue: Arc<BoundedQueue>,
    /// The workers, and the thread that watches the deadlines.
    threads: Vec<JoinHandle<()>>,
}

impl HashingPool {
    /// Starts the threads. New salts are drawn from `rng`; `stopwatch` measures how long jobs wait and take.
    ///
    /// # Errors
    /// The system's error if a thread can't be started.
    pub fn new(config: PoolConfig, rng: Arc<dyn Rng>, stopwatch: Arc<dyn Stopwatch>) -> io::Result<Self> {
        // If a thread can't be started, dropping the pool ends those that were.
        let mut pool = Self { queue: Arc::new(BoundedQueue::new(config, stopwatch)), threads: Vec::new() };
        for number in 0..config.workers.max(1) {
            let (queue, rng) = (Arc::clone(&pool.queue), Arc::clone(&rng));
            let work = move || work(&queue, rng.as_ref());
            pool.threads.push(Builder::new().name(format!("hashing-{number}")).spawn(work)?);
        }
        let queue = Arc::clone(&pool.queue);
        let watch = move || queue.watch_deadlines();
        pool.threads.push(Builder::new().name("hashing-watch".to_owned()).spawn(watch)?);
        Ok(pool)
    }

    /// Checks that the pool has the memory to verify against a stored password. Without it, a verification is refused
    /// as [`Busy`] each time.
    ///
    /// # Errors
    /// [`OverBudget`] with the memory that the hash takes, and the most that one may take.
    pub fn check(&self, stored: &StoredPassword) -> Result<(), OverBudget> {
        let (memory_kib, largest_kib) = (stored.memory_kib(), self.config().largest_kib());
        if memory_kib > largest_kib { Err(OverBudget { memory_kib, largest_kib }) } else { Ok(()) }
    }

    /// Verifies a secret, as [`password::verify_secret`](crate::password::verify_secret) does.
    ///
    /// If the future is dropped before a worker has begun the job, nothing is hashed.
    ///
    /// # Errors
    /// [`Busy`]: nothing is known about the secret.
    pub async fn verify(&self, verification: Verification) -> Result<Verdict, Busy> {
        self.submit(|reply| Task::Verify(Box::new(verification), reply)).await
    }

    /// Makes a stored string, as [`password::hash_secret`](crate::password::hash_secret) does.
    ///
    /// If the future is dropped before a worker has begun the job, nothing is hashed.
    ///
    /// # Errors
    /// [`Busy`]: nothing was made.
    pub async fn hash(
        &self,
        secret: SecretInput,
        rule: HashingRule,
        class: impl Into<JobClass>,
    ) -> Result<PasswordString, Busy> {
        let class = class.into();
        self.submit(|reply| Task::Hash { secret, rule, class, reply }).await
    }

    /// Wraps an older hash in a new one, as [`password::wrap`](crate::password::wrap) does.
    ///
    /// If the future is dropped before a worker has begun the job, nothing is hashed.
    ///
    /// # Errors
    /// [`Busy`]: nothing was made.
    pub async fn wrap(
        &self,
        old: OldHash,
        rule: HashingRule,
        class: impl Into<JobClass>,
    ) -> Result<PasswordString, Busy> {
        let class = class.into();
        self.submit(|reply| Task::Wrap { old, rule, class, reply }).await
    }

    /// Returns the size of the pool.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        self.queue.config()
    }

    /// Returns the pool's figures.
    #[must_use]
    pub fn metrics(&self) -> PoolMetrics {
        self.queue.metrics()
    }

    /// Has an observer told of the times of jobs from now on. A pool has one observer: further ones are told nothing.
    pub fn observe(&self, observer: Arc<dyn PoolObserver>) {
        self.queue.observe(observer);
    }

    async fn submit<T>(&self, task: impl FnOnce(Reply<T>) -> Task) -> Result<T, Busy> {
        let (reply, replied) = Reply::channel();
        let since = self.queue.elapsed();
        self.queue.push(task(reply))?;
        // Without a reply, the job panicked or the pool is shutting down.
        let (result, waited) = replied.await.unwrap_or_else(|_| (Err(Busy::shortly()), None));
        if let Some(observer) = self.queue.observer() {
            let all = self.queue.elapsed().saturating_sub(since);
            observer.answered(waited.map_or(all, |waited| waited.min(all)), all);
        }
        result
    }
}

impl Drop for HashingPool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has ended already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool").field("config", self.config()).finish_non_exhaustive()
    }
}

/// A worker's loop.
fn work(queue: &BoundedQueue, rng: &dyn Rng) {
    // Kept from one batch to the next.
    let mut own = Memory::new();
    let mut is_wiped = true;
    loop {
        match queue.next(is_wiped) {
            Next::Tasks(tasks, mut loan) => {
                is_wiped &= loan.is_some();
                let memory = loan.as_mut().map_or(&mut own, Loan::memory);
                let batch: Vec<_> = tasks.iter().map(|task| (task.scheme(), task.estimated_time())).collect();
                let started = queue.elapsed();
                let ended = catch_unwind(AssertUnwindSafe(|| task::run(tasks, rng, memory)));
                queue.record(&batch, queue.elapsed().saturating_sub(started));
                // A batch that panics drops its replies, and leaves secrets in the memory.
                if ended.is_err() {
                    memory.release();
                }
                if let Some(mut loan) = loan {
                    loan.memory().wipe();
                    queue.give_back(loan);
                }
            }
            Next::Idle => {
                own.wipe();
                is_wiped = true;
            }
            Next::Closed => return,
        }
    }
}

#[cfg(test)]
mod tests;
