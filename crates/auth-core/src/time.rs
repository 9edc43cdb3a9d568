//! Time as an argument: nothing behind the server's edge asks the operating system what time it is.

use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// By how much the clocks of servers, and the readings of two threads, may differ. A greater difference is a clock that
    /// was set back.
    pub const SKEW: Duration = Duration::from_secs(1);

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether the moment lies further in the future than clocks differ: it was noted before the clock was set back.
    #[must_use]
    pub fn is_ahead(self, now: Self) -> bool {
        self > now + Self::SKEW
    }

    /// The moment as it counts at `now`: itself, or `now` if the clock was set back since.
    ///
    /// ```
    /// use auth_core::Timestamp;
    /// let (noted, day) = (Timestamp::from_secs(86_400), Timestamp::from_secs(0));
    /// assert_eq!(noted.counted_at(day), day);
    /// assert_eq!(noted.counted_at(noted), noted);
    /// ```
    #[must_use]
    pub fn counted_at(self, now: Self) -> Self {
        if self.is_ahead(now) { now } else { self }
    }
}

/// A date and a time of day in UTC, in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a calendar has no more fields")]
pub struct UtcDateTime {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The second.
    pub second: u8,
    /// The millisecond.
    pub millisecond: u16,
}

impl Timestamp {
    /// The moment in UTC.
    ///
    /// ```
    /// let moment = auth_core::Timestamp::from_millis(951_827_696_007).utc();
    /// assert_eq!((moment.year, moment.month, moment.day), (2000, 2, 29));
    /// assert_eq!((moment.hour, moment.minute, moment.second, moment.millisecond), (12, 34, 56, 7));
    /// ```
    #[must_use]
    pub fn utc(self) -> UtcDateTime {
        const DAY: i64 = 86_400_000;
        let (days, millis) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        let field = |value: i64| u8::try_from(value).unwrap_or_default();
        UtcDateTime {
            year,
            month: field(month),
            day: field(day),
            hour: field(millis / 3_600_000),
            minute: field(millis / 60_000 % 60),
            second: field(millis / 1000 % 60),
            millisecond: u16::try_from(millis % 1000).unwrap_or_default(),
        }
    }
}

impl UtcDateTime {
    /// Returns date and time to the millisecond in ISO 8601, as ASCII with `Z` for UTC; `None` for years that don't
    /// have four digits. A caller that wants less takes the beginning.
    ///
    /// ```
    /// let moment = auth_core::Timestamp::from_millis(951_827_696_007).utc();
    /// assert_eq!(moment.iso_8601().as_ref(), Some(b"2000-02-29T12:34:56.007Z"));
    /// ```
    #[must_use]
    pub fn iso_8601(&self) -> Option<[u8; 24]> {
        let year = u16::try_from(self.year).ok().filter(|year| *year <= 9999)?;
        let [y1, y2, y3, y4] = four_digits(year);
        let [_, t1, t2, t3] = four_digits(self.millisecond);
        let [m1, m2] = two_digits(self.month);
        let [d1, d2] = two_digits(self.day);
        let [h1, h2] = two_digits(self.hour);
        let [n1, n2] = two_digits(self.minute);
        let [s1, s2] = two_digits(self.second);
        Some([
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.', t1,
            t2, t3, b'Z',
        ])
    }
}

fn two_digits(number: u8) -> [u8; 2] {
    [b'0' + number / 10 % 10, b'0' + number % 10]
}

fn four_digits(number: u16) -> [u8; 4] {
    let digit = |unit| b'0' + u8::try_from(number / unit % 10).unwrap_or_default();
    [digit(1000), digit(100), digit(10), digit(1)]
}

/// Year, month and day of a day counted from 1970-01-01.
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

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Tells how much time has passed: never backwards, whatever is done to the clock.
pub trait Stopwatch: Send + Sync {
    /// The time since some moment in the past, always the same one.
    fn elapsed(&self) -> Duration;
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millis()))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.store((self.now() + by).as_millis(), Ordering::SeqCst);
    }

    /// Sets the clock back.
    pub fn set_back(&self, by: Duration) {
        self.0.store((self.now() - by).as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Stopwatch for ManualClock {
    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::default())
    }
}

/// A wait as `Retry-After` tells it (RFC 9110, 10.2.3): whole seconds, rounded up, and one at least.
///
/// ```
/// use std::time::Duration;
/// use auth_core::retry_after_seconds;
///
/// assert_eq!(retry_after_seconds(Duration::from_millis(1001)), 2);
/// assert_eq!(retry_after_seconds(Duration::ZERO), 1);
/// ```
#[must_use]
pub fn retry_after_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_to_at_least_one() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(retry_after_seconds(Duration::from_millis(millis)), seconds);
        }
        assert_eq!(retry_after_seconds(Duration::MAX), u64::MAX);
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

    #[test]
    fn moments_before_the_epoch_have_a_time_of_day() {
        let last = Timestamp::from_millis(-1).utc();
        assert_eq!((last.year, last.month, last.day), (1969, 12, 31));
        assert_eq!((last.hour, last.minute, last.second, last.millisecond), (23, 59, 59, 999));
    }
}
