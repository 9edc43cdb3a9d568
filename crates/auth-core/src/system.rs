//! The operating system's clock and random numbers: what a program hands over where this project asks for a [`Clock`], a
//! [`Stopwatch`] or an [`Rng`].

use std::num::NonZeroUsize;
use std::time::{Duration, Instant, SystemTime};

use crate::{Clock, Rng, Stopwatch, Timestamp};

/// The operating system's clock.
///
/// ```
/// use auth_core::{Clock, SystemClock, Timestamp};
///
/// assert!(SystemClock.now() > Timestamp::from_secs(1_700_000_000));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no configuration")]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::default() + since_epoch
    }
}

/// The operating system's monotonic clock, which nobody sets.
///
/// ```
/// use auth_core::{Stopwatch, SystemStopwatch};
///
/// let stopwatch = SystemStopwatch::start();
/// let before = stopwatch.elapsed();
/// assert!(stopwatch.elapsed() >= before);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemStopwatch(Instant);

impl SystemStopwatch {
    /// A stopwatch that starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Stopwatch for SystemStopwatch {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The operating system's random numbers, which are fit for keys.
///
/// ```
/// use auth_core::{Rng, SystemRng};
///
/// let mut key = [0; 32];
/// SystemRng.fill(&mut key);
/// assert_ne!(key, [0; 32]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no configuration")]
pub struct SystemRng;

impl Rng for SystemRng {
    /// Fills `out` with random bytes.
    ///
    /// # Panics
    /// When the operating system gives none: no key or token may be made without them.
    #[expect(clippy::expect_used, reason = "no key or token may be made without randomness")]
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gives random bytes");
    }
}

/// The number of threads that can run at a time: at least one.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
