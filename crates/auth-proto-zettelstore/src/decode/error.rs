//! The error of decoding.

use std::fmt;

/// A form or a query can't be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "clients are told no more than this")]
pub struct DecodeError;

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the form or query is malformed")
    }
}

impl std::error::Error for DecodeError {}
