//! The bounds of a page of a log, as both stores ask for them.

use auth_core::{LogOrder, LogPage, Place, Timestamp};

/// The rows of a page: those strictly behind `from` in the order of the page, up to `end`.
pub(crate) struct Bounds {
    pub(crate) from: Place,
    /// From newest to oldest the first moment that counts, the other way round the first that no longer does.
    pub(crate) end: i64,
}

impl Bounds {
    /// The bounds of a page of the rows `since` a moment, and before `until`.
    pub(crate) fn of(page: &LogPage, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        match page.order {
            LogOrder::NewestFirst => {
                let until = until.map_or(LAST, |until| Place { at: until, number: 0 });
                Self {
                    from: page.after.map_or(until, |after| after.min(until)),
                    end: since.map_or(i64::MIN, Timestamp::as_millis),
                }
            }
            LogOrder::OldestFirst => {
                let before = |since: Timestamp| Timestamp::from_millis(since.as_millis().saturating_sub(1));
                let since = since.map_or(FIRST, |since| Place { at: before(since), number: u128::MAX });
                Self {
                    from: page.after.map_or(since, |after| after.max(since)),
                    end: until.map_or(i64::MAX, Timestamp::as_millis),
                }
            }
        }
    }

    /// The number of `from`, for rows that are numbered from 1 by 64 bits with a sign.
    pub(crate) fn number(&self) -> i64 {
        i64::try_from(self.from.number).unwrap_or(i64::MAX)
    }
}

const FIRST: Place = Place { at: Timestamp::from_millis(i64::MIN), number: 0 };
const LAST: Place = Place { at: Timestamp::from_millis(i64::MAX), number: u128::MAX };

/// The place of a row that is numbered by 64 bits with a sign.
pub(crate) fn place(at: Timestamp, number: i64) -> Place {
    Place { at, number: u128::try_from(number).unwrap_or_default() }
}
