//! The internal error: a request could not be judged, through no fault of the client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::StoreError;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why a request could not be judged.
///
/// A wrong password is never an internal error. A protocol makes its own 500 or 503 of the [kind](Self::kind); the
/// cause is for the log and never reaches a client. Clones share the cause.
#[derive(Clone, Debug)]
pub struct InternalError {
    kind: InternalErrorKind,
    source: Option<Source>,
}

/// What a client may know of an internal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InternalErrorKind {
    /// A part that the server needs can't be reached, or the outcome of a commit is unknown: 503. Repeating the
    /// request does no harm.
    Unavailable,
    /// A queue is full: 503 with the time after which to try again.
    Busy {
        /// The time after which the queue is expected to have room.
        retry_after: Duration,
    },
    /// A defect of the server, or a broken record: 500.
    Defect,
}

impl InternalError {
    /// A part that the server needs can't be reached.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: InternalErrorKind::Unavailable, source: Some(Arc::from(cause.into())) }
    }

    /// A queue is full.
    #[must_use]
    pub fn busy(retry_after: Duration) -> Self {
        Self { kind: InternalErrorKind::Busy { retry_after }, source: None }
    }

    /// A defect of the server, or a broken record.
    #[must_use]
    pub fn defect(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: InternalErrorKind::Defect, source: Some(Arc::from(cause.into())) }
    }

    /// A stored record that breaks an invariant, named in a word or two.
    #[must_use]
    pub fn corrupt(what: &'static str) -> Self {
        Self::defect(StoreError::Corrupt(what.to_owned()))
    }

    /// Returns the error and everything behind it in one line, for a log.
    ///
    /// ```
    /// let error = auth_core::InternalError::unavailable("disk I/O error");
    /// assert_eq!(error.cause(), "a part that the server needs is unavailable: disk I/O error");
    /// ```
    #[must_use]
    pub fn cause(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }

    /// What a client may know.
    #[must_use]
    pub fn kind(&self) -> InternalErrorKind {
        self.kind
    }
}

/// Errors of one kind are equal, whatever their causes.
impl PartialEq for InternalError {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for InternalError {}

impl fmt::Display for InternalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            InternalErrorKind::Unavailable => "a part that the server needs is unavailable",
            InternalErrorKind::Busy { .. } => "the server is busy",
            InternalErrorKind::Defect => "internal error",
        })
    }
}

impl std::error::Error for InternalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for InternalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) | StoreError::Changed => {
                Self::unavailable(error)
            }
            _ => Self::defect(error),
        }
    }
}
