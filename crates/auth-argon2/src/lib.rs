//! Argon2 (RFC 9106) with checked parameters and reusable memory: one call hashes one password.
//!
//! [`Params`] can't hold values that Argon2 refuses, [`Memory`] is kept from one hash to the next and wiped when
//! dropped, [`hash_into`] does the work on the calling thread. This crate never draws a salt, compares a tag,
//! reads a string format, starts a thread or asks what time it is: `auth-crypto` does.
//!
//! # A running example
//!
//! ```
//! use auth_argon2::{Algorithm, Input, Memory, Params, hash_into};
//!
//! let mut memory = Memory::new();
//! let params = Params::new(64, 2, 1)?;
//! let mut tag = [0; 32];
//! hash_into(Algorithm::default(), params, Input::new(b"abcd1234", b"0123456789abcdef"), &mut memory, &mut tag)?;
//! assert_eq!(tag[..4], [0x64, 0xc2, 0x33, 0xd0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod hash;
mod memory;
mod params;

pub use algorithm::{Algorithm, Variant, Version};
pub use hash::{Error, Input, MAX_ASSOCIATED_DATA, MIN_OUTPUT, MIN_SALT, hash_into};
pub use memory::{Memory, OutOfMemory};
pub use params::{Params, ParamsError};
