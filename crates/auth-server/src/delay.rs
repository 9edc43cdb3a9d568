//! The longest time that an answer waits for its moment.

use std::time::Duration;

/// An answer never waits longer than this for its moment, whatever the clock does.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(5);
