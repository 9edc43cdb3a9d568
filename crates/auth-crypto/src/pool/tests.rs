use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use auth_argon2::Params;
use auth_core::{Password, SeededRng};

use super::*;
use crate::password::Upgrade;

const RULE: HashingRule = HashingRule {
    params: match Params::new(64, 1, 1) {
        Ok(params) => params,
        Err(_) => panic!(),
    },
    digest_ready: false,
};

fn config(workers: usize, queue: usize) -> PoolConfig {
    PoolConfig { workers, queue, max_kept_memory_kib: 64 }
}

fn secret() -> Secret {
    Secret::Password(Password::new("abcd1234"))
}

fn verification(stored: Option<StoredPassword>) -> Verification {
    Verification {
        stored,
        secret: secret(),
        rule: RULE,
        context: NameContext::default(),
        network: Network::default(),
    }
}

fn network(last: u8) -> Network {
    Network::of([192, 0, 2, last].into())
}

/// Stops every hash at its salt until it is told to go on.
struct Gate {
    entered: mpsc::Sender<()>,
    go_on: Mutex<mpsc::Receiver<()>>,
    salts: AtomicUsize,
}

impl Gate {
    fn new() -> (Arc<Self>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (entered, has_entered) = mpsc::channel();
        let (open, go_on) = mpsc::channel();
        (Arc::new(Self { entered, go_on: Mutex::new(go_on), salts: AtomicUsize::new(0) }), has_entered, open)
    }
}

impl Rng for Gate {
    fn fill(&self, out: &mut [u8]) {
        self.salts.fetch_add(1, Ordering::SeqCst);
        out.fill(7);
        let _ = self.entered.send(());
        let _ = self.go_on.lock().unwrap().recv();
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn verdicts_and_hashes_come_back() {
    let pool = HashingPool::new(config(2, 8), Arc::new(SeededRng::new(1))).unwrap();
    let made = pool.hash(secret(), RULE, Network::default()).await.unwrap();
    let stored = StoredPassword::parse(&made).unwrap();
    let verdict = pool.verify(verification(Some(stored))).await;
    assert_eq!(verdict, Ok(Verdict::Match { upgrade: Upgrade::None }));
    assert_eq!(pool.verify(verification(None)).await, Ok(Verdict::NoMatch));
}

#[test]
fn a_full_queue_refuses_at_once() {
    let (gate, entered, open) = Gate::new();
    let pool = HashingPool::new(config(1, 1), Arc::clone(&gate) as _).unwrap();
    let mut running = pin!(pool.hash(secret(), RULE, Network::default()));
    assert!(poll(running.as_mut()).is_pending());
    entered.recv().unwrap();
    let mut waiting = pin!(pool.hash(secret(), RULE, Network::default()));
    assert!(poll(waiting.as_mut()).is_pending());
    let refused = poll(pin!(pool.hash(secret(), RULE, Network::default())));
    assert!(matches!(refused, Poll::Ready(Err(Busy { retry_after })) if retry_after > Duration::ZERO));
    drop(open);
}

#[test]
fn what_nobody_waits_for_is_not_hashed_and_takes_no_place() {
    let (gate, entered, open) = Gate::new();
    let pool = HashingPool::new(config(1, 1), Arc::clone(&gate) as _).unwrap();
    let mut running = pin!(pool.hash(secret(), RULE, Network::default()));
    assert!(poll(running.as_mut()).is_pending());
    entered.recv().unwrap();
    {
        let mut gone = pin!(pool.hash(secret(), RULE, Network::default()));
        assert!(poll(gone.as_mut()).is_pending());
    }
    let mut last = pin!(pool.hash(secret(), RULE, Network::default()));
    assert!(poll(last.as_mut()).is_pending(), "the place of the one that has gone is free");
    open.send(()).unwrap();
    entered.recv().unwrap();
    drop(open);
    drop(pool_runtime().block_on(last));
    assert_eq!(gate.salts.load(Ordering::SeqCst), 2);
}

#[test]
fn a_flood_from_one_network_gives_way_to_another() {
    let (gate, entered, open) = Gate::new();
    let pool = HashingPool::new(config(1, 2), Arc::clone(&gate) as _).unwrap();
    let mut running = pin!(pool.hash(secret(), RULE, network(1)));
    assert!(poll(running.as_mut()).is_pending());
    entered.recv().unwrap();
    let mut first = pin!(pool.hash(secret(), RULE, network(1)));
    let mut second = pin!(pool.hash(secret(), RULE, network(1)));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    let mut honest = pin!(pool.hash(secret(), RULE, network(2)));
    assert!(poll(honest.as_mut()).is_pending(), "another network finds room");
    assert!(poll(second.as_mut()).is_ready(), "the flood's last job gives way");
    assert!(poll(pin!(pool.hash(secret(), RULE, network(1)))).is_ready(), "and its next one is refused");
    drop(open);
    assert!(pool_runtime().block_on(honest).is_ok());
    assert!(pool_runtime().block_on(first).is_ok());
}

#[tokio::test]
async fn a_panic_is_busy_to_its_caller_and_nothing_to_the_next() {
    struct PanicsOnce(AtomicUsize);
    impl Rng for PanicsOnce {
        fn fill(&self, out: &mut [u8]) {
            assert!(
                self.0.fetch_add(1, Ordering::SeqCst) > 0,
                "the first salt panics, as this test wants it"
            );
            out.fill(7);
        }
    }
    let pool = HashingPool::new(config(1, 8), Arc::new(PanicsOnce(AtomicUsize::new(0)))).unwrap();
    assert!(pool.hash(secret(), RULE, Network::default()).await.is_err());
    assert!(pool.hash(secret(), RULE, Network::default()).await.is_ok());
}

#[test]
fn shutdown_finishes_what_runs_and_refuses_what_waits() {
    let (gate, entered, open) = Gate::new();
    let pool = Arc::new(HashingPool::new(config(1, 8), Arc::clone(&gate) as _).unwrap());
    let call = |pool: Arc<HashingPool>| {
        Box::pin(async move {
            let queue = Arc::clone(&pool.queue);
            drop(pool);
            let (answer, answered) = oneshot::channel();
            queue.push(Task::Hash { secret: secret(), rule: RULE, network: Network::default(), answer })?;
            answered.await.map_err(|_| Busy { retry_after: SHORTLY })
        })
    };
    let mut running = call(Arc::clone(&pool));
    assert!(poll(running.as_mut()).is_pending());
    entered.recv().unwrap();
    let mut waiting = call(Arc::clone(&pool));
    assert!(poll(waiting.as_mut()).is_pending());

    let shutdown = std::thread::spawn(move || drop(pool));
    assert!(pool_runtime().block_on(waiting).is_err());
    open.send(()).unwrap();
    shutdown.join().unwrap();
    assert!(matches!(poll(running.as_mut()), Poll::Ready(Ok(Ok(_)))));
    assert_eq!(gate.salts.load(Ordering::SeqCst), 1);
}

#[test]
fn many_jobs_on_several_workers_all_end() {
    let pool = Arc::new(HashingPool::new(config(3, 1000), Arc::new(SeededRng::new(1))).unwrap());
    pool_runtime().block_on(async {
        let jobs: Vec<_> = (0..200_u8)
            .map(|number| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.hash(secret(), RULE, network(number % 7)).await.is_ok() })
            })
            .collect();
        for job in jobs {
            assert!(job.await.unwrap());
        }
    });
}

fn pool_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}
