//! Errors of stores.

use std::fmt;

use crate::{NameKind, ProtocolName};

/// Why a store could not do a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The store can't be reached, or didn't answer in time. Nothing was changed.
    Unavailable(String),
    /// A commit may or may not have happened. Repeating the command does no harm.
    OutcomeUnknown(String),
    /// The store has another record of that name.
    Conflict(Conflict),
    /// The credential by which an act was to be done is gone. Nothing was changed.
    Revoked,
    /// The record was changed since it was read. Nothing was changed now.
    Changed,
    /// A record refers to one that is not there.
    Missing(&'static str),
    /// A stored record can't be read.
    Corrupt(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
            Self::OutcomeUnknown(why) => write!(f, "the outcome of a commit is unknown: {why}"),
            Self::Conflict(what) => write!(f, "{what} is taken"),
            Self::Revoked => f.write_str("the credential that was used is gone"),
            Self::Changed => f.write_str("the record was changed meanwhile"),
            Self::Missing(what) => write!(f, "there is no such {what}"),
            Self::Corrupt(what) => write!(f, "a stored record can't be read: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// The name that another record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// A realm's slug or subdomain.
    Realm,
    /// A login name in its realm.
    Name(NameKind),
    /// An id under which a protocol shows a user.
    ExternalId(ProtocolName),
    /// A credential that is looked up by the same digest.
    Credential,
    /// The name of a group in its realm.
    Group,
    /// The name of a key for administration, or the key itself.
    AdminKey,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realm => "the realm's subdomain",
            Self::Name(NameKind::UserName) => "the user name",
            Self::Name(NameKind::Email) => "the e-mail address",
            Self::Name(NameKind::Directory) => "the directory name",
            Self::ExternalId(ProtocolName::ZULIP) => "the Zulip id",
            Self::ExternalId(ProtocolName::ROCKETCHAT) => "the Rocket.Chat id",
            Self::ExternalId(ProtocolName::ZETTELSTORE) => "the Zettelstore id",
            Self::ExternalId(protocol) => return write!(f, "the {protocol} id"),
            Self::Credential => "a key or token",
            Self::Group => "the name of the group",
            Self::AdminKey => "the name of the admin key",
        })
    }
}
