//! How far an import is, as its caller is told.

use std::ops::ControlFlow;

use crate::{ImportError, Progress};

/// Progress is told each time that so many lines are done.
pub(super) const LINES_PER_STEP: u64 = 1000;

/// The callback that is told the progress, and may end the import.
pub(super) type OnProgress<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// Tells the progress.
///
/// # Errors
/// [`ImportError::Stopped`] when the callback ends the import.
pub(super) fn tell(progress: OnProgress<'_>, how_far: Progress) -> Result<(), ImportError> {
    match progress(how_far) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ImportError::Stopped),
    }
}
