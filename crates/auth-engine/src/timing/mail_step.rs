//! When the answer to a request for mail is released.

use auth_core::Timestamp;

/// The first moment, in steps after `started`, that lies after `now`. A step is longer than the work that a mail costs, so
/// that the answer doesn't tell whether one was written.
pub(crate) fn next_step(started: Timestamp, now: Timestamp) -> Timestamp {
    const STEP: i64 = 250;
    let passed = i64::try_from(now.since(started).as_millis()).unwrap_or(i64::MAX);
    let steps = passed / STEP + 1;
    Timestamp::from_millis(started.as_millis().saturating_add(steps.saturating_mul(STEP)))
}
