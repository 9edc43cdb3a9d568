//! Section `[passwords]`: the parameters of hashes, the hashing pool, and the strength of new passwords.

use std::time::Duration;

use auth_core::StrengthRule;
use auth_crypto::argon2::Params;
use auth_crypto::password::is_affordable;
use auth_crypto::pool::{HashingPool, PoolConfig};
use auth_engine::{FailureDelay, PasswordConfig};
use serde::de::Deserializer;

use super::value::{positive, positive_span, text};
use super::{ConfigError, Span};
use auth_tower::LONGEST_DELAY;

/// The cheapest parameters that OWASP's cheat sheet advises: memory in KiB, and passes.
const OWASP: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// The most hashing threads.
const MOST_WORKERS: u32 = 1024;

/// The smallest width of the failure delay: clocks count whole milliseconds.
const MIN_WIDTH: Duration = Duration::from_millis(1);

/// Section `[passwords]`: the parameters of hashes, the hashing pool, and the strength of new passwords.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Passwords {
    /// Argon2id's memory in KiB.
    pub memory_kib: u32,
    /// Argon2id's passes.
    pub iterations: u32,
    /// Argon2id's lanes.
    pub lanes: u32,
    /// The fewest characters of a new password.
    #[serde(deserialize_with = "positive")]
    pub min_length: u32,
    /// The fewest guesses that a new password may take, as zxcvbn estimates.
    pub min_guesses: u64,
    /// Hashing threads; 0 for one per core, or for half as many where the server measures that they get more done.
    pub workers: u32,
    /// The most hashes that a thread computes side by side. The server measures at its start how many get most done.
    #[serde(deserialize_with = "positive")]
    pub interleave: u32,
    /// The memory of all hashes together, in MiB. Of it, 128 MiB are held back for stored hashes that need more than a
    /// thread keeps, or one new hash for each thread if that is more. The threads keep the rest, as far as `interleave` new
    /// hashes on each of them take it; what is left then is held back as well. 0 for as much as all of this needs.
    pub memory_budget_mib: u32,
    /// The most logins that wait for a thread. With 0 every login with a password is refused.
    pub queue: u32,
    /// How long a login waits for a thread at most.
    #[serde(deserialize_with = "positive_span")]
    pub max_wait: Span,
    /// When the answer to a wrong password is sent.
    #[serde(deserialize_with = "failure_delay")]
    pub failure_grid: FailureDelay,
    /// Whether a password change also revokes API keys, personal tokens and app passwords. The default is `true`, unless
    /// Zulip has exact points.
    pub revoke_on_password_change: Option<bool>,
}

impl Default for Passwords {
    /// OWASP's parameters for Argon2id with one lane.
    fn default() -> Self {
        let PasswordConfig { params, strength, failure_delay } = PasswordConfig::default();
        Self {
            memory_kib: params.memory_kib(),
            iterations: params.iterations(),
            lanes: params.lanes(),
            min_length: strength.min_length,
            min_guesses: strength.min_guesses,
            workers: 0,
            interleave: PoolConfig::INTERLEAVE as u32,
            memory_budget_mib: 0,
            queue: PoolConfig::QUEUE as u32,
            max_wait: Span(PoolConfig::DEADLINE),
            failure_grid: failure_delay,
            revoke_on_password_change: None,
        }
    }
}

impl Passwords {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.workers > MOST_WORKERS {
            return Err(ConfigError::new(format!(
                "[passwords] workers: {} is above {MOST_WORKERS}",
                self.workers
            )));
        }
        self.pool(1).map(drop)
    }

    /// Warns of hashes that are cheaper to guess than any that OWASP advises.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let is_strong =
            OWASP.iter().any(|(memory, passes)| self.memory_kib >= *memory && self.iterations >= *passes);
        let cheap = (!is_strong).then(|| {
            format!(
                "[passwords] memory_kib = {}, iterations = {}: whoever steals the store guesses passwords cheaply; OWASP \
                 advises 19456 and 2 at least",
                self.memory_kib, self.iterations
            )
        });
        let is_closed = self.queue == 0;
        let closed =
            is_closed.then(|| "[passwords] queue = 0: every login with a password is refused".to_owned());
        cheap.into_iter().chain(closed)
    }

    /// Argon2id's parameters for new hashes.
    ///
    /// # Errors
    /// [`ConfigError`] when Argon2 doesn't allow them, or they cost more than a stored password may.
    pub fn params(&self) -> Result<Params, ConfigError> {
        let at = "[passwords] memory_kib, iterations, lanes";
        let params = Params::new(self.memory_kib, self.iterations, self.lanes)
            .map_err(|error| ConfigError::new(format!("{at}: {error}")))?;
        if !is_affordable(params) {
            return Err(ConfigError::new(format!("{at}: more than a stored password may cost")));
        }
        Ok(params)
    }

    /// The hashing pool on a machine with `cores` cores. Where the memory budget doesn't hold `interleave` new hashes for
    /// each worker and what is held back, fewer are computed together, and then less is held back; where it doesn't hold
    /// one for each worker, there are fewer workers.
    ///
    /// # Errors
    /// [`ConfigError`] when the budget doesn't hold one new hash.
    pub fn pool(&self, cores: usize) -> Result<PoolConfig, ConfigError> {
        let params = self.params()?;
        let workers = match self.workers as usize {
            0 => cores.max(1),
            given => given,
        };
        let pool = PoolConfig {
            queue: self.queue as usize,
            deadline: self.max_wait.0,
            ..PoolConfig::new(workers, self.interleave as usize, params)
        };
        if self.memory_budget_mib == 0 {
            return Ok(pool);
        }
        pool.within((self.memory_budget_mib as usize).saturating_mul(1024), params).ok_or_else(|| {
            let needed = params.memory_kib().div_ceil(1024);
            ConfigError::new(format!(
                "[passwords] memory_budget_mib: one hash takes {needed} MiB; set at least this, or 0"
            ))
        })
    }

    /// Has a pool find how many hashes with these parameters get most done at once: how many side by side, and how many
    /// threads unless the operator has set that. `false` when jobs left no quiet moment for it.
    pub(crate) fn fit(&self, pool: &HashingPool, params: Params) -> bool {
        pool.fit_width(params) && (self.workers != 0 || pool.fit_workers(params))
    }

    /// What new passwords must fulfil.
    pub(super) fn strength(&self) -> StrengthRule {
        StrengthRule { min_length: self.min_length, min_guesses: self.min_guesses }
    }
}

/// Reads `"auto"`, `"off"`, or the width of a fixed failure delay.
fn failure_delay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FailureDelay, D::Error> {
    let form = "\"auto\", \"off\", or a width from \"1ms\" to \"5s\"";
    text(deserializer, form, |text| match text {
        "auto" => Some(FailureDelay::Auto),
        "off" => Some(FailureDelay::Off),
        _ => {
            let width = Span::parse(text).ok()?.0;
            (MIN_WIDTH..=LONGEST_DELAY).contains(&width).then_some(FailureDelay::Fixed(width))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_hashes_have_memory_held_back_from_the_budget_that_bounds_width_and_then_workers() {
        const MIB: usize = 1024;
        for (budget_mib, workers, width, reserve_mib) in [
            (0, 4, 3, 128),
            (400, 4, 3, 400 - 4 * 3 * 19),
            (300, 4, 2, 300 - 4 * 2 * 19),
            (200, 4, 1, 200 - 4 * 19),
            (80, 4, 1, 4),
            (40, 2, 1, 2),
            (19, 1, 1, 0),
        ] {
            let passwords =
                Passwords { memory_kib: 19 * 1024, memory_budget_mib: budget_mib, ..Passwords::default() };
            let pool = passwords.pool(4).unwrap();
            let found = (pool.workers, pool.width(passwords.params().unwrap()), pool.reserve_kib);
            assert_eq!(found, (workers, width, reserve_mib * MIB), "{budget_mib} MiB");
            assert_eq!(pool.memory_kib, workers * width * 19 * MIB, "{budget_mib} MiB");
        }
        let many = Passwords { memory_kib: 19 * 1024, ..Passwords::default() }.pool(64).unwrap();
        assert_eq!(many.reserve_kib, 64 * 19 * MIB, "one hash for each worker, where that is more");
        let passwords = Passwords { memory_budget_mib: 18, ..Passwords::default() };
        assert!(passwords.pool(4).unwrap_err().to_string().contains("one hash takes 19 MiB"));
    }
}
