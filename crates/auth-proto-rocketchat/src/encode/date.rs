//! Dates as JavaScript prints them: `2026-01-02T03:04:05.678Z`.

use auth_core::{Timestamp, UtcDateTime};
use serde::{Serialize, Serializer};

/// A moment in ISO 8601, in UTC, with milliseconds. A year of more than four digits has a sign and six
/// digits.
pub(crate) struct IsoDate(pub(crate) Timestamp);

impl Serialize for IsoDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let utc = self.0.utc();
        if let Some(text) = utc.iso_8601() {
            return serializer.serialize_str(str::from_utf8(&text).unwrap_or_default());
        }
        let UtcDateTime { year, month, day, hour, minute, second, millisecond } = utc;
        serializer.collect_str(&format_args!(
            "{year:+07}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, to_value};

    use super::*;

    fn iso(millis: i64) -> Value {
        to_value(IsoDate(Timestamp::from_millis(millis))).unwrap()
    }

    #[test]
    fn moments_print_as_javascript_prints_them() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_827_696_007, "2000-02-29T12:34:56.007Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(millis), expected);
        }
    }

    proptest! {
        #[test]
        fn any_moment_prints(millis in any::<i64>()) {
            prop_assert!(iso(millis).as_str().unwrap().ends_with('Z'));
        }
    }
}
