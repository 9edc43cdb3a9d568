//! Why a command of an operator did nothing.

use std::fmt;

use auth_core::{ProtocolName, StoreError};
use auth_crypto::password::StoredPasswordError;
use auth_crypto::pool::OverBudget;
use auth_engine::{MOST_NAMED, PasswordError};

/// Why a command of an operator did nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum AdminError {
    /// The store can't do it.
    Store(StoreError),
    /// No realm has that name.
    NoRealm,
    /// No user has that name.
    NoUser,
    /// More than one realm has a user of that name.
    SeveralRealms,
    /// The password was not set, and why.
    Password(PasswordError),
    /// The hashing queue is full.
    Busy,
    /// No entry of a directory can have that id.
    BadEntry,
    /// Another account belongs to the entry of that id.
    EntryOfAnother,
    /// The account has no e-mail address.
    NoAddress,
    /// The account's password is kept in a directory.
    OfDirectory,
    /// The account is deactivated.
    Inactive,
    /// The name of an app password has control characters.
    BadName,
    /// The account has as many app passwords as it may have.
    TooManyAppPasswords,
    /// An app password of a person is not for a protocol that can ask for a code.
    HasSecondStep(ProtocolName),
    /// The account has no password here, or one that can't be verified, and why.
    NoPassword(StoredPasswordError),
    /// The account's password needs more memory than the hashing pool has, and how much.
    OverBudget(OverBudget),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the store can't do it"),
            Self::NoRealm => f.write_str("there is no such realm"),
            Self::NoUser => f.write_str("there is no such user"),
            Self::SeveralRealms => f.write_str("several realms have a user of that name: say which"),
            Self::Password(error) => error.fmt(f),
            Self::Busy => f.write_str("the hashing queue is full"),
            Self::BadEntry => {
                f.write_str("that is no id of an entry, such as `auth-server ldap check` shows it")
            }
            Self::EntryOfAnother => f.write_str(
                "another account belongs to that entry: `auth-server user show` finds it by the id",
            ),
            Self::NoAddress => f.write_str("the account has no e-mail address"),
            Self::OfDirectory => f.write_str("the account's password is that of its directory: set it there"),
            Self::Inactive => f.write_str("the account is deactivated: `auth-server user activate` first"),
            Self::BadName => f.write_str("the name has control characters"),
            Self::TooManyAppPasswords => {
                write!(f, "the account has {MOST_NAMED} app passwords: revoke one first")
            }
            Self::HasSecondStep(protocol) => write!(
                f,
                "the {protocol} protocol can ask for a second factor: there only bots have app passwords"
            ),
            Self::NoPassword(_) => f.write_str("the password can't be tried"),
            Self::OverBudget(_) => {
                f.write_str("the stored password needs more memory than [passwords] memory_budget_mib allows")
            }
        }
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Password(error) => error.source(),
            Self::NoPassword(error) => Some(error),
            Self::OverBudget(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PasswordError> for AdminError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::NoRealm => Self::NoRealm,
            PasswordError::NoUser => Self::NoUser,
            other => Self::Password(other),
        }
    }
}
