//! How passwords are hashed: the parameters of new hashes, and the pool's size.

use auth_crypto::argon2::Params;
use auth_crypto::password::is_affordable;
use auth_crypto::pool::PoolConfig;
use serde::Deserialize;

use super::{Config, ConfigError, Grid, Span};

/// How passwords are hashed, and what new ones must fulfil.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Passwords {
    /// Argon2id's memory in KiB.
    pub memory_kib: u32,
    /// Argon2id's passes.
    pub iterations: u32,
    /// Argon2id's lanes.
    pub lanes: u32,
    /// Fewest characters of a new password.
    pub min_length: u32,
    /// Fewest guesses of a new password, as zxcvbn estimates.
    pub min_guesses: u64,
    /// Threads that hash; 0 for as many as there are cores.
    pub workers: u32,
    /// Hashes that a thread computes in turns at most, when more than one waits.
    pub interleave: u32,
    /// Memory of all threads together, in MiB; 0 for as much as they need to do so with new hashes.
    pub memory_budget_mib: u32,
    /// Log-ins that may wait for a thread.
    pub queue: u32,
    /// How long one waits at most.
    pub max_wait: Span,
    /// When wrong passwords are told.
    pub failure_grid: Grid,
    /// Whether a change of password also ends keys, personal tokens and app passwords. By default it does,
    /// unless a protocol is `exact`.
    pub revoke_on_password_change: Option<bool>,
}

impl Config {
    /// Argon2id's parameters.
    ///
    /// # Errors
    /// [`ConfigError`] when Argon2 refuses them, or stored passwords may not cost as much.
    pub fn params(&self) -> Result<Params, ConfigError> {
        let Passwords { memory_kib, iterations, lanes, .. } = self.passwords;
        let at = "[passwords] memory_kib, iterations, lanes";
        let params = Params::new(memory_kib, iterations, lanes)
            .map_err(|error| ConfigError(format!("{at}: {error}")))?;
        if !is_affordable(params) {
            return Err(ConfigError(format!("{at}: more than a stored password may cost")));
        }
        Ok(params)
    }

    /// The pool on a machine with so many cores. Where the budget doesn't hold one new hash for each worker, there are
    /// fewer workers.
    ///
    /// # Errors
    /// [`ConfigError`] when the budget doesn't hold one new hash.
    pub fn pool(&self, cores: usize) -> Result<PoolConfig, ConfigError> {
        let passwords = &self.passwords;
        let hash_kib = self.params()?.memory_kib() as usize;
        let workers = match passwords.workers as usize {
            0 => cores.max(1),
            given => given,
        };
        let interleave = passwords.interleave.max(1) as usize;
        let memory_kib = match passwords.memory_budget_mib as usize {
            0 => workers.saturating_mul(interleave).saturating_mul(hash_kib),
            given => given.saturating_mul(1024),
        };
        let workers = workers.min(memory_kib / hash_kib);
        if workers == 0 {
            let needed = hash_kib.div_ceil(1024);
            return Err(ConfigError(format!(
                "[passwords] memory_budget_mib: one hash takes {needed} MiB: give as much, or 0"
            )));
        }
        let queue = passwords.queue as usize;
        Ok(PoolConfig { workers, queue, interleave, memory_kib, deadline: passwords.max_wait.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_bounds_width_and_then_workers() {
        const MIB: usize = 1024;
        for (budget_mib, workers, width, memory_mib) in
            [(0, 4, 3, 4 * 3 * 19), (200, 4, 2, 200), (80, 4, 1, 80), (40, 2, 1, 40), (19, 1, 1, 19)]
        {
            let mut config = Config::default();
            config.passwords.memory_kib = 19 * 1024;
            config.passwords.memory_budget_mib = budget_mib;
            let pool = config.pool(4).unwrap();
            let found = (pool.workers, pool.width(config.params().unwrap()), pool.memory_kib);
            assert_eq!(found, (workers, width, memory_mib * MIB), "{budget_mib} MiB");
        }
        let mut config = Config::default();
        config.passwords.memory_budget_mib = 18;
        assert!(config.pool(4).unwrap_err().to_string().contains("one hash takes 19 MiB"));
    }
}
