//! Faults: what goes wrong that is nobody's log-in. A wrong password is an outcome, never a fault.

use std::fmt;
use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a question could not be answered. The protocol makes its own 500 or 503 of the kind; the cause is for the
/// log and never reaches a client.
#[derive(Debug)]
pub struct InternalError {
    kind: InternalErrorKind,
    cause: Option<Source>,
}

/// What a client may know of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InternalErrorKind {
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

impl InternalError {
    /// Something needed can't be reached.
    #[must_use]
    pub fn unavailable(cause: impl Into<Source>) -> Self {
        Self { kind: InternalErrorKind::Unavailable, cause: Some(cause.into()) }
    }

    /// A queue is full.
    #[must_use]
    pub fn busy(retry_after: Duration) -> Self {
        Self { kind: InternalErrorKind::Busy { retry_after }, cause: None }
    }

    /// A defect or a broken record.
    #[must_use]
    pub fn internal(cause: impl Into<Source>) -> Self {
        Self { kind: InternalErrorKind::Internal, cause: Some(cause.into()) }
    }

    /// What a client may know.
    #[must_use]
    pub fn kind(&self) -> InternalErrorKind {
        self.kind
    }
}

impl fmt::Display for InternalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            InternalErrorKind::Unavailable => "something the server needs is unavailable",
            InternalErrorKind::Busy { .. } => "the server is busy",
            InternalErrorKind::Internal => "internal error",
        })
    }
}

impl std::error::Error for InternalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
