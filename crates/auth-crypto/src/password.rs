//! Stored passwords: strings whose prefix names the scheme.
//!
//! | string | scheme and input |
//! | --- | --- |
//! | `$argon2id$…` | Argon2 of the password, as a PHC string: the form of new hashes |
//! | `sha256-hex:$argon2id$…` | Argon2 of SHA-256 of the password in hexadecimal; verifies the password and the digest that Rocket.Chat clients send in its place |
//! | `argon2$argon2id$…` | Argon2 of the password, as Django writes it |
//! | `bcrypt$$2b$…`, `bcrypt_sha256$$2b$…` | bcrypt of the password, and of its SHA-256 in hexadecimal, as Django writes them |
//! | `pbkdf2_sha256$…` | PBKDF2 of the password, as Django writes it |
//! | `rocketchat$$2b$…` | bcrypt of SHA-256 of the password in hexadecimal |
//! | `zettelstore$$2a$…` | bcrypt of the zettel id, the user name and the password |
//! | `zettelstore$@ID@NAME@$2a$…` | the same, made before the user got another name |
//! | `$2a$…`, `$2b$…`, `$2y$…` | bcrypt of the password |
//! | `wrapped:OLD:$argon2id$…` | Argon2id of the tag of an older hash; OLD is the older string with its tag blanked |
//! | `!…`, or empty | no password |
//!
//! Strings are parsed by their prefix and never by trial. Only `sha256-hex:` and `rocketchat$` verify a digest, so
//! that an unsalted SHA-256 leaked elsewhere doesn't open every other account.
//!
//! [`hash`](hash()) and [`verify`] are for programs that keep passwords as strings and log people in by them. Servers with
//! stored passwords of several systems call [`verify_secret`], [`hash_secret`] and [`wrap`], which compute on the calling thread,
//! or a pool.
//!
//! # Examples
//!
//! Verify a hash that was made with other parameters, and make a current one:
//!
//! ```
//! use auth_core::{Password, PasswordString, SystemRng};
//! use auth_crypto::argon2::{Memory, Params};
//! use auth_crypto::password::{
//!     self, HashingRule, NameContext, SecretInput, StoredPassword, Upgrade, Verdict,
//! };
//!
//! let secret = SecretInput::Password(Password::new("abcd1234"));
//! let mut memory = Memory::new();
//! let weak = HashingRule { params: Params::new(64, 1, 1)?, digest_ready: false };
//! let rule = HashingRule { params: Params::new(64, 2, 1)?, digest_ready: false };
//!
//! let stored = StoredPassword::parse(&password::hash_secret(&secret, &weak, &SystemRng, &mut memory)?)?;
//! let verdict = password::verify_secret(Some(&stored), &secret, &rule, &NameContext::default(), &mut memory)?;
//! assert_eq!(verdict, Verdict::Match { upgrade: Upgrade::Obsolete });
//! let stored = password::hash_secret(&secret, &rule, &SystemRng, &mut memory)?;
//! assert!(stored.expose().starts_with("$argon2id$v=19$m=64,t=2,p=1$"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod argon2;
#[cfg(feature = "bcrypt")]
mod bcrypt;
mod computation;
mod cost;
mod decimal;
mod error;
mod hashing_rule;
mod import;
mod input;
mod made_for;
#[cfg(not(feature = "bcrypt"))]
mod no_bcrypt;
mod old_hash;
mod pbkdf2;
mod phc;
mod schemes;
mod simple;
mod steps;
mod stored;
mod verdict;
mod wrapped;

pub use auth_core::SecretInput;
#[cfg(feature = "pool")]
pub(crate) use computation::Computation;
pub(crate) use computation::compute;
pub use cost::{
    MAX_BCRYPT_COST, MAX_ITERATIONS, MAX_KIB_PASSES, MAX_LANES, MAX_MEMORY_KIB, MAX_PBKDF2_ITERATIONS,
    is_affordable,
};
pub use error::StoredPasswordError;
pub use hashing_rule::HashingRule;
pub use import::{HashImportError, check_import};
pub use input::{MAX_ZETTELSTORE_NAME, NameContext};
#[cfg(not(feature = "bcrypt"))]
use no_bcrypt as bcrypt;
pub use old_hash::OldHash;
#[cfg(feature = "pool")]
pub(crate) use schemes::NEW_SCHEME;
pub use simple::{PasswordError, hash, verify};
#[cfg(feature = "pool")]
pub(crate) use steps::batch_params;
pub(crate) use steps::{begin_hash, begin_verify, begin_wrap, finish_hash, finish_verify, finish_wrap};
pub use stored::StoredPassword;
pub use verdict::{Upgrade, Verdict};

use std::slice;

use auth_argon2::{Memory, OutOfMemory};
use auth_core::{PasswordString, Rng};

/// Verifies a secret against a stored password.
///
/// Without a stored password (`None`: there is no such account, or its string can't be parsed), the work of a wrong
/// password on a current record is done, and the verdict is [`Verdict::NoMatch`]. A secret that this record can't
/// verify costs the same as a wrong one.
///
/// # Errors
/// [`OutOfMemory`]: nothing is known about the secret.
pub fn verify_secret(
    stored: Option<&StoredPassword>,
    secret: &SecretInput,
    rule: &HashingRule,
    context: &NameContext,
    memory: &mut Memory,
) -> Result<Verdict, OutOfMemory> {
    if let Some(mut computation) = begin_verify(stored, secret, rule, context) {
        compute(slice::from_mut(&mut computation), memory)?;
        return Ok(finish_verify(stored, secret, rule, &computation));
    }
    let Some(stored) = stored else { return Ok(Verdict::NoMatch) };
    let input = stored.bytes(secret, context);
    let bytes = input.as_deref().map_or(&[][..], |bytes| bytes);
    if !stored.matches(bytes, memory)? || input.is_none() {
        return Ok(Verdict::NoMatch);
    }
    // The part of a password that bcrypt ignores is not known to be right, so no new hash is made of it.
    let upgrade = if stored.truncates(bytes) { Upgrade::None } else { stored.upgrade(secret, rule) };
    Ok(Verdict::Match { upgrade })
}

/// Makes a stored string by the rule, with a random salt.
///
/// A digest becomes a hash over SHA-256 even if `rule.digest_ready` is not set. A secret that can't match anything (a
/// password longer than [`Password::MAX_BYTES`](auth_core::Password::MAX_BYTES), or a digest that is not one) becomes
/// a string that no secret matches: check for it before.
///
/// # Errors
/// [`OutOfMemory`] if the system has no memory for the hash.
pub fn hash_secret(
    secret: &SecretInput,
    rule: &HashingRule,
    rng: &dyn Rng,
    memory: &mut Memory,
) -> Result<PasswordString, OutOfMemory> {
    let mut computation = begin_hash(secret, rule, rng);
    compute(slice::from_mut(&mut computation), memory)?;
    Ok(finish_hash(secret, rule, computation))
}

/// Wraps an older hash in Argon2id by the rule, so that the older one need not be stored any longer.
///
/// # Errors
/// [`OutOfMemory`] if the system has no memory for the hash.
pub fn wrap(
    old: &OldHash,
    rule: &HashingRule,
    rng: &dyn Rng,
    memory: &mut Memory,
) -> Result<PasswordString, OutOfMemory> {
    let mut computation = begin_wrap(old, rule, rng);
    compute(slice::from_mut(&mut computation), memory)?;
    Ok(finish_wrap(old, computation))
}

#[cfg(test)]
mod tests;
