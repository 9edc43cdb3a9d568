//! What the threads of a soak share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What all threads share.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) stop: AtomicBool,
    /// Whether the store is away, or has come back just now.
    pub(super) outage: AtomicBool,
    pub(super) answers: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) hostile: AtomicU64,
    pub(super) kills: AtomicU32,
    /// The first answers that were not as they must be.
    pub(super) faults: Mutex<Vec<String>>,
}

impl Run {
    pub(super) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Whether an answer may say that the store is unavailable.
    pub(super) fn may_be_unavailable(&self) -> bool {
        self.outage.load(Ordering::SeqCst)
    }

    pub(super) fn fault(&self, what: String) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < 20 {
            faults.push(what);
        }
    }
}
