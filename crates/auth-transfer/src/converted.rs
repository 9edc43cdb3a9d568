//! What a conversion from another system gives: import lines, and what can't be taken.

use serde::Serialize;

use super::line::BadLine;
use super::remarks::Remarks;
use super::spool::Spool;

/// Realms and users of another system as import lines.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Converted {
    /// One line a realm or a user.
    pub lines: Spool,
    /// Where each line comes from: a file, a line, a document.
    pub places: Spool,
    /// What was noticed: a place and a sentence.
    pub notes: Remarks<String>,
    /// What can't be taken: a place and the reason. There are no lines of it.
    pub bad: Remarks<String>,
}

/// Why nothing could be converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// Reading failed.
    #[error("it can't be read")]
    Read(#[source] std::io::Error),
    /// It is not of the form that was promised: a sentence that says where.
    #[error("{0}")]
    Form(String),
}

impl From<std::io::Error> for ConvertError {
    /// Not the words of the operating system, but our own, where the text is of another form.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::InvalidData => Self::Form(error.to_string()),
            _ => Self::Read(error),
        }
    }
}

impl Converted {
    /// Adds a line.
    pub(super) fn take(&mut self, place: &str, line: &impl Serialize) {
        // Texts, numbers and lists of them: there is nothing in a line that JSON can't say.
        if let Ok(line) = serde_json::to_string(line) {
            self.lines.push(&line);
            self.places.push(&place.replace('\n', " "));
        }
    }

    /// Adds a line, or what is wrong with it.
    pub(super) fn take_or_refuse(&mut self, place: String, line: Result<impl Serialize, BadLine>) {
        match line {
            Ok(line) => self.take(&place, &line),
            Err(BadLine(reason)) => self.bad.push(place, reason),
        }
    }

    pub(super) fn note(&mut self, place: &str, note: impl Into<String>) {
        self.notes.push(place.to_owned(), note);
    }
}
