//! The one place where the server asks what time it is and draws random bytes.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant, SystemTime};

use auth_core::{Clock, Rng, Stopwatch, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// The operating system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::default() + since_epoch
    }
}

/// How long ago a moment of the operating system's clock was; `None` for one that is to come.
#[expect(clippy::disallowed_methods, reason = "this is the edge")]
pub(crate) fn age_of(moment: SystemTime) -> Option<Duration> {
    SystemTime::now().duration_since(moment).ok()
}

/// The operating system's clock that nobody sets.
#[derive(Debug)]
pub(crate) struct SystemStopwatch(Instant);

impl SystemStopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Stopwatch for SystemStopwatch {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The moment by the clock that nobody sets. Tests move it as tokio's paused clock.
#[expect(clippy::disallowed_methods, reason = "this is the edge")]
pub(crate) fn monotonic() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The operating system's randomness.
#[derive(Debug)]
pub(crate) struct SystemRng(SystemRandom);

impl SystemRng {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Rng for SystemRng {
    #[expect(clippy::expect_used, reason = "no key or token may be made without randomness")]
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("the operating system gives random bytes");
    }
}

/// The machine's memory in KiB, where the system tells.
pub(crate) fn memory_kib() -> Option<usize> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// How many threads can run at a time.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What this process calls itself among the servers of a store: its machine and its number there.
pub(crate) fn node_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", machine.trim(), std::process::id())
}
