//! The one place where internal errors are logged: where they became answers.
//!
//! An error is logged once for each cause and second; further ones of that cause are counted, and the count is logged when
//! the second is over.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_core::{Clock, InternalError, InternalErrorKind};
use tokio_util::sync::CancellationToken;

/// Causes that are told apart within a second; more are counted together.
const CAUSES: usize = 32;

/// The name under which causes beyond [`CAUSES`] are counted.
const OTHERS: &str = "other causes";

/// Logs internal errors.
pub(crate) struct ErrorLog {
    clock: Arc<dyn Clock>,
    counted: Mutex<Counted>,
    /// Errors since the start, but for those of a server that had too much to do.
    failures: AtomicU64,
}

/// The errors of one second.
#[derive(Default)]
struct Counted {
    second: i64,
    /// How many errors each cause had after the one that was logged.
    repeated: BTreeMap<String, u64>,
}

impl ErrorLog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, counted: Mutex::default(), failures: AtomicU64::new(0) }
    }

    /// How many requests have failed since the start. Those that were refused by a busy server have not.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Logs an error that became an answer, in the span of its request.
    pub(crate) fn record(&self, error: &InternalError) {
        let cause = error.cause();
        if !matches!(error.kind(), InternalErrorKind::Busy { .. }) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.flush();
        let is_first = {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = counted.repeated.contains_key(&cause);
            let key = if is_known || counted.repeated.len() < CAUSES { cause.as_str() } else { OTHERS };
            match counted.repeated.get_mut(key) {
                Some(repeated) => {
                    *repeated += 1;
                    false
                }
                None => {
                    counted.repeated.insert(key.to_owned(), 0);
                    true
                }
            }
        };
        if !is_first {
            return;
        }
        match error.kind() {
            InternalErrorKind::Busy { .. } => {
                tracing::warn!(target: "auth::error", %cause, "request refused");
            }
            _ => tracing::error!(target: "auth::error", %cause, "request failed"),
        }
    }

    /// Logs the counts of a second that is over.
    fn flush(&self) {
        let second = self.clock.now().as_secs();
        let over = {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if counted.second == second {
                return;
            }
            counted.second = second;
            mem::take(&mut counted.repeated)
        };
        for (cause, requests) in over.into_iter().filter(|(_, requests)| *requests > 0) {
            // They were other requests than the one whose span this is.
            tracing::error!(target: "auth::error", parent: None, requests, %cause, "further requests failed");
        }
    }

    /// Logs counts every second until told to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => self.flush(),
            }
        }
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{ManualClock, StoreError, Timestamp};

    use super::*;

    fn repeated(log: &ErrorLog) -> Vec<(String, u64)> {
        let counted = log.counted.lock().unwrap();
        counted.repeated.iter().map(|(cause, count)| (cause.clone(), *count)).collect()
    }

    #[test]
    fn an_error_is_logged_once_for_each_cause_and_second_and_then_counted() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1)));
        let log = ErrorLog::new(Arc::clone(&clock) as _);
        let locked = InternalError::from(StoreError::Unavailable("locked".into()));
        let broken = InternalError::corrupt("a realm");
        for _ in 0..3 {
            log.record(&locked);
        }
        log.record(&broken);
        let counts: Vec<u64> = repeated(&log).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 0]);
        clock.advance(Duration::from_secs(1));
        log.record(&locked);
        assert_eq!(repeated(&log).len(), 1, "a new second begins with a line of its own");
    }

    #[test]
    fn causes_beyond_the_bound_are_counted_together() {
        let log = ErrorLog::new(Arc::new(ManualClock::default()));
        for number in 0..1000 {
            log.record(&InternalError::defect(format!("cause {number}")));
        }
        assert_eq!(repeated(&log).len(), CAUSES + 1);
    }

    #[test]
    fn a_cause_is_told_to_its_end() {
        let error = InternalError::from(StoreError::Unavailable("disk I/O error".into()));
        let cause = error.cause();
        assert!(cause.ends_with("the store is unavailable: disk I/O error"), "{cause}");
    }
}
