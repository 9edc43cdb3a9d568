//! Argon2 (RFC 9106) with fast kernels for Argon2id: AVX-512, AVX2, SSSE3, NEON and a portable one, chosen at run time.
//!
//! * [`hash_into`] hashes one password. [`hash_batch`] hashes several with the same parameters, which takes less time
//!   than one after the other.
//! * [`Params`] holds only values that Argon2 accepts.
//! * [`Memory`] is reused from hash to hash and wiped when dropped.
//! * [`Options`] selects a [`Kernel`] and a number of threads. The default is the fastest kernel on the calling thread.
//!
//! The kernels compute Argon2id of version 19. Argon2d, Argon2i and version 16 are computed by the `argon2` crate.
//!
//! Without the features `password-hash` and `getrandom`, this crate never draws a salt, compares hashes, or reads or
//! writes a string format. It never opens a file or asks the time.
//!
//! # Example
//!
//! ```
//! use auth_argon2::{Algorithm, Input, Job, Memory, Params, hash_batch, hash_into};
//!
//! let mut memory = Memory::new();
//! // 64 KiB keep this example fast. `Params::default()` is 19 MiB.
//! let params = Params::new(64, 2, 1)?;
//! let input = Input::new(b"abcd1234", b"0123456789abcdef");
//! let mut hash = [0; 32];
//! hash_into(Algorithm::default(), params, input, &mut memory, &mut hash)?;
//! assert_eq!(hash[..4], [0x64, 0xc2, 0x33, 0xd0]);
//!
//! // Two passwords at once: the first is the same as above.
//! let (mut same, mut other) = ([0; 32], [0; 32]);
//! let mut jobs =
//!     [Job { input, out: &mut same }, Job { input: Input { password: b"abcd1235", ..input }, out: &mut other }];
//! hash_batch(Algorithm::default(), params, &mut jobs, &mut memory)?;
//! assert!(same == hash && other != hash);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! * `std`, on by default: threads for the lanes of a hash. Without it the crate needs `alloc` alone.
//! * `password-hash`: the module `argon2`, which has the interface of the `argon2` crate and reads and writes PHC strings.
//! * `getrandom`: the same, with salts from the system.
//!
//! # Debug builds
//!
//! Without optimization a hash takes a hundred times as long. These lines in the `Cargo.toml` of the program help:
//!
//! ```toml
//! [profile.dev.package.auth-argon2]
//! opt-level = 3
//! ```
//!
//! # Adding a kernel
//!
//! 1. Implement `Compress` in a file under `kernel/`.
//! 2. Add the kernel's name and its run-time check to `kernel.rs`.
//!
//! The tests run every kernel that the machine supports.

#![cfg_attr(not(any(feature = "std", test)), no_std)]

extern crate alloc;

mod algorithm;
#[cfg(feature = "password-hash")]
pub mod argon2;
mod argon2id;
mod blake2b;
mod block;
mod compress;
mod error;
mod fallback;
mod fill;
mod hash;
mod job;
mod kernel;
mod memory;
mod options;
mod params;
mod segment;

pub use algorithm::{Algorithm, Variant, Version};
pub use error::Error;
pub use hash::{hash_batch, hash_batch_with, hash_into, hash_into_with};
pub use job::{Input, Job, MAX_ASSOCIATED_DATA, MIN_OUTPUT, MIN_SALT};
pub use kernel::Kernel;
pub use memory::{Memory, OutOfMemory};
pub use options::Options;
pub use params::{Params, ParamsError};

/// Runs the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
