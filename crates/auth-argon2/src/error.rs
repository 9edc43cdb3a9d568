//! The error of a hash.

use core::fmt;

use crate::job::{MAX_ASSOCIATED_DATA, MIN_OUTPUT, MIN_SALT};
use crate::memory::OutOfMemory;

/// An error of [`hash_into`](crate::hash_into) and its like. No output was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The salt has fewer than [`MIN_SALT`] bytes.
    SaltTooShort,
    /// The output has fewer than [`MIN_OUTPUT`] bytes.
    OutputTooShort,
    /// The associated data has more than [`MAX_ASSOCIATED_DATA`] bytes.
    AssociatedDataTooLong,
    /// An input or the output has 4 GiB or more.
    InputTooLong,
    /// The system refused the memory.
    OutOfMemory,
}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SaltTooShort => write!(f, "the salt is shorter than {MIN_SALT} bytes"),
            Self::OutputTooShort => write!(f, "the output is shorter than {MIN_OUTPUT} bytes"),
            Self::AssociatedDataTooLong => {
                write!(f, "the associated data is longer than {MAX_ASSOCIATED_DATA} bytes")
            }
            Self::InputTooLong => f.write_str("an input or the output has 4 GiB or more"),
            Self::OutOfMemory => OutOfMemory.fmt(f),
        }
    }
}

impl core::error::Error for Error {}
