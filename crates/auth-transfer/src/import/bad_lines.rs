//! The lines for which an import writes nothing.

use crate::ImportError;

/// The number of bad lines that are named at most; the others are counted.
const MOST_NAMED: usize = 100;

/// Bad lines, in any order.
#[derive(Default)]
pub(super) struct BadLines {
    named: Vec<(u64, String)>,
    more: u64,
}

impl BadLines {
    pub(super) fn push(&mut self, line: u64, reason: String) {
        if self.named.len() < MOST_NAMED {
            self.named.push((line, reason));
        } else {
            self.more += 1;
        }
    }

    /// Ends the import, if there is any.
    ///
    /// # Errors
    /// [`ImportError::Lines`].
    pub(super) fn finish(mut self) -> Result<(), ImportError> {
        if self.named.is_empty() {
            return Ok(());
        }
        self.named.sort_by_key(|(line, _)| *line);
        Err(ImportError::Lines { named: self.named, more: self.more })
    }
}
