//! Trials of how many workers, and hashes together, get most done.

use super::*;

/// Random numbers that note how many workers draw them at the same time.
#[derive(Default)]
struct CrowdRng {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Rng for CrowdRng {
    fn fill(&self, out: &mut [u8]) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        out.fill(7);
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Has the pool make so many hashes, which are all asked for before one is waited for. Returns its figures then.
fn hash_all(pool: HashingPool, count: usize) -> PoolMetrics {
    let pool = Arc::new(pool);
    pool_runtime().block_on(async {
        let jobs: Vec<_> = (0..count)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.hash(secret(), RULE, ClientKey::default()).await.is_ok() })
            })
            .collect();
        for job in jobs {
            assert!(job.await.unwrap());
        }
    });
    pool.metrics()
}

#[test]
fn no_more_workers_compute_and_no_more_hashes_together_than_were_found_to_get_most_done() {
    let rng = Arc::new(CrowdRng::default());
    let pool = pool(config(4, 100), Arc::clone(&rng) as _);
    pool.queue.set_size(|size| (size.workers, size.width) = (1, 2));
    let sizes = hash_all(pool, 60).batch_sizes;
    assert_eq!(rng.most.load(Ordering::SeqCst), 1);
    assert!(sizes.len() == 2 && sizes[1] > 0, "{sizes:?}");
}

#[test]
fn the_width_that_gets_most_done_is_within_what_the_configuration_and_the_memory_allow() {
    let stopwatch = Arc::new(auth_core::SystemStopwatch::start());
    for (interleave, memory_kib, most) in
        [(3, 1 << 10, 3), (3, 2 * 2 * 64, 2), (1, 1 << 10, 1), (0, 1 << 10, 1)]
    {
        let config = PoolConfig { interleave, memory_kib, ..config(2, 8) };
        let pool =
            HashingPool::new(config, Arc::new(SeededRng::new(1)), Arc::clone(&stopwatch) as _).unwrap();
        assert!(pool.fit_width(RULE.params) && pool.fit_workers(RULE.params));
        let PoolMetrics { workers, width, begun, .. } = pool.metrics();
        assert!((1..=most).contains(&width), "{width} of {most}");
        assert!((1..=2).contains(&workers));
        assert_eq!(begun, 0, "trials are no jobs");
    }
}

#[test]
fn trials_give_way_to_jobs_and_change_nothing_without_a_quiet_moment() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(2, 8), Arc::clone(&rng) as _);
    let mut running = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    assert!(!pool.fit_width(RULE.params) && !pool.fit_workers(RULE.params));
    assert_eq!((pool.metrics().workers, pool.metrics().width), (2, 3));
    drop(release);
    pool_runtime().block_on(running).unwrap();
    assert!(pool.fit_width(RULE.params), "the moment is quiet now");
}

#[test]
fn jobs_are_computed_one_at_a_time_until_more_together_are_found_to_do_more() {
    let rng = Arc::new(SeededRng::new(1));
    let pool = HashingPool::new(config(1, 100), rng, Arc::new(ManualClock::default())).unwrap();
    assert_eq!(hash_all(pool, 20).batch_sizes, [20]);
}

#[test]
fn a_trial_waits_for_a_job_that_is_about_to_end() {
    let (rng, is_blocked, release) = BlockingRng::new();
    let pool = pool(config(1, 8), Arc::clone(&rng) as _);
    let mut running = pin!(pool.hash(secret(), RULE, ClientKey::default()));
    assert!(poll(running.as_mut()).is_pending());
    is_blocked.recv().unwrap();
    std::thread::scope(|scope| {
        let trials = scope.spawn(|| pool.fit_width(RULE.params));
        release.send(()).unwrap();
        assert!(trials.join().unwrap());
    });
    assert!(pool_runtime().block_on(running).is_ok());
}

#[test]
fn jobs_are_computed_while_trials_go_on() {
    let pool = pool(config(2, 64), Arc::new(SeededRng::new(1)));
    std::thread::scope(|scope| {
        let trials = scope.spawn(|| {
            for _ in 0..20 {
                // A job may leave it no quiet moment.
                let _ = pool.fit_width(RULE.params);
            }
        });
        let runtime = pool_runtime();
        for _ in 0..20 {
            runtime.block_on(pool.hash(secret(), RULE, ClientKey::default())).unwrap();
        }
        trials.join().unwrap();
    });
    assert_eq!(pool.metrics().begun, 20);
}
