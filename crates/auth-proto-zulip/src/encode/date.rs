//! Moments as Zulip writes them.

use std::sync::{Mutex, PoisonError};

use auth_core::{Timestamp, UtcDateTime};
use http::HeaderValue;
use serde::{Serialize, Serializer};

/// The names of the days, from that of 1970-01-01 on.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The header of the second that was asked for last, since many answers name the same.
#[derive(Default)]
pub(crate) struct DateCache(Mutex<Option<(i64, HeaderValue)>>);

impl DateCache {
    /// The header of a moment.
    pub(crate) fn header(&self, moment: Timestamp) -> Option<HeaderValue> {
        let second = moment.as_secs();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(known, _)| *known != second) {
            *last = HeaderValue::try_from(http_date(moment)).ok().map(|text| (second, text));
        }
        last.as_ref().map(|(_, text)| text.clone())
    }
}

/// A moment as HTTP dates are written (RFC 9110).
pub(super) fn http_date(moment: Timestamp) -> String {
    let utc = moment.utc();
    let day = moment.as_secs().div_euclid(24 * 3600).rem_euclid(7);
    let day = usize::try_from(day).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"");
    let month = MONTHS.get(usize::from(utc.month) - 1).unwrap_or(&"");
    format!(
        "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        utc.day, utc.year, utc.hour, utc.minute, utc.second
    )
}

/// A moment to the minute, in ISO 8601 with an offset.
pub(crate) struct ToTheMinute(pub(crate) Timestamp);

impl Serialize for ToTheMinute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let utc = self.0.utc();
        let Some([date @ .., _, _, _, _, _, _, _, _]) = utc.iso_8601() else {
            let UtcDateTime { year, month, day, hour, minute, .. } = utc;
            return serializer
                .collect_str(&format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}+00:00"));
        };
        let mut text = [0; 22];
        let (start, offset) = text.split_at_mut(date.len());
        start.copy_from_slice(&date);
        offset.copy_from_slice(b"+00:00");
        serializer.serialize_str(str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_recorded_server_writes_them() {
        let moment = Timestamp::from_secs(1_795_306_464);
        assert_eq!(http_date(moment), "Sun, 22 Nov 2026 00:14:24 GMT");
        assert_eq!(serde_json::to_value(ToTheMinute(moment)).unwrap(), "2026-11-22T00:14+00:00");
        assert_eq!(http_date(Timestamp::from_secs(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(http_date(Timestamp::from_millis(extreme)).ends_with(" GMT"));
        }
    }

    #[test]
    fn header_follows_the_clock() {
        let cache = DateCache::default();
        for (second, text) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_776, "Sun, 06 Nov 1994 08:49:36 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        ] {
            assert_eq!(cache.header(Timestamp::from_secs(second)).unwrap(), text);
        }
    }
}
