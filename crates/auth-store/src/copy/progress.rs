//! How far a copy is, as a value of its target.

use serde::{Deserialize, Serialize};

use super::record::{RecordKind, Value};

/// How far a copy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// What tells its source from others.
    pub(super) source: String,
    /// The kind of rows that is copied now, by its name; none when all are.
    kind: Option<String>,
    /// The key of the last row of that kind that is written.
    pub(super) after: Option<Vec<Value>>,
    /// How many rows of all kinds are written.
    pub(super) rows: u64,
}

impl Progress {
    pub(super) fn begin(source: String) -> Self {
        let first = RecordKind::ALL.first().map(|kind| kind.name().to_owned());
        Self { source, kind: first, after: None, rows: 0 }
    }

    pub(super) fn kind(&self) -> Option<RecordKind> {
        self.kind.as_deref().and_then(RecordKind::named)
    }

    pub(super) fn turn_to(&mut self, kind: Option<RecordKind>) {
        self.kind = kind.map(|kind| kind.name().to_owned());
        self.after = None;
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Neither a map nor a number without a form of its own is in it, so that nothing fails.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The value that [`Progress::encode`] has written; `None` for any other.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        let is_known = read.kind.as_deref().is_none_or(|name| RecordKind::named(name).is_some());
        is_known.then_some(read)
    }
}
