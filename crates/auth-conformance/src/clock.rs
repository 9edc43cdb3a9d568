//! The one place that reads the clock: responses are timed, and tokens and one-time codes depend on the time of day.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A stopwatch on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts a stopwatch.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the runner stands outside the server and times its responses"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the stopwatch was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The current time in whole seconds since the Unix epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the runner makes tokens and codes that are valid now")]
pub fn unix_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}
