//! Error types: one for each operation of a [`Directory`](crate::Directory).

use std::time::Duration;

use auth_core::{FailureReason, InternalError};
use auth_outbound::CertificateFileError;

use crate::result_code;

/// The time after which a client may try again when all connections are in use.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a [`DirectoryConfig`](crate::DirectoryConfig) or a part of it is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no server, or its address can't be parsed.
    #[error("a server is written like ldap://host:389, starttls://host or ldaps://host")]
    InvalidServer,
    /// The service account has a name but no password. Many servers accept such a bind as an anonymous one.
    #[error("the service account has no password")]
    NoServicePassword,
    /// The named filter is no LDAP filter.
    #[error("the {0} is no LDAP filter such as (objectClass=person)")]
    InvalidFilter(&'static str),
    /// The named template lacks the placeholder `{user}`.
    #[error("the {0} has no {{user}} in it")]
    NoUserPlaceholder(&'static str),
    /// The named value is required and empty.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// The named value is no attribute name.
    #[error("the {0} is no name of an attribute")]
    InvalidAttribute(&'static str),
    /// The file of trusted certificates can't be used.
    #[error("the file of trusted certificates can't be used: {0}")]
    CertificateFile(#[from] CertificateFileError),
}

/// Why a directory gave no usable answer. The text contains no name and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// No connection could be made, or it broke; with the reason.
    #[error("the directory can't be reached: {0}")]
    Unreachable(String),
    /// The server took longer than the configured time.
    #[error("the directory didn't answer in time")]
    Timeout,
    /// The server answered with an LDAP result code that is no answer to the request.
    #[error("the directory answered with error {0} (RFC 4511, A.1)")]
    ResultCode(u32),
    /// The server rejected the service account's name or password, for this reason.
    #[error("the directory refused the service account with {0}")]
    ServiceAccount(String),
    /// The server gave a part of a list, and a limit of its own ended it.
    #[error(
        "the directory gave only a part of a list: its limits must let the service account read all (OpenLDAP: limits \
         dn.exact=… size.prtotal=unlimited)"
    )]
    Cut,
    /// Every server failed a moment ago, so none was tried.
    #[error("no server of the directory could be reached a moment ago")]
    NoServer,
    /// No connection became free in time.
    #[error("all connections to the directory are in use")]
    Busy,
}

impl DirectoryError {
    /// The error of a result code that is no success.
    pub(crate) fn of_code(code: u32) -> Self {
        if result_code::is_cut(code) { Self::Cut } else { Self::ResultCode(code) }
    }

    /// Whether another server may succeed. A request that is refused for its own sake, and a mistake in the
    /// configuration, fail on every server.
    pub(crate) fn is_server_failure(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout => true,
            Self::ResultCode(code) => result_code::is_server_failure(*code),
            Self::ServiceAccount(_) | Self::Cut | Self::NoServer | Self::Busy => false,
        }
    }
}

impl From<DirectoryError> for InternalError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Busy => Self::busy(RETRY_AFTER),
            other => Self::unavailable(other),
        }
    }
}

/// Why a name and a password don't log in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No entry goes by the name.
    #[error("no entry goes by that name")]
    UnknownName,
    /// An entry goes by the name but can't log in.
    #[error("{}", .0.as_str())]
    Rejected(FailureReason),
    /// The directory gave no usable answer.
    #[error(transparent)]
    Unavailable(#[from] DirectoryError),
}
