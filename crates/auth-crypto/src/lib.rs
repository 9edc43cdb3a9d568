//! Everything in the house that computes on secrets.
//!
//! Stored passwords and their hashing ([`password`], [`pool`], [`strength`]), what a log-in gives ([`opaque`],
//! [`jwt`], [`zettel_token`]), what it takes besides ([`totp`], [`assertion`]), and how secrets are kept
//! ([`keyring`], [`seal`]). This crate never does I/O, asks no clock, and takes random bytes from an
//! [`auth_core::Rng`]; the pool alone has threads. It judges secrets, not users: who may log in is the engine's.
//!
//! # A running example
//!
//! ```
//! use auth_core::{Password, SeededRng};
//! use auth_crypto::argon2::{Memory, Params};
//! use auth_crypto::password::{self, HashingRule, NameContext, Secret, StoredPassword, Upgrade, Verdict};
//!
//! let rule = HashingRule { params: Params::new(64, 2, 1)?, digest_ready: false };
//! let secret = Secret::Password(Password::new("abcd1234"));
//! let mut memory = Memory::new();
//!
//! let stored = password::hash(&secret, &rule, &SeededRng::new(1), &mut memory)?;
//! assert!(stored.expose().starts_with("$argon2id$v=19$m=64,t=2,p=1$"));
//!
//! let stored = StoredPassword::parse(&stored)?;
//! let verdict = password::verify(Some(&stored), &secret, &rule, &NameContext::default(), &mut memory)?;
//! assert_eq!(verdict, Verdict::Match { upgrade: Upgrade::None });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # To add a password scheme
//!
//! Write a module beside those in `password` that parses a record of it, says what it costs, and compares in
//! constant time; give it a tag in [`StoredPassword::parse`](password::StoredPassword::parse), a bound on its
//! cost, and a file of vectors.
//!
//! # To add a purpose to the key ring
//!
//! Add a [`keyring::Purpose`] with a label that was never used before.

pub use auth_argon2 as argon2;

pub mod assertion;
pub mod jwt;
pub mod keyring;
pub mod opaque;
pub mod password;
pub mod pool;
pub mod seal;
pub mod strength;
pub mod totp;
pub mod zettel_token;
