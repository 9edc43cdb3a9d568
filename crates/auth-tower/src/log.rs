//! The log of internal errors that became answers.

use auth_core::{InternalError, InternalErrorKind};

/// Logs the cause of an internal error that became an answer.
pub(crate) fn log(error: &InternalError) {
    let cause = error.cause();
    match error.kind() {
        InternalErrorKind::Busy { .. } => tracing::warn!(target: "auth::error", %cause, "request refused"),
        _ => tracing::error!(target: "auth::error", %cause, "request failed"),
    }
}
