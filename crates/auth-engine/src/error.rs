//! Why an engine does not open.

use std::fmt;
use std::io;

use auth_core::StoreError;

#[cfg(feature = "key-file")]
use crate::key_file::KeyFileError;

/// Why an engine does not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The store can't be read.
    Store(StoreError),
    /// The store's secrets are sealed under another key ring.
    OtherKeyRing,
    /// The store is bound to a key ring that is not where this engine looks for it.
    KeyRingElsewhere,
    /// The key file can't be used.
    #[cfg(feature = "key-file")]
    KeyFile(KeyFileError),
    /// A thread of the hashing pool can't be started.
    Threads(io::Error),
    /// New passwords would cost more than a stored password may.
    CostlyPasswords,
    /// The hashing pool has not the memory for one new password.
    SmallPool,
    /// Two password backends have this name, or one has that of the local one.
    SameBackend(String),
    /// Rights are configured for a directory of this name, and no password backend has it.
    DirectoryWithoutBackend(String),
    /// The password backend of this name is a directory, and no rights over accounts are configured for it.
    DirectoryWithoutRights(String),
    /// A realm asks a password backend that this engine lacks.
    UnknownBackend {
        /// The realm's slug.
        realm: String,
        /// The name of the backend.
        backend: String,
    },
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
            Self::KeyRingElsewhere => f.write_str(
                "the store is bound to a key ring that was not found: bring back its key file, or hand over the key \
                 ring that the store was made with",
            ),
            #[cfg(feature = "key-file")]
            Self::KeyFile(error) => error.fmt(f),
            Self::Threads(_) => f.write_str("a thread of the hashing pool can't be started"),
            Self::CostlyPasswords => {
                f.write_str("the parameters of new passwords cost more than a stored password may")
            }
            Self::SmallPool => f.write_str("the hashing pool has not the memory for one new password"),
            Self::SameBackend(name) => write!(f, "two password backends have the name `{name}`"),
            Self::DirectoryWithoutBackend(name) => {
                write!(f, "the configuration names a directory `{name}`, but there is no such password backend")
            }
            Self::DirectoryWithoutRights(name) => {
                write!(f, "the password backend `{name}` is a directory, but the configuration gives it no rights")
            }
            Self::UnknownBackend { realm, backend } => {
                write!(f, "the realm {realm} asks `{backend}` for passwords, but there is no such password backend")
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            #[cfg(feature = "key-file")]
            Self::KeyFile(error) => error.source(),
            Self::Threads(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(feature = "key-file")]
impl From<KeyFileError> for OpenError {
    fn from(error: KeyFileError) -> Self {
        Self::KeyFile(error)
    }
}
