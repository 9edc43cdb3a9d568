//! When refusals are told: at once, or, where stored passwords take times that differ, on a grid of moments after
//! the attempt that is wider than the slowest of them.
//!
//! An account whose password is of an older scheme takes another time than the hash that is computed for an unknown
//! name: the time alone would tell that there is such an account. On the grid both answers come at the first moment.
//! A success is told at once: it shows anyway.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth_core::{
    Clock, LoginAttempt, LoginError, LoginMethod, LoginOutcome, Password, PasswordString, StoreError,
    Timestamp,
};
use auth_crypto::argon2::Params;
use auth_crypto::password::{HashingRule, NameContext, Secret, StoredPassword};
use auth_crypto::pool::{HashingPool, Turn, Verification};

use crate::Engine;
use crate::config::FailureGrid;
use crate::schemes::{self, Scheme};

/// No grid is wider: nobody waits longer for being told "wrong".
const WIDEST: Duration = Duration::from_secs(1);

/// What this machine's speed is measured with: the beginning of a scheme's name, and a stored password of it. The
/// last is taken where none before fits. Each takes some milliseconds; they open nothing.
const SAMPLES: [(&str, &str); 5] = [
    ("pbkdf2", "pbkdf2_sha256$20000$gridgridgridgridgridgr$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("bcrypt", BCRYPT),
    ("rocketchat", BCRYPT),
    ("zettelstore", BCRYPT),
    ("", "$argon2id$v=19$m=8192,t=2,p=1$Z3JpZGdyaWRncmlkZ3JpZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
];
const BCRYPT: &str = "$2b$07$.....................................................";

/// How often a sample is verified: the clock counts whole milliseconds.
const RUNS: u32 = 4;

/// The grid and what it follows from.
#[derive(Debug)]
pub(crate) struct Grid {
    wanted: FailureGrid,
    current: Scheme,
    seen: Mutex<Seen>,
}

/// What of the list of schemes was seen.
#[derive(Debug, Default)]
struct Seen {
    entries: usize,
    width: Option<Duration>,
}

impl Grid {
    pub(crate) fn new(wanted: FailureGrid, params: Params) -> Self {
        Self { wanted, current: Scheme::of_new(params), seen: Mutex::default() }
    }

    /// How far apart its moments are; `None` where answers needn't wait.
    pub(crate) fn width(&self) -> Option<Duration> {
        match self.wanted {
            FailureGrid::Off => None,
            FailureGrid::Fixed(width) => Some(width),
            FailureGrid::Auto => self.seen.lock().unwrap_or_else(PoisonError::into_inner).width,
        }
    }
}

impl Engine {
    /// Lists the scheme of new hashes, and looks at what others there are.
    pub(crate) async fn open_grid(&self) -> Result<(), StoreError> {
        schemes::note(&*self.store, [self.grid.current.clone()]).await?;
        self.look_for_schemes().await
    }

    /// Widens the grid when schemes were added to the list, be it by another process.
    async fn look_for_schemes(&self) -> Result<(), StoreError> {
        if self.grid.wanted != FailureGrid::Auto {
            return Ok(());
        }
        let entries = self.grid.seen.lock().unwrap_or_else(PoisonError::into_inner).entries;
        let added = schemes::read(&*self.store, entries).await?;
        if added.is_empty() {
            return Ok(());
        }
        let mut needed = None;
        if added.iter().any(|scheme| *scheme != self.grid.current) {
            for scheme in added.iter().chain([&self.grid.current]) {
                needed = needed.max(Some(self.time_on_this_machine(scheme).await));
            }
        }
        let mut seen = self.grid.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entries = seen.entries.max(entries + added.len());
        let before = seen.width;
        seen.width = before.max(needed.map(width_for));
        if let Some(width) = seen.width.filter(|_| seen.width != before) {
            let ms = u64::try_from(width.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(ms, "stored passwords differ in the time they take: failures are told on a grid");
        }
        Ok(())
    }

    /// What a verification takes on this machine: the estimate, or more where a sample takes longer than estimated.
    async fn time_on_this_machine(&self, scheme: &Scheme) -> Duration {
        // What is wrapped is as slow as the slower of the two hashes makes it.
        let (name, outer) = match scheme.name().strip_prefix("wrapped-") {
            Some(name) => (name, Some("")),
            None => (scheme.name(), None),
        };
        let mut slowness = 1.0_f64;
        for name in [Some(name), outer].into_iter().flatten() {
            let sample = SAMPLES.iter().find(|(beginning, _)| name.starts_with(beginning));
            let sample = sample.and_then(|(_, text)| StoredPassword::parse(&PasswordString::new(*text)).ok());
            let Some(sample) = sample else { continue };
            let estimated = sample.estimated_time() * RUNS;
            let measured = measure(&self.pool, &*self.clock, &sample).await;
            slowness = slowness.max(measured.div_duration_f64(estimated));
        }
        Duration::try_from_secs_f64(scheme.time().as_secs_f64() * slowness).unwrap_or(Duration::MAX)
    }

    /// The moment before which the answer to an attempt must not be sent for the grid's sake. It costs every
    /// refusal one look into the list of schemes.
    pub(crate) async fn grid_moment(
        &self,
        attempt: &LoginAttempt,
        outcome: &LoginOutcome,
        started: Timestamp,
    ) -> Option<Timestamp> {
        if !is_by_password(attempt) || is_told_at_once(outcome) {
            return None;
        }
        if let Err(error) = self.look_for_schemes().await {
            // The grid stays as it was; the next request will tell what is wrong with the store.
            tracing::debug!(%error, "the list of schemes can't be read");
        }
        let width = self.width_for_attempt(attempt).await?;
        Some(next_moment(started, width, self.now()))
    }

    /// Whether the answer to an attempt may be told to wait for the grid.
    pub(crate) async fn may_wait_for_grid(&self, attempt: &LoginAttempt) -> bool {
        is_by_password(attempt) && self.width_for_attempt(attempt).await.is_some()
    }

    /// How far apart the grid's moments are for an attempt; as wide as can be where a directory is asked, since
    /// nobody knows how long it takes.
    async fn width_for_attempt(&self, attempt: &LoginAttempt) -> Option<Duration> {
        // A realm that can't be read is told of as a fault before any answer would wait.
        let realm = self.realm_by_id(attempt.realm).await.ok().flatten();
        let asks = realm.is_some_and(|realm| realm.asks_a_directory());
        let widest = (asks && self.grid.wanted == FailureGrid::Auto).then_some(WIDEST);
        self.grid.width().max(widest)
    }
}

fn is_by_password(attempt: &LoginAttempt) -> bool {
    matches!(attempt.proof, LoginMethod::Password { .. } | LoginMethod::Digest { .. })
}

/// Whether an answer has nothing to hide: it tells itself that the password is right, or comes before any was
/// looked at.
fn is_told_at_once(outcome: &LoginOutcome) -> bool {
    match outcome {
        LoginOutcome::Granted(_) => true,
        LoginOutcome::Refused(refusal) => matches!(
            refusal,
            LoginError::SecondFactorRequired(_)
                | LoginError::SecondFactorInvalid(_)
                | LoginError::SecondFactorExhausted(_)
                | LoginError::AccountLimited { .. }
                | LoginError::NetworkLimited { .. }
        ),
    }
}

/// Twice the slowest verification: an answer that misses its moment, since the machine is busy or has to look for
/// memory, would show which kind of record there is.
fn width_for(slowest: Duration) -> Duration {
    const LEAST: Duration = Duration::from_millis(5);
    (slowest.min(WIDEST) * 2).clamp(LEAST, WIDEST)
}

/// The first moment of the grid that lies in the future.
fn next_moment(started: Timestamp, width: Duration, now: Timestamp) -> Timestamp {
    let width = Duration::from_millis(u64::try_from(width.as_millis()).unwrap_or(u64::MAX).max(1));
    let passed = now.since(started).as_millis() / width.as_millis();
    let moments = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
    started + width.saturating_mul(moments)
}

/// How long [`RUNS`] verifications take.
async fn measure(pool: &HashingPool, clock: &dyn Clock, sample: &StoredPassword) -> Duration {
    let rule = HashingRule { params: Params::default(), digest_ready: false };
    let before = clock.now();
    for _ in 0..RUNS {
        let job = Verification {
            stored: Some(sample.clone()),
            secret: Secret::Password(Password::new("nobody's")),
            rule,
            context: NameContext::default(),
            turn: Turn::default(),
        };
        if pool.verify(job).await.is_err() {
            return Duration::ZERO;
        }
    }
    clock.now().since(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_stored_passwords_of_their_schemes() {
        for (name, text) in SAMPLES {
            let sample = StoredPassword::parse(&PasswordString::new(text)).unwrap();
            assert!(sample.scheme().starts_with(name) || text == BCRYPT, "{text}");
            let time = sample.estimated_time();
            assert!((3..8).contains(&time.as_millis()), "{text}: {time:?}");
        }
    }

    #[test]
    fn answers_wait_for_the_first_moment_that_lies_ahead() {
        let at = |millis: i64| Timestamp::from_millis(1_700_000_000_000 + millis);
        for (passed, moment) in [(-50, 100), (0, 100), (99, 100), (100, 200), (101, 200), (950, 1000)] {
            let told = next_moment(at(0), Duration::from_micros(100_900), at(passed));
            assert_eq!(told, at(moment), "{passed} ms after the attempt");
        }
        assert_eq!(next_moment(at(0), Duration::ZERO, at(3)), at(4), "without a width, no endless loop");
    }

    #[test]
    fn the_grid_is_wider_than_the_slowest_up_to_a_second() {
        for (slowest, width) in [(0, 5), (2, 5), (100, 200), (499, 998), (500, 1000), (5000, 1000)] {
            let found = width_for(Duration::from_millis(slowest));
            assert_eq!(found.as_millis(), width, "{slowest} ms");
        }
        assert_eq!(width_for(Duration::MAX), WIDEST);
    }
}
