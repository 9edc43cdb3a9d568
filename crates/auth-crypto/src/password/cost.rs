//! Bounds on what a verification may cost, estimates of how long it takes, and the memory that it takes.
//!
//! The bounds apply wherever a stored string is parsed, on import and on login, before anything is hashed: no record
//! may occupy a core for a minute or take all of the machine's memory.

use std::time::Duration;

use auth_argon2::Params;

/// The most Argon2 memory, in KiB: 1 GiB.
pub const MAX_MEMORY_KIB: u32 = 1 << 20;

/// The most Argon2 iterations.
pub const MAX_ITERATIONS: u32 = 64;

/// The most Argon2 lanes.
pub const MAX_LANES: u32 = 64;

/// The most Argon2 memory times iterations, in KiB: 4 GiB are written in all, which takes some seconds on one core.
pub const MAX_KIB_PASSES: u64 = 4 << 20;

/// The most PBKDF2 iterations: ten times the number of Django 5.2.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// The highest bcrypt cost, which takes some seconds on one core.
pub const MAX_BCRYPT_COST: u32 = 16;

/// Returns whether hashes with these parameters are within the bounds, and so can be made and verified.
#[must_use]
pub fn is_affordable(params: Params) -> bool {
    params.memory_kib() <= MAX_MEMORY_KIB
        && params.iterations() <= MAX_ITERATIONS
        && params.lanes() <= MAX_LANES
        && kib_passes(params) <= MAX_KIB_PASSES
}

// The estimates are round numbers for one core of a server of 2026.

pub(super) fn argon2_time(params: Params) -> Duration {
    const KIB_PASSES_PER_MICROSECOND: u64 = 3;
    Duration::from_micros(kib_passes(params) / KIB_PASSES_PER_MICROSECOND)
}

pub(super) fn pbkdf2_time(iterations: u32) -> Duration {
    const NANOSECONDS_PER_ITERATION: u64 = 250;
    Duration::from_nanos(u64::from(iterations) * NANOSECONDS_PER_ITERATION)
}

pub(super) fn bcrypt_time(cost: u32) -> Duration {
    const AT_COST_ZERO: Duration = Duration::from_micros(50);
    AT_COST_ZERO * (1 << cost.min(MAX_BCRYPT_COST))
}

/// The memory of a hash, in KiB.
pub(super) fn argon2_kib(params: Params) -> usize {
    usize::try_from(params.memory_kib()).unwrap_or(usize::MAX)
}

fn kib_passes(params: Params) -> u64 {
    u64::from(params.memory_kib()) * u64::from(params.iterations())
}
