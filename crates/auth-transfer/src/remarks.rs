//! Sentences about records, however many there are.

use std::fmt;
use std::io::{self, BufRead};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::spool::Spool;

/// Sentences about records in the order in which they were added, each with the place of its record: the number of a
/// line, or a text. Memory stays the same however many there are.
pub struct Remarks<P> {
    spool: Spool,
    records: u64,
    place: PhantomData<fn() -> P>,
}

impl<P: Serialize + DeserializeOwned> Remarks<P> {
    /// Adds a sentence about one record.
    pub fn push(&mut self, place: P, text: impl Into<String>) {
        self.push_of_many(place, text, 1);
    }

    /// Adds a sentence about so many records, the first of which has the place.
    pub(crate) fn push_of_many(&mut self, place: P, text: impl Into<String>, records: u64) {
        // A number or a text, and a text: there is nothing in them that JSON can't say.
        if let Ok(line) = serde_json::to_string(&(place, text.into())) {
            self.spool.push(&line);
            self.records += records;
        }
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spool.is_empty()
    }

    /// How many sentences there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.spool.len()
    }

    /// How many records they are about.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The sentences with their places, from the first on; nothing can be added after that.
    ///
    /// # Errors
    /// What went wrong when sentences were added, or goes wrong now.
    pub fn read(&mut self) -> io::Result<impl Iterator<Item = io::Result<(P, String)>> + '_> {
        Ok(self.spool.read()?.lines().map(|line| serde_json::from_str(&line?).map_err(io::Error::from)))
    }

    /// All sentences with their places, where they are known to be few.
    ///
    /// # Errors
    /// As for [`Remarks::read`].
    pub fn all(&mut self) -> io::Result<Vec<(P, String)>> {
        self.read()?.collect()
    }
}

impl<P> Default for Remarks<P> {
    fn default() -> Self {
        Self { spool: Spool::default(), records: 0, place: PhantomData }
    }
}

impl<P> fmt::Debug for Remarks<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remarks").field("records", &self.records).finish_non_exhaustive()
    }
}
