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
//! * **Batches.** A worker computes one job at a time, which is fastest for that job, until [`HashingPool::fit_width`] has
//!   found that Argon2id hashes of equal parameters together do more jobs per second on the machine at hand. Then it
//!   computes so many together when more than one waits, [`PoolConfig::interleave`] at most.
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
mod trial;

pub use busy::Busy;
pub use class::{JobClass, Priority};
pub use config::PoolConfig;
pub use metrics::{PoolMetrics, PoolObserver};
pub use over_budget::OverBudget;
pub use task::Verification;

use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use auth_argon2::{Memory, Params};
use auth_core::{PasswordString, Rng, Stopwatch};

use crate::password::{HashingRule, OldHash, SecretInput, StoredPassword, Verdict};
use bounded_queue::{BoundedQueue, Next};
use reserve::Loan;
use task::{Answer, Reply, Task};
use trial::Trial;

/// The gain in hashes per second from which a worker computes several together. A job that arrives during a batch waits for
/// the whole batch, and a smaller gain is not worth that wait.
const MORE_WIDTH: f64 = 1.1;

/// How much more half of the workers have to do than all of them, who serve a few logins at a time better.
const FEWER_WORKERS: f64 = 1.05;

/// A pool of threads that hash passwords.
///
/// Dropping the pool finishes the jobs that workers have begun, refuses those that wait, and joins the threads.
pub struct HashingPool {
    queue: Arc<BoundedQueue>,
    /// The workers, and the thread that watches the deadlines.
    threads: Vec<JoinHandle<()>>,
    /// Held during trials: there is one round at a time.
    trials: Mutex<()>,
}

impl HashingPool {
    /// Starts the threads. New salts are drawn from `rng`; `stopwatch` measures how long jobs wait and take.
    ///
    /// # Errors
    /// The system's error if a thread can't be started.
    pub fn new(config: PoolConfig, rng: Arc<dyn Rng>, stopwatch: Arc<dyn Stopwatch>) -> io::Result<Self> {
        // If a thread can't be started, dropping the pool ends those that were.
        let mut pool = Self {
            queue: Arc::new(BoundedQueue::new(config, stopwatch)),
            threads: Vec::new(),
            trials: Mutex::default(),
        };
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

    /// Finds how many hashes with these parameters a worker computes together to get most done while all workers are at
    /// work, and computes as many from now on: at most [`PoolConfig::interleave`], and one unless more do a tenth more, since
    /// a job that arrives waits until those before it are done.
    ///
    /// It computes some thirty hashes on each worker and waits for them, so call it from a thread of its own. Jobs go
    /// first. Returns `false`, and changes nothing, when jobs left no quiet moment for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use auth_core::{SystemRng, SystemStopwatch};
    /// use auth_crypto::argon2::Params;
    /// use auth_crypto::pool::{HashingPool, PoolConfig};
    ///
    /// let params = Params::new(64, 2, 1)?;
    /// let config = PoolConfig::new(2, PoolConfig::INTERLEAVE, params);
    /// let pool = HashingPool::new(config, Arc::new(SystemRng), Arc::new(SystemStopwatch::start()))?;
    /// assert!(pool.fit_width(params));
    /// assert!((1..=PoolConfig::INTERLEAVE).contains(&pool.metrics().width));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit_width(&self, params: Params) -> bool {
        let workers = self.metrics().workers;
        let widths: Vec<_> =
            (1..=self.config().width(params)).map(|width| (Trial { params, width }, workers)).collect();
        let Some(best) = self.best(&widths, MORE_WIDTH) else { return false };
        self.queue.set_size(|size| size.width = best + 1);
        true
    }

    /// Finds whether half of the workers get as much done as all, as they may where two share a core or all wait for the same
    /// memory, and has so many compute from now on: all unless half do clearly more.
    ///
    /// The same holds as for [`fit_width`](Self::fit_width), whose result it uses: call it after that.
    pub fn fit_workers(&self, params: Params) -> bool {
        let (all, width) = (self.config().workers.max(1), self.metrics().width);
        let trial = Trial { params, width: self.config().width(params).min(width) };
        let Some(best) = self.best(&[(trial, all), (trial, all.div_ceil(2))], FEWER_WORKERS) else {
            return false;
        };
        self.queue.set_size(|size| size.workers = if best == 0 { all } else { all.div_ceil(2) });
        true
    }

    /// The candidate that gets most done: the first, unless another does more than it by this factor. `None` when jobs left no
    /// quiet moment.
    fn best(&self, candidates: &[(Trial, usize)], factor: f64) -> Option<usize> {
        if candidates.len() < 2 {
            return Some(0);
        }
        let _alone = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spoiled = 0;
        let mut round = |(trial, workers): (Trial, usize)| loop {
            if let Some(rate) = self.queue.round(trial, workers) {
                return Some(rate);
            }
            spoiled += 1;
            if spoiled > trial::SPOILED {
                return None;
            }
        };
        // The first round takes memory from the system, and doesn't count.
        round(*candidates.last()?)?;
        let rounds =
            (0..trial::ROUNDS).map(|_| candidates.iter().map(|candidate| round(*candidate)).collect());
        let rounds: Option<Vec<Vec<f64>>> = rounds.collect();
        Some(trial::choose(&rounds?, factor))
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
    // Whether nothing but trials has used it.
    let mut only_trials = false;
    loop {
        match queue.next(is_wiped) {
            Next::Tasks(tasks, mut loan) => {
                is_wiped &= loan.is_some();
                only_trials &= loan.is_some();
                let memory = loan.as_mut().map_or(&mut own, Loan::memory);
                let batch: Vec<_> = tasks.iter().map(|task| (task.scheme(), task.estimated_time())).collect();
                let started = queue.elapsed();
                let ended = catch_unwind(AssertUnwindSafe(|| task::run(tasks, rng, memory)));
                // Before the callers know: what they ask for next finds the worker free.
                queue.record(&batch, queue.elapsed().saturating_sub(started));
                match ended {
                    Ok(answers) => answers.into_iter().for_each(Answer::send),
                    // A batch that panics drops its replies, and leaves secrets in the memory.
                    Err(_) => memory.release(),
                }
                if let Some(mut loan) = loan {
                    loan.memory().wipe();
                    queue.give_back(loan);
                }
            }
            Next::Trial(trial) => {
                only_trials |= own.capacity_kib() == 0;
                is_wiped = false;
                let started = queue.elapsed();
                let ran = trial.run(&mut own);
                // What there is no memory for gets nothing done.
                queue.tried(if ran.is_ok() {
                    queue.elapsed().saturating_sub(started)
                } else {
                    Duration::MAX
                });
            }
            Next::Idle => {
                // A server that nobody has called yet takes no memory for it.
                if mem::take(&mut only_trials) {
                    own.release();
                } else {
                    own.wipe();
                }
                is_wiped = true;
            }
            Next::Closed => return,
        }
    }
}

#[cfg(test)]
mod tests;
