//! Checked records between the steps of an import.

use std::collections::HashSet;
use std::io::BufRead;

use auth_core::InternalError;
use auth_engine::Scheme;

use super::draft::Draft;
use crate::ImportError;
use crate::spool::Spool;

/// Checked records, and what is known of them all.
#[derive(Default)]
pub(super) struct Checked {
    drafts: Spool,
    /// The number of passwords that are to be hashed, and of hashes that are to be wrapped.
    pub(super) to_hash: u64,
    /// The schemes of all the others.
    pub(super) schemes: HashSet<Scheme>,
    /// The number of hashes that a Zettelstore made.
    pub(super) of_zettelstore: u64,
}

impl Checked {
    /// Adds a record behind the others.
    pub(super) fn push(&mut self, draft: &Draft) -> Result<(), ImportError> {
        self.drafts.push(&draft.encode().map_err(InternalError::defect)?);
        Ok(())
    }

    /// How many records there are.
    pub(super) fn len(&self) -> u64 {
        self.drafts.len()
    }

    /// The records, in order.
    pub(super) fn read(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Draft, ImportError>> + '_, ImportError> {
        let lines = self.drafts.read().map_err(ImportError::Read)?.lines();
        Ok(lines.map(|line| {
            let line = line.map_err(ImportError::Read)?;
            Draft::decode(&line).map_err(|error| InternalError::defect(error).into())
        }))
    }
}
