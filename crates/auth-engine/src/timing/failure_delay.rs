//! When refusals are released: at once, or, where stored passwords differ in the time they take, at multiples of a width
//! after the attempt began that is larger than the slowest of them.
//!
//! An account whose password is of an older scheme takes another time than the hash that is computed for an unknown
//! name: the time alone would tell that there is such an account. With the delay both answers are released at the same
//! moment. A success is released at once: it shows anyway.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{
    Clock, LoginAttempt, LoginError, LoginMethod, Password, PasswordString, Store, StoreError, Timestamp,
};
use auth_crypto::argon2::Params;
use auth_crypto::password::{HashingRule, NameContext, SecretInput, StoredPassword};
use auth_crypto::pool::{HashingPool, JobClass, Verification};

use super::scheme_registry::{self, Scheme};
use crate::config;

/// The largest width: no refusal waits longer than this after it is known.
const WIDEST: Duration = Duration::from_secs(1);

/// Samples by which this machine's speed is measured: the beginning of a scheme's name, and a stored password of it. The
/// last is taken where none before fits. Each takes some milliseconds; no account has such a password.
const SAMPLES: [(&str, &str); 6] = [
    ("pbkdf2", "pbkdf2_sha256$20000$gridgridgridgridgridgr$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("bcrypt", BCRYPT),
    ("django-bcrypt", BCRYPT),
    ("rocketchat", BCRYPT),
    ("zettelstore", BCRYPT),
    ("", "$argon2id$v=19$m=8192,t=2,p=1$Z3JpZGdyaWRncmlkZ3JpZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
];
const BCRYPT: &str = "$2b$07$.....................................................";

/// How often a sample is verified: the clock counts whole milliseconds.
const RUNS: u32 = 4;

/// The delay of refusals.
pub(crate) struct FailureDelay {
    store: Arc<dyn Store>,
    pool: Arc<HashingPool>,
    clock: Arc<dyn Clock>,
    configured: config::FailureDelay,
    /// The scheme of new hashes.
    current: Scheme,
    seen: Mutex<Seen>,
}

/// How much of the list of schemes was read, and the width that it comes to.
#[derive(Debug, Default)]
struct Seen {
    entries: usize,
    width: Option<Duration>,
}

impl FailureDelay {
    /// Lists the scheme of new hashes, and reads which others there are.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        pool: Arc<HashingPool>,
        clock: Arc<dyn Clock>,
        passwords: config::PasswordConfig,
    ) -> Result<Self, StoreError> {
        let current = Scheme::of_new(passwords.params);
        let configured = passwords.failure_delay;
        let opened = Self { store, pool, clock, configured, current, seen: Mutex::default() };
        scheme_registry::register_schemes(&*opened.store, [opened.current.clone()]).await?;
        opened.read_schemes().await?;
        Ok(opened)
    }

    /// The moment before which the answer to an attempt that began at `started` must not be sent. Every refusal that
    /// may be delayed reads the list of schemes once.
    pub(crate) async fn release_at(
        &self,
        attempt: &LoginAttempt,
        refusal: Option<&LoginError>,
        started: Timestamp,
    ) -> Option<Timestamp> {
        if !is_by_password(attempt) || refusal.is_none_or(is_released_at_once) {
            return None;
        }
        if let Err(error) = self.read_schemes().await {
            // The width stays as it was; the next request will tell what is wrong with the store.
            tracing::debug!(%error, "the list of password schemes can't be read");
        }
        let width = self.width_for(attempt)?;
        Some(next_moment(started, width, self.clock.now()))
    }

    /// Whether the answer to an attempt may be delayed.
    pub(crate) fn may_delay(&self, attempt: &LoginAttempt) -> bool {
        is_by_password(attempt) && self.width_for(attempt).is_some()
    }

    /// The width for an attempt; the largest where a directory is asked, whose time is unknown.
    fn width_for(&self, attempt: &LoginAttempt) -> Option<Duration> {
        let is_auto = self.configured == config::FailureDelay::Auto;
        let widest = (is_auto && attempt.realm.asks_a_directory()).then_some(WIDEST);
        self.width().max(widest)
    }

    /// The width; `None` where answers needn't wait.
    fn width(&self) -> Option<Duration> {
        match self.configured {
            config::FailureDelay::Off => None,
            config::FailureDelay::Fixed(width) => Some(width),
            config::FailureDelay::Auto => self.seen().width,
        }
    }

    /// Widens the delay when schemes were added to the list, be it by another process.
    async fn read_schemes(&self) -> Result<(), StoreError> {
        if self.configured != config::FailureDelay::Auto {
            return Ok(());
        }
        let entries = self.seen().entries;
        let added = scheme_registry::read(&*self.store, entries).await?;
        if added.is_empty() {
            return Ok(());
        }
        let mut slowest = None;
        if added.iter().any(|scheme| *scheme != self.current) {
            for scheme in added.iter().chain([&self.current]) {
                slowest = slowest.max(Some(self.time_on_this_machine(scheme).await));
            }
        }
        let mut seen = self.seen();
        seen.entries = seen.entries.max(entries + added.len());
        let before = seen.width;
        seen.width = before.max(slowest.map(width_of));
        if let Some(width) = seen.width.filter(|_| seen.width != before) {
            let ms = u64::try_from(width.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(ms, "stored passwords differ in the time they take: refusals are delayed");
        }
        Ok(())
    }

    /// The time of a verification on this machine: the estimate, or more where a sample takes longer than estimated.
    async fn time_on_this_machine(&self, scheme: &Scheme) -> Duration {
        // A wrapped hash is as slow as the slower of the two hashes makes it.
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

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FailureDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureDelay").field("configured", &self.configured).finish_non_exhaustive()
    }
}

fn is_by_password(attempt: &LoginAttempt) -> bool {
    matches!(attempt.method, LoginMethod::Password { .. })
}

/// Whether a refusal has nothing to hide: it tells itself that the password is right, or comes before any was looked at.
fn is_released_at_once(refusal: &LoginError) -> bool {
    matches!(
        refusal,
        LoginError::SecondFactorRequired(_)
            | LoginError::SecondFactorInvalid(_)
            | LoginError::SecondFactorExhausted(_)
            | LoginError::AccountLimited { .. }
            | LoginError::ClientLimited { .. }
            | LoginError::Internal(_)
    )
}

/// Twice the time of the slowest verification: an answer that misses its moment, since the machine is busy or has to find
/// memory, would show which kind of record there is.
fn width_of(slowest: Duration) -> Duration {
    const LEAST: Duration = Duration::from_millis(5);
    (slowest.min(WIDEST) * 2).clamp(LEAST, WIDEST)
}

/// The first multiple of the width after `started` that lies in the future.
fn next_moment(started: Timestamp, width: Duration, now: Timestamp) -> Timestamp {
    let width = Duration::from_millis(u64::try_from(width.as_millis()).unwrap_or(u64::MAX).max(1));
    let started = started.counted_at(now);
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
            secret: SecretInput::Password(Password::new("nobody's")),
            rule,
            context: NameContext::default(),
            class: JobClass::default(),
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
        let day = -86_400_000;
        assert_eq!(next_moment(at(0), Duration::from_millis(100), at(day)), at(day + 100), "set back");
        assert_eq!(next_moment(at(0), Duration::ZERO, at(3)), at(4), "without a width, no endless loop");
    }

    #[test]
    fn the_width_is_twice_the_slowest_up_to_a_second() {
        for (slowest, width) in [(0, 5), (2, 5), (100, 200), (499, 998), (500, 1000), (5000, 1000)] {
            let found = width_of(Duration::from_millis(slowest));
            assert_eq!(found.as_millis(), width, "{slowest} ms");
        }
        assert_eq!(width_of(Duration::MAX), WIDEST);
    }
}
