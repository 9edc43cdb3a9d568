//! What became of each record of an import, for a report.

use serde::Serialize;

use crate::ImportError;

/// What became of a record of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "reports write it")]
pub struct RecordOutcome {
    /// The number of its line; `None` of an account whose record is not at the source any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The name of the user; `None` of a realm, or where the line can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `new`, `not written` where an import has written nothing, `changed`, `unchanged`, `adopted`, `joined`, `missing`, `deleted here`, `realm`, or `left out`.
    pub outcome: &'static str,
    /// What has changed, a word each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Warnings, and why the record was left out. No secret is among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl RecordOutcome {
    /// A record that is left out for a reason.
    pub(super) fn left_out(line: u64, user: Option<String>, reason: &str) -> Self {
        Self {
            line: Some(line),
            user,
            outcome: "left out",
            changed: Vec::new(),
            notes: vec![reason.to_owned()],
        }
    }
}

/// Hears what becomes of each record.
pub trait Outcomes: Send {
    /// Whether anybody listens: reading what needs not be read is left out otherwise.
    fn is_heard(&self) -> bool;

    /// Tells what became of a record.
    ///
    /// # Errors
    /// [`std::io::Error`] when it can't be written down, with which the import ends.
    fn hear(&mut self, outcome: &RecordOutcome) -> std::io::Result<()>;
}

/// Nobody who listens.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it is nothing")]
pub struct Unheard;

impl Outcomes for Unheard {
    fn is_heard(&self) -> bool {
        false
    }

    fn hear(&mut self, _: &RecordOutcome) -> std::io::Result<()> {
        Ok(())
    }
}

/// The listener of an import.
pub(super) type OnOutcome<'a> = &'a mut dyn Outcomes;

/// Tells what became of a record.
///
/// # Errors
/// [`ImportError::Report`].
pub(super) fn tell(outcomes: OnOutcome<'_>, outcome: &RecordOutcome) -> Result<(), ImportError> {
    if outcomes.is_heard() { outcomes.hear(outcome).map_err(ImportError::Report) } else { Ok(()) }
}
