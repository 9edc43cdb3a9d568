//! Dates as JavaScript prints them: `2026-01-02T03:04:05.678Z`.

use auth_core::Timestamp;

/// A moment in ISO 8601, UTC, with milliseconds; years beyond four digits get a sign and six.
pub(crate) fn iso(moment: Timestamp) -> String {
    const DAY: i64 = 86_400_000;

    let (days, millis) = (moment.as_millis().div_euclid(DAY), moment.as_millis().rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let mut text = String::with_capacity(24);
    if (0..=9999).contains(&year) {
        digits(&mut text, 1000, year);
    } else {
        text = format!("{year:+07}");
    }
    for (before, unit, number) in [
        ('-', 10, month),
        ('-', 10, day),
        ('T', 10, millis / 3_600_000),
        (':', 10, millis / 60_000 % 60),
        (':', 10, millis / 1000 % 60),
        ('.', 100, millis % 1000),
    ] {
        text.push(before);
        digits(&mut text, unit, number);
    }
    text.push('Z');
    text
}

/// Writes the digits of a number, the first of which counts so many units.
fn digits(text: &mut String, mut unit: i64, number: i64) {
    while unit > 0 {
        text.extend(u32::try_from(number / unit % 10).ok().and_then(|digit| char::from_digit(digit, 10)));
        unit /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Counts in eras of 400 years that begin on March 1, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    /// Days from 0000-03-01 to 1970-01-01.
    const EPOCH: i64 = 719_468;
    const DAYS_OF_ERA: i64 = 146_097;

    let (era, day) = ((days + EPOCH).div_euclid(DAYS_OF_ERA), (days + EPOCH).rem_euclid(DAYS_OF_ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on are 31 30 31 30 31 days, twice, and a rest: 153 days in five of them.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            assert_eq!(iso(Timestamp::from_millis(millis)), expected);
        }
    }

    #[test]
    fn days_follow_each_other_by_the_rules_of_the_calendar() {
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for count in 0..400_000 {
            assert_eq!(civil(count), (year, month, day));
            let last = match month {
                2 => 28 + i64::from(leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                _ if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }

    proptest! {
        #[test]
        fn any_moment_prints(millis in any::<i64>()) {
            prop_assert!(iso(Timestamp::from_millis(millis)).ends_with('Z'));
        }
    }
}
