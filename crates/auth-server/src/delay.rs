//! The longest delay of a response.

use std::time::Duration;

/// The longest delay of a response. A response whose moment is further off, as when the clock was set back, is sent after
/// this time.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(5);
