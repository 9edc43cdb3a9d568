//! The clock of a demo server, which tests move on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{Clock, SystemClock, Timestamp};

/// The operating system's clock with a lead, in milliseconds: a demonstration moves it on.
#[derive(Debug, Default)]
pub(super) struct LeadingClock(AtomicU64);

impl LeadingClock {
    /// Moves the clock on.
    pub(super) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or_default(), Ordering::SeqCst);
    }

    /// Takes the lead away.
    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

impl Clock for LeadingClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}
