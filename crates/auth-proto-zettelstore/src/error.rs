//! The error that a handler answers in place of a success.

use std::time::Duration;

use auth_core::{Answer, InternalError, LoginError, RequestError, TokenError};

use crate::decode::DecodeError;
use crate::encode::error as encode;

/// Why a request is not answered with a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// An HTTP/1.1 request has no `Host` header.
    NoHost,
    /// A path, a form or a body can't be decoded.
    Malformed,
    /// The body did not come in time.
    BodyTooSlow,
    /// The network that the request comes from is banned.
    Banned,
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
    NotAuthenticated,
    /// There were too many attempts.
    Limited { retry_after: Duration },
    /// The request could not be judged.
    Internal(InternalError),
}

impl ApiError {
    /// The answer of PUT `/a` to a token that it can't renew.
    pub(crate) fn of_renewal(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => Self::Internal(error),
            _ => Self::NotRenewed,
        }
    }

    /// Renders the error.
    pub(crate) fn into_answer(self) -> Answer {
        let response = match self {
            Self::NoHost => encode::no_host(),
            Self::Malformed => encode::bad_request(),
            Self::BodyTooSlow => encode::body_too_slow(),
            Self::Banned => encode::banned(),
            Self::OutsidePrefix => encode::not_found(),
            Self::UnknownPath => encode::not_found_page(),
            Self::MethodNotAllowed => encode::method_not_allowed(),
            Self::UnknownCommand => encode::unknown_command(),
            Self::LoginRefused => encode::login_refused(),
            Self::NotRenewed => encode::not_renewed(),
            Self::NotAuthenticated => encode::not_authenticated(),
            Self::Limited { retry_after } => encode::limited(retry_after),
            Self::Internal(error) => return Answer::failed(encode::internal_error(error.kind()), error),
        };
        response.into()
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::BodyTooSlow => Self::BodyTooSlow,
            RequestError::BodyBroken => Self::Malformed,
            RequestError::Banned => Self::Banned,
            RequestError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<DecodeError> for ApiError {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

impl From<InternalError> for ApiError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<LoginError> for ApiError {
    /// All refusals look the same but limits, since waiting helps there.
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
                Self::Limited { retry_after }
            }
            LoginError::Internal(error) => Self::Internal(error),
            _ => Self::LoginRefused,
        }
    }
}

impl From<TokenError> for ApiError {
    /// The answer of the check command, which tells no reasons.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => Self::Internal(error),
            _ => Self::NotAuthenticated,
        }
    }
}
