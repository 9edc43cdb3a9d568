//! Faults: what goes wrong that is nobody's log-in. A wrong password is an outcome, never a fault.

use std::fmt;
use std::time::Duration;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a question could not be answered. The door makes its own 500 or 503 of the kind; the cause is for the
/// log and never reaches a client.
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    cause: Option<Cause>,
}

/// What a client may know of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Something this server needs can't be reached, or a commit's outcome is unknown: 503, and repeating the
    /// request does no harm.
    Unavailable,
    /// A queue is full: 503 with the time after which to try again.
    Busy {
        /// When a place is expected.
        retry_after: Duration,
    },
    /// A defect, or a broken record: 500.
    Internal,
}

impl Fault {
    /// Something needed can't be reached.
    #[must_use]
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self { kind: FaultKind::Unavailable, cause: Some(cause.into()) }
    }

    /// A queue is full.
    #[must_use]
    pub fn busy(retry_after: Duration) -> Self {
        Self { kind: FaultKind::Busy { retry_after }, cause: None }
    }

    /// A defect or a broken record.
    #[must_use]
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self { kind: FaultKind::Internal, cause: Some(cause.into()) }
    }

    /// What a client may know.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FaultKind::Unavailable => "something the server needs is unavailable",
            FaultKind::Busy { .. } => "the server is busy",
            FaultKind::Internal => "internal error",
        })
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
