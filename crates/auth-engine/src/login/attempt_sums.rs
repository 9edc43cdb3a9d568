//! Attempts that cost the client nothing: refusals that come before anything is judged, and grants without a hash. The
//! first of a window stands in the attempt log by itself, and all that follow it are one sum, so that a flood writes no more
//! than a client that asks twice.
//!
//! ```text
//!   first attempt               others              end of the window, or of the server
//!   ── logged by itself ──▶ only counted ──▶ logged as one sum, if there were any
//! ```
//!
//! Pure: time is an argument, and memory is bounded. Keys for which there is no room share one sum.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use auth_core::{AttemptRecord, ClientKey, Timestamp, UserId};

/// The attempts of each key, for a bounded number of keys: at most some 512 bytes for each.
#[derive(Debug)]
pub(crate) struct AttemptSums<K> {
    capacity: usize,
    /// Under `None` those for which there was no room.
    open: HashMap<Option<K>, Sum>,
}

/// The attempts of one window after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    /// The first, without its name.
    first: AttemptRecord,
    window: Duration,
    last: Timestamp,
    /// How many there were after the first.
    pub(crate) count: u64,
}

/// What an attempt has to be logged as.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Whether it stands by itself.
    pub(crate) is_first: bool,
    /// The sum of the window before, which is over.
    pub(crate) ended: Option<Sum>,
}

impl<K: Eq + Hash> AttemptSums<K> {
    /// Sums for at most `capacity` keys, and one for all others.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, open: HashMap::new() }
    }

    /// Whether the window of a key has begun and is not over.
    pub(crate) fn is_open(&mut self, key: K, now: Timestamp) -> bool {
        self.open.get_mut(&Some(key)).is_some_and(|sum| !sum.is_over(now))
    }

    /// Counts an attempt of a key whose window begins with its first one.
    pub(crate) fn count(&mut self, key: K, attempt: &AttemptRecord, window: Duration) -> Counted {
        let now = attempt.at;
        let key = Some(key);
        let has_place = self.open.contains_key(&key) || self.open.len() < self.capacity;
        let key = key.filter(|_| has_place);
        if let Some(sum) = self.open.get_mut(&key)
            && !sum.is_over(now)
        {
            sum.count += 1;
            sum.last = sum.last.max(now);
            return Counted::default();
        }
        let (user, client_key) = match &key {
            Some(_) => (attempt.user, attempt.client_key),
            None => (None, ClientKey::default()),
        };
        let first = AttemptRecord { name: String::new(), user, client_key, ..attempt.clone() };
        let before = self.open.insert(key, Sum { first, window, last: now, count: 0 });
        Counted { is_first: true, ended: before.filter(Sum::is_worth_a_row) }
    }

    /// Says which user the attempts of a key are for, now that it is known.
    pub(crate) fn identify(&mut self, key: K, user: UserId) {
        if let Some(sum) = self.open.get_mut(&Some(key)) {
            sum.first.user = Some(user);
        }
    }

    /// Takes the sums of the windows that are over.
    pub(crate) fn take_ended(&mut self, now: Timestamp) -> Vec<Sum> {
        let ended = self.open.extract_if(|_, sum| sum.is_over(now)).map(|(_, sum)| sum);
        ended.filter(Sum::is_worth_a_row).collect()
    }

    /// Takes all sums.
    pub(crate) fn take_all(&mut self) -> Vec<Sum> {
        self.open.drain().map(|(_, sum)| sum).filter(Sum::is_worth_a_row).collect()
    }
}

impl Sum {
    /// The row of the sum: its outcome ends with the count.
    pub(crate) fn row(self) -> AttemptRecord {
        let outcome = format!("{} x {}", self.first.outcome, self.count).into();
        AttemptRecord { at: self.last, outcome, ..self.first }
    }

    /// The outcome of each of the attempts.
    pub(crate) fn outcome(&self) -> &str {
        &self.first.outcome
    }

    /// A window that begins in the future begins now: the clock was set back.
    fn is_over(&mut self, now: Timestamp) -> bool {
        self.first.at = self.first.at.counted_at(now);
        self.last = self.last.counted_at(now);
        now.since(self.first.at) > self.window
    }

    fn is_worth_a_row(&self) -> bool {
        self.count > 0
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{ProtocolName, RealmId};
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(900);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + secs)
    }

    fn refusal(secs: i64) -> AttemptRecord {
        AttemptRecord {
            at: at(secs),
            protocol: ProtocolName::ZULIP,
            realm: RealmId::from_bytes([1; 16]),
            user: None,
            name: "iago".to_owned(),
            client_key: ClientKey::of([192, 0, 2, 7].into()),
            outcome: "network-limited".into(),
        }
    }

    fn rows(sums: Vec<Sum>) -> Vec<(Timestamp, String)> {
        sums.into_iter().map(Sum::row).map(|row| (row.at, row.outcome.into_owned())).collect()
    }

    #[test]
    fn the_first_of_a_window_stands_by_itself_and_the_rest_are_one_sum() {
        let mut sums = AttemptSums::new(10);
        assert_eq!(sums.count("a", &refusal(0), WINDOW), Counted { is_first: true, ended: None });
        for second in 1..=900 {
            assert_eq!(sums.count("a", &refusal(second), WINDOW), Counted::default());
            assert_eq!(sums.take_ended(at(second)), []);
        }
        let next = sums.count("a", &refusal(901), WINDOW);
        assert!(next.is_first);
        assert_eq!(rows(vec![next.ended.unwrap()]), [(at(900), "network-limited x 900".to_owned())]);
        assert_eq!(sums.take_all(), [], "one attempt is no sum");
    }

    #[test]
    fn a_sum_is_taken_once_its_window_is_over_or_when_all_are() {
        for ends in [false, true] {
            let mut sums = AttemptSums::new(10);
            for (key, secs) in [("a", 0), ("a", 5), ("b", 100), ("b", 101), ("b", 102)] {
                sums.count(key, &refusal(secs), WINDOW);
            }
            let first = (at(5), "network-limited x 1".to_owned());
            let second = (at(102), "network-limited x 2".to_owned());
            if ends {
                let mut all = rows(sums.take_all());
                all.sort();
                assert_eq!(all, [first, second]);
            } else {
                assert_eq!(rows(sums.take_ended(at(901))), [first]);
                assert_eq!(rows(sums.take_ended(at(1001))), [second]);
            }
            assert_eq!(sums.take_all(), []);
        }
    }

    #[test]
    fn keys_without_room_share_one_sum_without_a_client() {
        let mut sums = AttemptSums::new(100);
        let attempt = AttemptRecord { user: Some(UserId::from_bytes([7; 16])), ..refusal(0) };
        let firsts = (0..10_000).filter(|key| sums.count(*key, &attempt, WINDOW).is_first).count();
        assert_eq!((firsts, sums.open.len()), (101, 101));
        let shared = sums.open.remove(&None).unwrap().row();
        assert_eq!(
            (shared.user, shared.client_key.to_string().as_str(), shared.outcome.as_ref()),
            (None, "0.0.0.0", "network-limited x 9899")
        );
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_no_window() {
        let mut sums = AttemptSums::new(10);
        let days = 5 * 86_400;
        sums.count("a", &refusal(days), WINDOW);
        sums.count("a", &refusal(0), WINDOW);
        assert_eq!(sums.take_ended(at(900)), []);
        assert_eq!(rows(sums.take_ended(at(901))), [(at(0), "network-limited x 1".to_owned())]);
    }

    proptest! {
        #[test]
        fn every_attempt_is_logged_once(
            refusals in prop::collection::vec((0_u8..20, -500_i64..1000, any::<bool>()), 1..300),
        ) {
            let mut sums = AttemptSums::new(8);
            let (mut now, mut logged) = (0, 0);
            let total = u64::try_from(refusals.len()).unwrap();
            for (key, gap, ticks) in refusals {
                now += gap;
                let counted = sums.count(key, &refusal(now), WINDOW);
                logged += u64::from(counted.is_first) + counted.ended.map_or(0, |sum| sum.count);
                if ticks {
                    logged += sums.take_ended(at(now)).iter().map(|sum| sum.count).sum::<u64>();
                }
                prop_assert!(sums.open.len() <= 9);
            }
            logged += sums.take_all().iter().map(|sum| sum.count).sum::<u64>();
            prop_assert_eq!(logged, total);
        }
    }
}
