//! How many wrong codes of a second factor an account takes: who has the password may guess, but hardly ever hits, and
//! can't keep the owner out.
//!
//! | count | wrong codes |
//! | --- | --- |
//! | account and client key | as configured: 10 in 15 minutes |
//! | account, from client keys that it has not logged in from | 25 a day |
//! | account, from anywhere | 30 a day |
//!
//! So five of the thirty are left for clients that the account knows, whatever strangers do. A code of six digits is one of a
//! million, and with a delta of one step three codes are good at a time: thirty guesses a day hit with a chance of
//! 30 × 3 / 1,000,000 = 0.009 %. Where more steps are accepted, there are fewer guesses, so that the chance stays below
//! 0.01 %.

use std::time::Duration;

use auth_core::Quota;

use super::optional_limiter::OptionalLimiter;
use super::subject::Subject;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The most wrong codes that an account takes in a day.
const MOST: u32 = 30;

/// One in so many of an account's wrong codes is left for the client keys that it knows.
const OWN_SHARE: u32 = 6;

/// The limiters of wrong codes.
#[derive(Debug)]
pub(super) struct WrongCodes {
    client: OptionalLimiter<Subject>,
    strangers: OptionalLimiter<Subject>,
    anywhere: OptionalLimiter<Subject>,
}

impl WrongCodes {
    /// Limiters by the quota of one client key, and by the steps of 30 seconds by which a code may be off. Without a quota
    /// nothing is limited.
    pub(super) fn new(client: Option<Quota>, delta: u32) -> Self {
        let a_day = |attempts| client.map(|_| Quota { attempts, window: DAY });
        Self {
            client: OptionalLimiter::new(client),
            strangers: OptionalLimiter::new(a_day(of_strangers(delta))),
            anywhere: OptionalLimiter::new(a_day(in_all(delta))),
        }
    }

    /// The limiter of a subject.
    pub(super) fn limiter(&self, subject: &Subject) -> &OptionalLimiter<Subject> {
        match subject {
            Subject::Strangers(_) => &self.strangers,
            Subject::Anywhere(_) => &self.anywhere,
            _ => &self.client,
        }
    }

    /// Every limiter.
    pub(super) fn all(&self) -> [&OptionalLimiter<Subject>; 3] {
        [&self.client, &self.strangers, &self.anywhere]
    }

    /// The longest window.
    pub(super) fn window(&self) -> Option<Duration> {
        let quotas = [self.client.quota(), self.anywhere.quota()];
        quotas.into_iter().flatten().map(|quota| quota.window).max()
    }
}

/// The wrong codes of an account in a day: at most one of 10,000 days' guesses hits.
fn in_all(delta: u32) -> u32 {
    let accepted = delta.saturating_mul(2).saturating_add(1);
    (99 / accepted).clamp(1, MOST)
}

/// Those of client keys that the account does not know.
fn of_strangers(delta: u32) -> u32 {
    let all = in_all(delta);
    (all - all.div_ceil(OWN_SHARE)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_guesses_hit_with_a_chance_below_one_in_ten_thousand() {
        for (delta, all, strangers) in [(0, 30, 25), (1, 30, 25), (2, 19, 15), (10, 4, 3), (49, 1, 1)] {
            assert_eq!((in_all(delta), of_strangers(delta)), (all, strangers), "delta {delta}");
            let accepted = u64::from(2 * delta + 1);
            assert!(u64::from(all) * accepted * 10_000 < 1_000_000, "delta {delta}");
        }
        assert_eq!(in_all(u32::MAX), 1, "no limit is without any attempt");
    }
}
