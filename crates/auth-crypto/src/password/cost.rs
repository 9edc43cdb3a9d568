//! What verifications may cost, and about how long they take.
//!
//! The bounds hold wherever a stored string is read, at import and at log-in, before anything is hashed: a record
//! must not be able to hold a core for a minute or the machine's memory.

use std::time::Duration;

use auth_argon2::Params;

/// The most Argon2 memory: 1 GiB, in KiB.
pub const MAX_MEMORY_KIB: u32 = 1 << 20;

/// The most Argon2 iterations.
pub const MAX_ITERATIONS: u32 = 64;

/// The most Argon2 lanes.
pub const MAX_LANES: u32 = 64;

/// The most Argon2 memory times iterations, in KiB: 4 GiB written, some seconds of one core.
pub const MAX_KIB_PASSES: u64 = 4 << 20;

/// The most PBKDF2 iterations: ten times those of Django 5.2.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// The highest bcrypt cost: some seconds of one core.
pub const MAX_BCRYPT_COST: u32 = 16;

/// Whether a hash with these parameters may be verified here, and so may be made.
#[must_use]
pub fn is_affordable(params: Params) -> bool {
    params.memory_kib() <= MAX_MEMORY_KIB
        && params.iterations() <= MAX_ITERATIONS
        && params.lanes() <= MAX_LANES
        && kib_passes(params) <= MAX_KIB_PASSES
}

// The rates are those of one core of a server of 2026, in round numbers.

pub(crate) fn argon2_time(params: Params) -> Duration {
    const KIB_PASSES_PER_MICROSECOND: u64 = 3;
    Duration::from_micros(kib_passes(params) / KIB_PASSES_PER_MICROSECOND)
}

pub(crate) fn pbkdf2_time(iterations: u32) -> Duration {
    const NANOSECONDS_PER_ITERATION: u64 = 250;
    Duration::from_nanos(u64::from(iterations) * NANOSECONDS_PER_ITERATION)
}

pub(crate) fn bcrypt_time(cost: u32) -> Duration {
    const AT_COST_ZERO: Duration = Duration::from_micros(50);
    AT_COST_ZERO * (1 << cost.min(MAX_BCRYPT_COST))
}

fn kib_passes(params: Params) -> u64 {
    u64::from(params.memory_kib()) * u64::from(params.iterations())
}
