//! Section `[passwords]`: the parameters of hashes, the hashing pool, and the strength of new passwords.

use std::time::Duration;

use auth_core::StrengthRule;
use auth_crypto::argon2::Params;
use auth_crypto::password::is_affordable;
use auth_crypto::pool::PoolConfig;
use auth_engine::FailureDelay;
use serde::de::{self, Deserialize, Deserializer};

use super::{ConfigError, Span};
use crate::response::LONGEST_DELAY;

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
    pub min_length: u32,
    /// The fewest guesses that a new password may take, as zxcvbn estimates.
    pub min_guesses: u64,
    /// Hashing threads; 0 for one per core.
    pub workers: u32,
    /// The most hashes that a thread computes side by side.
    pub interleave: u32,
    /// The memory of all threads together, in MiB; 0 for as much as `interleave` new hashes on each thread take.
    pub memory_budget_mib: u32,
    /// The most logins that wait for a thread.
    pub queue: u32,
    /// How long a login waits for a thread at most.
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
        Self {
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
            min_length: 8,
            min_guesses: 10_000,
            workers: 0,
            interleave: 3,
            memory_budget_mib: 0,
            queue: 1024,
            max_wait: Span::secs(10),
            failure_grid: FailureDelay::default(),
            revoke_on_password_change: None,
        }
    }
}

impl Passwords {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.pool(1).map(drop)
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

    /// The hashing pool on a machine with `cores` cores. There are fewer workers where the memory budget doesn't hold one
    /// new hash for each of them.
    ///
    /// # Errors
    /// [`ConfigError`] when the budget doesn't hold one new hash.
    pub fn pool(&self, cores: usize) -> Result<PoolConfig, ConfigError> {
        let hash_kib = self.params()?.memory_kib() as usize;
        let workers = match self.workers as usize {
            0 => cores.max(1),
            given => given,
        };
        let interleave = self.interleave.max(1) as usize;
        let memory_kib = match self.memory_budget_mib as usize {
            0 => workers.saturating_mul(interleave).saturating_mul(hash_kib),
            given => given.saturating_mul(1024),
        };
        let workers = workers.min(memory_kib / hash_kib);
        if workers == 0 {
            let needed = hash_kib.div_ceil(1024);
            return Err(ConfigError::new(format!(
                "[passwords] memory_budget_mib: one hash takes {needed} MiB; set at least this, or 0"
            )));
        }
        let queue = self.queue as usize;
        Ok(PoolConfig { workers, queue, interleave, memory_kib, deadline: self.max_wait.0 })
    }

    /// What new passwords must fulfil.
    pub(super) fn strength(&self) -> StrengthRule {
        StrengthRule { min_length: self.min_length, min_guesses: self.min_guesses }
    }
}

/// Reads `"auto"`, `"off"`, or the width of a fixed failure delay.
fn failure_delay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FailureDelay, D::Error> {
    let wrong =
        || de::Error::custom("failure_grid must be \"auto\", \"off\", or a width from \"1ms\" to \"5s\"");
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "auto" => Ok(FailureDelay::Auto),
        "off" => Ok(FailureDelay::Off),
        _ => {
            let width = Span::parse(&text).map_err(|_| wrong())?.0;
            let is_allowed = (MIN_WIDTH..=LONGEST_DELAY).contains(&width);
            if is_allowed { Ok(FailureDelay::Fixed(width)) } else { Err(wrong()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_budget_bounds_width_and_then_workers() {
        const MIB: usize = 1024;
        for (budget_mib, workers, width, memory_mib) in
            [(0, 4, 3, 4 * 3 * 19), (200, 4, 2, 200), (80, 4, 1, 80), (40, 2, 1, 40), (19, 1, 1, 19)]
        {
            let passwords =
                Passwords { memory_kib: 19 * 1024, memory_budget_mib: budget_mib, ..Passwords::default() };
            let pool = passwords.pool(4).unwrap();
            let found = (pool.workers, pool.width(passwords.params().unwrap()), pool.memory_kib);
            assert_eq!(found, (workers, width, memory_mib * MIB), "{budget_mib} MiB");
        }
        let passwords = Passwords { memory_budget_mib: 18, ..Passwords::default() };
        assert!(passwords.pool(4).unwrap_err().to_string().contains("one hash takes 19 MiB"));
    }
}
