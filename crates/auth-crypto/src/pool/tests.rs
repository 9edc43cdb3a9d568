use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auth_argon2::Params;
use auth_core::{ClientKey, ManualClock, Password, SeededRng, Timestamp};
use proptest::prelude::{any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::fair_queue::{FairQueue, Job};
use super::reserve::Reserve;
use super::*;
use crate::password::{NameContext, StoredPassword, Upgrade};

mod trials;

const RULE: HashingRule = rule(64);

const fn rule(memory_kib: u32) -> HashingRule {
    let Ok(params) = Params::new(memory_kib, 1, 1) else { panic!() };
    HashingRule { params, digest_ready: false }
}

fn config(workers: usize, queue: usize) -> PoolConfig {
    PoolConfig {
        workers,
        queue,
        interleave: 3,
        memory_kib: 1 << 10,
        reserve_kib: 1 << 12,
        deadline: Duration::from_secs(10),
    }
}

/// A pool whose clock stands still, and that computes as many jobs together as it may.
fn pool(config: PoolConfig, rng: Arc<dyn Rng>) -> HashingPool {
    let pool = HashingPool::new(config, rng, Arc::new(ManualClock::default())).unwrap();
    pool.queue.set_size(|size| size.width = config.interleave);
    pool
}

/// Counts what the pool tells.
#[derive(Default)]
struct Told {
    waited: AtomicUsize,
    hashed: AtomicUsize,
    answered: AtomicUsize,
}

impl PoolObserver for Told {
    fn waited(&self, _: Duration) {
        self.waited.fetch_add(1, Ordering::SeqCst);
    }

    fn hashed(&self, scheme: &'static str, _: Duration) {
        assert_eq!(scheme, "argon2");
        self.hashed.fetch_add(1, Ordering::SeqCst);
    }

    fn answered(&self, waited: Duration, all: Duration) {
        assert!(waited <= all, "{waited:?} {all:?}");
        self.answered.fetch_add(1, Ordering::SeqCst);
    }
}

fn secret() -> SecretInput {
    SecretInput::Password(Password::new("abcd1234"))
}

fn verification(stored: Option<StoredPassword>) -> Verification {
    Verification {
        stored,
        secret: secret(),
        rule: RULE,
        context: NameContext::default(),
        class: JobClass::default(),
    }
}

fn client(last: u8) -> ClientKey {
    ClientKey::of([192, 0, 2, last].into())
}

/// How long a blocked hash waits to be released: a test that goes wrong fails, and doesn't hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Random numbers that block every hash at its salt, until a message releases it.
struct BlockingRng {
    blocked: mpsc::Sender<()>,
    released: Mutex<mpsc::Receiver<()>>,
    salts: AtomicUsize,
}

impl BlockingRng {
    fn new() -> (Arc<Self>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (blocked, is_blocked) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let rng = Self { blocked, released: Mutex::new(released), salts: AtomicUsize::new(0) };
        (Arc::new(rng), is_blocked, release)
    }
}

impl Rng for BlockingRng {
    fn fill(&self, out: &mut [u8]) {
        self.salts.fetch_add(1, Ordering::SeqCst);
        out.fill(7);
        let _ = self.blocked.send(());
        let _ = self.released.lock().unwrap().recv_timeout(PATIENCE);
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn verdicts_and_hashes_are_returned() {
    let pool = pool(config(2, 8), Arc::new(SeededRng::new(1)));
    let made = pool.hash(secret(), RULE, ClientKey::default()).await.unwrap();
    let stored = StoredPassword::parse(&made).unwrap();
    let verdict = pool.verify(verification(Some(stored))).await;
    assert_eq!(verdict, Ok(Verdict::Match { upgrade: Upgrade::None }));
    assert_eq!(pool.verify(verification(None)).await, Ok(Verdict::NoMatch));
}

#[test]
fn a_full_queue_refuses_at_once() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(1, 1), Arc::clone(&rng) as _);
    let mut running = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let mut waiting = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(waiting.as_mut()).is_pending());
    let refused = poll(pin!(pool.hash(secret(), RULE, ClientKey::default())));
    assert!(matches!(refused, Poll::Ready(Err(Busy { retry_after })) if retry_after > Duration::ZERO));
    drop(release);
}

#[test]
fn abandoned_jobs_are_not_hashed_and_leave_the_queue() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(1, 1), Arc::clone(&rng) as _);
    let mut running = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    {
        let mut gone = pin!(pool.hash(secret(), RULE, ClientKey::default()));
        assert!(poll(gone.as_mut()).is_pending());
    }
    let mut last = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(last.as_mut()).is_pending(), "the abandoned job has left the queue");
    release.send(()).unwrap();
    is_blocked.recv().unwrap();
    drop(release);
    drop(pool_runtime().block_on(last));
    assert_eq!(rng.salts.load(Ordering::SeqCst), 2);
}

#[test]
fn a_full_queue_evicts_a_job_of_a_flood_for_another_client() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(1, 2), Arc::clone(&rng) as _);
    let mut running = pin!(pool.hash(secret(), RULE, client(1)));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let mut first = pin!(pool.hash(secret(), RULE, client(1)));
    let mut second = pin!(pool.hash(secret(), RULE, client(1)));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    let mut honest = pin!(pool.hash(secret(), RULE, client(2)));
    assert!(poll(honest.as_mut()).is_pending(), "another client is queued");
    assert!(poll(second.as_mut()).is_ready(), "the flood's last job is evicted");
    assert!(poll(pin!(pool.hash(secret(), RULE, client(1)))).is_ready(), "and its next one is refused");
    drop(release);
    assert!(pool_runtime().block_on(honest).is_ok());
    assert!(pool_runtime().block_on(first).is_ok());
}

#[tokio::test]
async fn a_panic_is_busy_to_its_caller_and_does_not_affect_the_next() {
    struct PanicsOnce(AtomicUsize);
    impl Rng for PanicsOnce {
        fn fill(&self, out: &mut [u8]) {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "this test makes the first salt panic");
            out.fill(7);
        }
    }
    let pool = pool(config(1, 8), Arc::new(PanicsOnce(AtomicUsize::new(0))));
    assert!(pool.hash(secret(), RULE, ClientKey::default()).await.is_err());
    assert!(pool.hash(secret(), RULE, ClientKey::default()).await.is_ok());
}

#[test]
fn shutdown_finishes_running_jobs_and_refuses_waiting_ones() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = Arc::new(pool(config(1, 8), Arc::clone(&rng) as _));
    let call = |pool: Arc<HashingPool>| {
        Box::pin(async move {
            let queue = Arc::clone(&pool.queue);
            drop(pool);
            let (reply, received) = Reply::channel();
            queue.push(Task::Hash { secret: secret(), rule: RULE, class: JobClass::default(), reply })?;
            received.await.map_or_else(|_| Err(Busy::shortly()), |(result, _)| result)
        })
    };
    let mut running = call(Arc::clone(&pool));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let mut waiting = call(Arc::clone(&pool));
    assert!(poll(waiting.as_mut()).is_pending());

    let shutdown = std::thread::spawn(move || drop(pool));
    assert!(pool_runtime().block_on(waiting).is_err());
    release.send(()).unwrap();
    shutdown.join().unwrap();
    assert!(matches!(poll(running.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!(rng.salts.load(Ordering::SeqCst), 1);
}

#[test]
fn many_jobs_on_several_workers_all_end() {
    let pool = Arc::new(pool(config(3, 1000), Arc::new(SeededRng::new(1))));
    pool_runtime().block_on(async {
        let jobs: Vec<_> = (0..200_u8)
            .map(|number| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.hash(secret(), RULE, client(number % 7)).await.is_ok() })
            })
            .collect();
        for job in jobs {
            assert!(job.await.unwrap());
        }
    });
}

#[test]
fn waiting_jobs_are_computed_together_and_each_gets_its_own_verdict() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(1, 100), Arc::clone(&rng) as _);
    let told = Arc::new(Told::default());
    pool.observe(Arc::clone(&told) as _);
    let other = || SecretInput::Password(Password::new("another"));
    let stored = |secret| {
        let mut memory = Memory::new();
        let made = crate::password::hash_secret(&secret, &RULE, &SeededRng::new(1), &mut memory).unwrap();
        StoredPassword::parse(&made).unwrap()
    };
    let mut running = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let right = verification(Some(stored(secret())));
    let wrong = verification(Some(stored(other())));
    let unknown = verification(None);
    let mut waiting = [right, wrong, unknown].map(|job| Box::pin(pool.verify(job)));
    for job in &mut waiting {
        assert!(poll(job.as_mut()).is_pending());
    }
    assert_eq!(pool.metrics().waiting, 3);
    release.send(()).unwrap();
    let runtime = pool_runtime();
    assert!(runtime.block_on(running).is_ok());
    let verdicts = waiting.map(|job| runtime.block_on(job).unwrap());
    assert_eq!(verdicts, [Verdict::Match { upgrade: Upgrade::None }, Verdict::NoMatch, Verdict::NoMatch]);
    let metrics = pool.metrics();
    assert_eq!((metrics.batch_sizes.as_slice(), metrics.begun), ([1, 0, 1].as_slice(), 4));
    let told = [&told.waited, &told.hashed, &told.answered].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(told, [4; 3]);
}

#[test]
fn the_memory_budget_limits_the_width_to_no_less_than_one() {
    let config = PoolConfig { memory_kib: 2 * 200, ..config(2, 1) };
    for (memory_kib, width) in [(8, 3), (64, 3), (100, 2), (101, 1), (200, 1), (1 << 20, 1)] {
        assert_eq!(config.width(Params::new(memory_kib, 1, 1).unwrap()), width, "{memory_kib} KiB");
    }
    assert_eq!(PoolConfig { workers: 0, interleave: 0, ..config }.width(RULE.params), 1);
}

#[test]
fn overdue_jobs_are_refused() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1)));
    let pool = HashingPool::new(config(1, 100), Arc::clone(&rng) as _, Arc::clone(&clock) as _).unwrap();
    let mut running = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let mut late = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(late.as_mut()).is_pending());
    clock.advance(Duration::from_secs(11));
    let mut in_time = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(in_time.as_mut()).is_pending());
    drop(release);
    let runtime = pool_runtime();
    assert!(runtime.block_on(late).is_err());
    assert!(runtime.block_on(in_time).is_ok());
    assert_eq!(pool.metrics().late, 1);
}

/// Jobs are refused at their deadline while every worker is at work, or while the memory for them is lent.
#[test]
fn jobs_behind_a_running_one_are_refused_at_their_deadline() {
    for (workers, memory_kib) in [(1, 64), (2, 3000)] {
        let (rng, is_blocked, release) = BlockingRng::new();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1)));
        let config = PoolConfig { deadline: Duration::from_millis(20), ..config(workers, 100) };
        let pool = HashingPool::new(config, Arc::clone(&rng) as _, Arc::clone(&clock) as _).unwrap();
        let hash = || Box::pin(pool.hash(secret(), rule(memory_kib), ClientKey::default()));
        let mut running = hash();
        assert!(poll(running.as_mut()).is_pending());
        is_blocked.recv().unwrap();
        let mut late = hash();
        assert!(poll(late.as_mut()).is_pending());
        clock.advance(Duration::from_millis(21));
        assert!(pool_runtime().block_on(late).is_err(), "{memory_kib} KiB");
        assert!(poll(running.as_mut()).is_pending());
        assert_eq!(pool.metrics().late, 1);
        drop(release);
        assert!(pool_runtime().block_on(running).is_ok());
        assert_eq!(rng.salts.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn two_hashes_that_exceed_the_budget_together_never_run_at_once_and_smaller_ones_pass() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(2, 100), Arc::clone(&rng) as _);
    // The budget holds each of them, and both by one KiB too little.
    let hash = |memory_kib| Box::pin(pool.hash(secret(), rule(memory_kib), ClientKey::default()));
    let (mut first, mut second) = (hash(2048), hash(2049));
    assert!(poll(first.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    assert!(poll(second.as_mut()).is_pending());
    let runtime = pool_runtime();
    // The second worker looks for a job each time, and finds the second hash.
    for _ in 0..10 {
        assert_eq!(runtime.block_on(pool.verify(verification(None))), Ok(Verdict::NoMatch));
    }
    assert_eq!((pool.metrics().waiting, rng.salts.load(Ordering::SeqCst)), (1, 1));
    release.send(()).unwrap();
    is_blocked.recv().unwrap();
    drop(release);
    assert!(runtime.block_on(first).is_ok());
    assert!(runtime.block_on(second).is_ok());
}

/// Its memory is held back: current hashes can't take it, however many there are.
#[test]
fn an_older_record_beyond_a_workers_memory_begins_at_once_while_current_hashes_have_all_of_theirs() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(2, 100), Arc::clone(&rng) as _);
    let all_of_a_workers = rule(512);
    assert_eq!((pool.config().width(all_of_a_workers.params), pool.config().borrowed_kib(512)), (1, 0));
    let mut current = pin!(pool.hash(secret(), all_of_a_workers, ClientKey::default()));
    assert!(poll(current.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let older = "$argon2id$v=19$m=4096,t=1,p=1$c2FsdHNhbHQ$MPTvGDNGjMn2Hstqn5I9GA";
    let older = StoredPassword::parse(&PasswordString::new(older)).unwrap();
    let verdict = pool_runtime().block_on(pool.verify(verification(Some(older))));
    assert_eq!(verdict, Ok(Verdict::NoMatch));
    assert!(poll(current.as_mut()).is_pending(), "the other worker was at work all the time");
    drop(release);
    assert!(pool_runtime().block_on(current).is_ok());
}

#[tokio::test]
async fn a_record_beyond_the_budget_is_told_and_never_waits() {
    let pool = pool(config(1, 100), Arc::new(SeededRng::new(1)));
    let stored = |text: String| StoredPassword::parse(&PasswordString::new(text)).unwrap();
    let argon2 =
        |memory_kib: u32| format!("$argon2id$v=19$m={memory_kib},t=1,p=1$c2FsdHNhbHQ$MPTvGDNGjMn2Hstqn5I9GA");
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu".to_owned();
    let wrapped = |inner: u32, outer: u32| {
        format!("wrapped:{}{}:{}", &argon2(inner)[..argon2(inner).len() - 22], "A".repeat(22), argon2(outer))
    };
    for (text, memory_kib) in [
        (bcrypt, 0),
        (argon2(64), 64),
        (argon2(4096), 4096),
        (argon2(4097), 4097),
        (argon2(4097).replace("argon2id", "argon2i").replace("v=19", "v=16"), 4097),
        (format!("sha256-hex:{}", argon2(4097)), 4097),
        (wrapped(64, 4096), 4096),
        (wrapped(4096, 64), 4096),
        (wrapped(4097, 64), 4097),
        (wrapped(64, 4097), 4097),
    ] {
        let stored = stored(text.clone());
        let fits = memory_kib <= 4096;
        let error = OverBudget { memory_kib, largest_kib: 4096 };
        assert_eq!(stored.memory_kib(), memory_kib, "{text}");
        assert_eq!(pool.check(&stored), if fits { Ok(()) } else { Err(error) }, "{text}");
        assert_eq!(pool.verify(verification(Some(stored))).await.is_ok(), fits, "{text}");
    }
    let said = OverBudget { memory_kib: 1 << 20, largest_kib: 128 << 10 }.to_string();
    assert_eq!(said, "a hash with m=1048576 takes 1024 MiB of memory, and the most for one is 128 MiB");
}

proptest! {
    /// Whatever arrives and ends in whatever order, what is borrowed stays within the reserve; a worker is idle only
    /// while the rest waits for memory; and every job is served once.
    #[test]
    fn the_sum_of_charged_memory_never_exceeds_the_budget(
        steps in prop::collection::vec((0_u8..3, 0_usize..=300, 0_u8..4, any::<prop::sample::Index>()), 1..120),
    ) {
        const WORKERS: usize = 3;
        const RESERVE: usize = 300;
        let mut jobs = FairQueue::new();
        let mut reserve = Reserve::new(RESERVE);
        let mut running = Vec::new();
        let (mut arrived, mut ended) = (0, 0);
        let end = steps.len() + 1;
        let drain = std::iter::repeat_n((1, 0, 0, None), 2 * end);
        let steps = steps.into_iter().map(|(step, kib, last, which)| (step, kib, last, Some(which)));
        for (step, kib, last, which) in steps.chain(drain) {
            if step == 0 {
                // Each third job borrows nothing.
                let borrows_kib = if kib % 3 == 0 { 0 } else { kib };
                let (class, cost) = (client(last).into(), Duration::from_millis(1 + kib as u64));
                let job = Job { payload: arrived, class, cost, params: None, borrows_kib, since: Duration::ZERO };
                jobs.push(job, 100);
                arrived += 1;
            } else if !running.is_empty() {
                let (_, loan) = running.swap_remove(which.map_or(0, |which| which.index(running.len())));
                if let Some(loan) = loan {
                    reserve.give_back(loan);
                }
                ended += 1;
            }
            while running.len() < WORKERS {
                let Some(job) = jobs.pop_batch(|_| 1, |kib| reserve.has_room(kib)).pop() else { break };
                let loan = (job.borrows_kib > 0).then(|| reserve.lend(job.borrows_kib));
                running.push((job.borrows_kib, loan));
            }
            let charged: usize = running.iter().map(|(kib, _)| kib).sum();
            prop_assert!(charged <= RESERVE, "{} KiB", charged);
            prop_assert!(running.len() == WORKERS || jobs.len() == 0 || charged > 0);
        }
        prop_assert_eq!((jobs.len(), running.len(), ended), (0, 0, arrived));
    }
}

#[test]
fn other_schemes_and_older_versions_are_computed_alone() {
    let task = |stored: &str| {
        let stored = StoredPassword::parse(&PasswordString::new(stored)).unwrap();
        Task::Verify(Box::new(verification(Some(stored))), Reply::channel().0)
    };
    let tail = "m=64,t=1,p=1$c2FsdHNhbHQ$MPTvGDNGjMn2Hstqn5I9GA";
    for (stored, params) in [
        (format!("$argon2id$v=19${tail}"), Some(RULE.params)),
        (format!("argon2$argon2id$v=19${tail}"), Some(RULE.params)),
        (format!("sha256-hex:$argon2id$v=19${tail}"), Some(RULE.params)),
        (format!("$argon2id$v=16${tail}"), None),
        (format!("$argon2i$v=19${tail}"), None),
        ("$2b$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu".to_owned(), None),
    ] {
        assert_eq!(task(&stored).params(), params, "{stored}");
    }
}

/// A refusal must cost far less than a login, however long the queue is. Measured on the test build.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn a_refusal_by_a_long_queue_takes_less_than_a_millisecond() {
    const LENGTH: usize = 1024;
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(1, LENGTH), Arc::clone(&rng) as _);
    let hash = |number: usize| {
        let [.., high, low] = number.to_be_bytes();
        Box::pin(pool.hash(secret(), RULE, ClientKey::of([10, 0, high, low].into())))
    };
    let mut running = hash(0);
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    let mut waiting: Vec<_> = (0..LENGTH).map(hash).collect();
    assert!(waiting.iter_mut().all(|job| poll(job.as_mut()).is_pending()));
    let mut times: Vec<Duration> = (0..101)
        .map(|number| {
            let began = std::time::Instant::now();
            assert!(poll(hash(5000 + number).as_mut()).is_ready());
            began.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[50] < Duration::from_millis(1), "{:?}", times[50]);
    assert_eq!(pool.metrics().refused, 101);
    drop(release);
}

fn pool_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}
