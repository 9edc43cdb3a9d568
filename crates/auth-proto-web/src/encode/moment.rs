//! Moments as people read them.

use auth_core::Timestamp;

/// A moment for a `time` element: for programs and for people, in UTC, to the minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) iso: String,
    pub(crate) shown: String,
}

impl Moment {
    /// A moment, with the names of the months in a language.
    pub(crate) fn new(moment: Timestamp, months: &[&str; 12]) -> Self {
        let at = moment.utc();
        let month = months.get(usize::from(at.month).saturating_sub(1)).copied().unwrap_or_default();
        let (day, year, hour, minute) = (at.day, at.year, at.hour, at.minute);
        Self {
            iso: format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}Z", at.month),
            shown: format!("{day} {month} {year}, {hour:02}:{minute:02} UTC"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ENGLISH;

    #[test]
    fn moments_are_in_utc_to_the_minute() {
        for (seconds, iso, shown) in [
            (1_795_716_959, "2026-11-26T18:15Z", "26 Nov 2026, 18:15 UTC"),
            (0, "1970-01-01T00:00Z", "1 Jan 1970, 00:00 UTC"),
            (951_782_400, "2000-02-29T00:00Z", "29 Feb 2000, 00:00 UTC"),
        ] {
            let moment = Moment::new(Timestamp::from_secs(seconds), &ENGLISH.months);
            assert_eq!((moment.iso.as_str(), moment.shown.as_str()), (iso, shown));
        }
    }
}
