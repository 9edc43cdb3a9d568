//! How the two logs of a store are read, page by page.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

/// Whether a moment is within a span of time.
pub(super) fn is_within(at: Timestamp, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
}

/// A page of a log: up to `limit` rows behind a place, in an order.
///
/// ```
/// use auth_core::LogPage;
///
/// let first = LogPage::newest(50);
/// // Behind the last row that was read, where there was one:
/// let last = "1700000000000.7".parse().unwrap();
/// assert_eq!(first.behind(last).after, Some(last));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever reads a log builds it, stores take it apart")]
pub struct LogPage {
    /// The order of the rows.
    pub order: LogOrder,
    /// The place of the last row of the page before; `None` for the first page.
    pub after: Option<Place>,
    /// The most rows that are given.
    pub limit: u32,
}

impl LogPage {
    /// The newest rows, newest first.
    #[must_use]
    pub const fn newest(limit: u32) -> Self {
        Self { order: LogOrder::NewestFirst, after: None, limit }
    }

    /// The oldest rows, oldest first: for following a log, and for copies of it.
    #[must_use]
    pub const fn oldest(limit: u32) -> Self {
        Self { order: LogOrder::OldestFirst, after: None, limit }
    }

    /// The page behind a row, in the same order.
    #[must_use]
    pub const fn behind(self, last: Place) -> Self {
        Self { after: Some(last), ..self }
    }
}

/// The order in which a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum LogOrder {
    /// From now back. Of rows of one moment, the one that was written last comes first, where the store knows which.
    NewestFirst,
    /// The other way round.
    OldestFirst,
}

/// A place in a list of a store that is in the order of time, by which the next page is asked for. It stays good when what
/// stood there is gone.
///
/// `Display` and `FromStr` are for command lines and links.
///
/// ```
/// use auth_core::{Place, Timestamp};
///
/// let place = Place { at: Timestamp::from_millis(1_700_000_000_000), number: 255 };
/// assert_eq!(place.to_string(), "1700000000000.ff");
/// assert_eq!("1700000000000.ff".parse(), Ok(place));
/// assert!("1700000000000".parse::<Place>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Place {
    /// The moment.
    pub at: Timestamp,
    /// The store's number among those of one moment.
    pub number: u128,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}", self.at.as_millis(), self.number)
    }
}

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let (at, number) = text.split_once('.').ok_or(NotAPlace)?;
        if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAPlace);
        }
        let at = Timestamp::from_millis(at.parse().map_err(|_| NotAPlace)?);
        Ok(Self { at, number: u128::from_str_radix(number, 16).map_err(|_| NotAPlace)? })
    }
}

/// The text isn't a place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAPlace;

impl fmt::Display for NotAPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a place in a list, such as 1700000000000.7")
    }
}

impl std::error::Error for NotAPlace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_and_other_texts_are_none() {
        for (at, number) in [(0, 0), (-5, u128::MAX), (i64::MAX, 1)] {
            let place = Place { at: Timestamp::from_millis(at), number };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for none in ["", ".", "5.", ".5", "5", "a.5", "5.g", "5.+5", "5.5.5"] {
            assert_eq!(none.parse::<Place>(), Err(NotAPlace), "{none}");
        }
    }
}
