//! Cryptography of a login server: stored passwords, tokens, one-time codes, and sealed secrets.
//!
//! | module | contents |
//! | --- | --- |
//! | [`password`] | stored passwords of several schemes: parse, verify, hash, wrap |
//! | `pool` | threads that hash passwords, shared fairly among clients |
//! | `strength` | the check of new passwords |
//! | [`opaque`] | random tokens, keys and codes |
//! | [`jwt`], [`assertion`] | signed JSON web tokens, and those by which another system names a user |
//! | [`zettel_token`] | Zettelstore's signed tokens |
//! | [`totp`] | time-based one-time codes |
//! | [`keyring`], [`seal`] | the keys of a server, and secrets that are sealed under them |
//! | [`argon2`] | the crate `auth-argon2`, which computes Argon2 |
//!
//! This crate does no I/O and reads no clock: the time is an argument, and random bytes come from an
//! [`auth_core::Rng`], but for [`password::hash`](password::hash()), which takes those of the system. Only the pool has threads. The crate verifies secrets and knows no users: who may log in is
//! decided by its callers.
//!
//! # Examples
//!
//! Hash a password and verify it:
//!
//! ```
//! use auth_crypto::password;
//!
//! let stored = password::hash("correct-horse-battery")?;
//! assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
//! assert!(password::verify("correct-horse-battery", &stored)?);
//! assert!(!password::verify("wrong", &stored)?);
//! # Ok::<(), password::PasswordError>(())
//! ```
//!
//! An async server submits the same work to a pool, which shares the processor among clients.
//!
//! # Features
//!
//! All are on by default.
//!
//! | feature | adds |
//! | --- | --- |
//! | `bcrypt` | stored passwords of bcrypt; without it, parsing one fails with an error that says so |
//! | `pool` | `pool`: threads that hash passwords |
//! | `strength` | `strength`: the check of new passwords |
//!
//! # Adding a password scheme
//!
//! Write a module beside those in `password` that parses a stored string, states its cost, and computes the tag of an
//! input. Give it a prefix and a name in the table of schemes (`password/schemes.rs`), a bound and an estimate
//! (`password/cost.rs`), and a file of test vectors.
//!
//! # Adding a purpose to the key ring
//!
//! Add a [`keyring::Purpose`] with a label that was never used before.

pub use auth_argon2 as argon2;

pub mod assertion;
pub mod jwt;
pub mod keyring;
pub mod opaque;
pub mod password;
#[cfg(feature = "pool")]
pub mod pool;
pub mod record_key;
pub mod seal;
#[cfg(feature = "strength")]
pub mod strength;
pub mod totp;
pub mod zettel_token;
