//! The last day on which something is good.

use anyhow::Context;
use auth_core::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The moment at which a day ends, in UTC.
pub(super) fn end_of(day: Date) -> anyhow::Result<Timestamp> {
    let next = day.tomorrow().context("--until is too far in the future")?;
    let midnight = next.to_zoned(TimeZone::UTC).context("--until is too far in the future")?;
    Ok(Timestamp::from_millis(midnight.timestamp().as_millisecond()))
}
