//! When the answer to a request for mail is released.

use auth_core::Timestamp;

/// The first moment, in steps after `started`, that lies after `now`. A step is longer than the work that a mail costs, so
/// that the answer doesn't tell whether one was written.
pub(crate) fn next_step(started: Timestamp, now: Timestamp) -> Timestamp {
    const STEP: i64 = 250;
    let started = started.counted_at(now);
    let passed = i64::try_from(now.since(started).as_millis()).unwrap_or(i64::MAX);
    let steps = passed / STEP + 1;
    Timestamp::from_millis(started.as_millis().saturating_add(steps.saturating_mul(STEP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_wait_for_the_first_step_that_lies_ahead() {
        let at = |millis: i64| Timestamp::from_millis(1_700_000_000_000 + millis);
        let day = -86_400_000;
        for (passed, step) in [(0, 250), (249, 250), (250, 500), (1100, 1250), (-5, 250), (day, day + 250)] {
            assert_eq!(next_step(at(0), at(passed)), at(step), "{passed} ms after the request");
        }
    }
}
