//! Why an engine does not open.

use std::fmt;

use auth_core::StoreError;

/// Why an engine does not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The store can't be read.
    Store(StoreError),
    /// The store's secrets are sealed under another key ring.
    OtherKeyRing,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the store can't be read"),
            Self::OtherKeyRing => f.write_str(
                "the store is sealed under another key ring: Zulip API keys, TOTP devices and backup codes in it \
                 can't be read with this one, and tokens that were signed before are not good; bring back the key \
                 file that the store was made with",
            ),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::OtherKeyRing => None,
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
