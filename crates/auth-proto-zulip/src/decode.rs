//! Bytes to values. Pure functions; whatever comes in, they return.

pub mod basic;
pub mod client;
pub mod email;
pub mod header;
pub mod host;
pub mod multipart;
pub mod parameters;
pub mod urlencoded;

use std::fmt;

/// Why a request can't be read at all: each gives the bare HTML page with status 400, before routing
/// (zulip.md 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The host is missing letters it needs, has ones it may not have, or is not one of ours.
    Host,
    /// A form in a declared character set other than UTF-8.
    Charset,
    /// A multipart body without a usable boundary.
    Boundary,
    /// More than [`parameters::MAX_FIELDS`] fields.
    TooManyFields,
    /// A body larger than the protocol reads.
    TooLarge,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host is not acceptable",
            Self::Charset => "the form is not in UTF-8",
            Self::Boundary => "the multipart boundary is missing or malformed",
            Self::TooManyFields => "the request has too many fields",
            Self::TooLarge => "the body is too large",
        })
    }
}

impl std::error::Error for Malformed {}
