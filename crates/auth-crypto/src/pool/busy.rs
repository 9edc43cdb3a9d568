//! The answer of a pool that has no capacity for a job.

use std::time::Duration;

/// The pool refused a job: the queue is full, the job waited past its deadline, or there is no memory for the hash.
///
/// Nothing is known about the password then. Servers answer 503 (Service Unavailable) with `retry_after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hashing pool is busy")]
#[expect(clippy::exhaustive_structs, reason = "the engine's tests build it")]
pub struct Busy {
    /// The estimated time until the jobs that wait now are done.
    pub retry_after: Duration,
}

impl Busy {
    /// A delay of one second, for cases without an estimate.
    pub(super) fn shortly() -> Self {
        Self { retry_after: Duration::from_secs(1) }
    }
}
