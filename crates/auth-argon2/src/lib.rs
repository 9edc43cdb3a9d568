//! Argon2 (RFC 9106), fast: Argon2id of version 19 on kernels for AVX-512 and AVX2, with a portable one beside them.
//!
//! [`Params`] can't hold values that Argon2 refuses, [`Memory`] is kept from one hash to the next and wiped when
//! dropped. [`hash_into`] hashes one password, [`hash_batch`] several at once, which is faster than one after the
//! other. Both work on the calling thread, with the fastest [`Kernel`] there is, unless told [`How`] else. Argon2d,
//! Argon2i and version 16 are left to the `argon2` crate. This crate never draws a salt, compares a tag, reads a
//! string format or asks what time it is: `auth-crypto` does.
//!
//! # A running example
//!
//! ```
//! use auth_argon2::{Algorithm, Input, Job, Memory, Params, hash_batch, hash_into};
//!
//! let mut memory = Memory::new();
//! let params = Params::new(64, 2, 1)?;
//! let input = Input::new(b"abcd1234", b"0123456789abcdef");
//! let mut tag = [0; 32];
//! hash_into(Algorithm::default(), params, input, &mut memory, &mut tag)?;
//! assert_eq!(tag[..4], [0x64, 0xc2, 0x33, 0xd0]);
//!
//! let (mut same, mut other) = ([0; 32], [0; 32]);
//! let mut jobs =
//!     [Job { input, out: &mut same }, Job { input: Input { password: b"abcd1235", ..input }, out: &mut other }];
//! hash_batch(Algorithm::default(), params, &mut jobs, &mut memory)?;
//! assert!(same == tag && other != tag);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # To add a kernel
//!
//! Implement `Compress` in a file under `kernel/`, give it a name and a condition in `kernel.rs`. The tests take
//! every kernel that the machine has.

mod algorithm;
mod argon2id;
mod blake;
mod fill;
mod hash;
mod kernel;
mod memory;
mod others;
mod params;

pub use algorithm::{Algorithm, Variant, Version};
pub use hash::{
    Error, How, Input, Job, MAX_ASSOCIATED_DATA, MIN_OUTPUT, MIN_SALT, hash_batch, hash_batch_with,
    hash_into, hash_into_with,
};
pub use kernel::Kernel;
pub use memory::{Memory, OutOfMemory};
pub use params::{Params, ParamsError};
