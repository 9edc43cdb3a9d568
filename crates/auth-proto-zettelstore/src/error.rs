//! The errors of the protocol: everything that a handler answers in place of a success.

use std::time::Duration;

use auth_core::{InternalError, LoginError, Timestamp, TokenError};

use crate::decode::DecodeError;

/// An error, and when its answer may be sent.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) kind: ErrorKind,
    /// The moment before which the answer must not be sent.
    pub(crate) not_before: Option<Timestamp>,
}

/// What went wrong. Each kind has an answer of its own.
#[derive(Debug)]
pub(crate) enum ErrorKind {
    /// An HTTP/1.1 request has no `Host` header.
    NoHost,
    /// A path or a form can't be decoded.
    Malformed,
    /// The path lies outside the URL prefix.
    OutsidePrefix,
    /// The path is unknown.
    UnknownPath,
    /// The path doesn't know the method.
    MethodNotAllowed,
    /// The command is unknown or missing.
    UnknownCommand,
    /// The login was refused. The answer doesn't tell why.
    LoginRefused,
    /// A token is missing, or can't be renewed.
    NotRenewed,
    /// A token is missing, or refused.
    Unauthenticated,
    /// There were too many attempts.
    Limited { retry_after: Duration },
    /// The request could not be judged.
    Internal(InternalError),
}

impl ApiError {
    /// Delays the answer.
    pub(crate) fn not_before(mut self, moment: Option<Timestamp>) -> Self {
        self.not_before = moment;
        self
    }

    /// Answers a refused token as PUT `/a` does.
    pub(crate) fn of_renewal(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => error.into(),
            _ => ErrorKind::NotRenewed.into(),
        }
    }
}

impl From<ErrorKind> for ApiError {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, not_before: None }
    }
}

impl From<DecodeError> for ApiError {
    fn from(_: DecodeError) -> Self {
        ErrorKind::Malformed.into()
    }
}

impl From<InternalError> for ApiError {
    fn from(error: InternalError) -> Self {
        ErrorKind::Internal(error).into()
    }
}

/// All refusals look the same but limits: a client is told to wait, since waiting helps.
impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
                ErrorKind::Limited { retry_after }.into()
            }
            LoginError::Internal(error) => error.into(),
            _ => ErrorKind::LoginRefused.into(),
        }
    }
}

/// The answer of the check command, which tells no reasons.
impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => error.into(),
            _ => ErrorKind::Unauthenticated.into(),
        }
    }
}
