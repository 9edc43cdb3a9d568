//! Counts of what is logged now and then.

use std::time::Duration;

use auth_core::Timestamp;

/// How long what was logged is not logged again.
const QUIET: Duration = Duration::from_secs(3600);

/// How often something happened, and whether a line about it is due.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    all: u64,
    /// Since the last line.
    unlogged: u64,
    /// When there was a line.
    logged: Option<Timestamp>,
}

impl Tally {
    /// Since the start.
    pub(crate) fn all(&self) -> u64 {
        self.all
    }

    /// Counts one more; gives the number to log where a line is due.
    pub(crate) fn count(&mut self, now: Timestamp) -> Option<u64> {
        self.all += 1;
        self.unlogged += 1;
        // A clock that was set back silences nothing.
        if self.logged.is_some_and(|logged| logged <= now && now.since(logged) < QUIET) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_an_hour_and_everything_is_counted() {
        let mut tally = Tally::default();
        let began = Timestamp::from_secs(1_700_000_000);
        let mut three = |now| [tally.count(now), tally.count(now), tally.count(now)];
        assert_eq!(three(began), [Some(1), None, None]);
        assert_eq!(three(began + (QUIET - Duration::from_millis(1))), [None; 3]);
        assert_eq!(three(began + QUIET), [Some(6), None, None]);
        assert_eq!(three(began), [Some(3), None, None], "the clock was set back");
        assert_eq!(tally.all(), 12);
    }
}
