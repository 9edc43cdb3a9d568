//! The error that a handler answers in place of a success.

use std::time::Duration;

use auth_core::{Answer, InternalError, LoginError, RequestError, TokenError};

use crate::decode::DecodeError;
use crate::encode::error as encode;

/// Why a request is not answered with a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The parameters are not those of the call.
    BadParameters(DecodeError),
    /// The body was too large to be read.
    BodyTooLarge,
    /// The body did not come in time.
    BodyTooSlow,
    /// The body did not come whole.
    BodyBroken,
    /// The network that the request comes from is banned.
    Banned,
    /// The login or the token was refused. The answer doesn't tell why.
    Unauthorized,
    /// The account or its realm is deactivated.
    Blocked,
    /// Nothing is at this path.
    NotFound,
    /// The path doesn't know the method.
    MethodNotAllowed { allowed: &'static str },
    /// There were too many attempts.
    Limited { retry_after: Duration },
    /// The request could not be judged.
    Internal(InternalError),
}

impl ApiError {
    /// Renders the error.
    pub(crate) fn into_answer(self) -> Answer {
        let response = match self {
            Self::BadParameters(error) => encode::bad_parameters(&error),
            Self::BodyTooLarge => encode::body_too_large(),
            Self::BodyTooSlow => encode::body_too_slow(),
            Self::BodyBroken => encode::body_broken(),
            Self::Banned => encode::banned(),
            Self::Unauthorized => encode::unauthorized(),
            Self::Blocked => encode::blocked(),
            Self::NotFound => encode::not_found(),
            Self::MethodNotAllowed { allowed } => encode::method_not_allowed(allowed),
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
            RequestError::BodyBroken => Self::BodyBroken,
            RequestError::Banned => Self::Banned,
            RequestError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::BadParameters(error)
    }
}

impl From<InternalError> for ApiError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<LoginError> for ApiError {
    /// All refusals look the same but limits, since waiting helps there, and a deactivated account, which the login
    /// pipeline names after the password alone unless the operator wants it otherwise.
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
                Self::Limited { retry_after }
            }
            LoginError::UserInactive | LoginError::RealmInactive => Self::Blocked,
            LoginError::Internal(error) => Self::Internal(error),
            _ => Self::Unauthorized,
        }
    }
}

impl From<TokenError> for ApiError {
    /// The holder of a token is told that its account is deactivated, and no other reason.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::UserInactive | TokenError::RealmInactive => Self::Blocked,
            TokenError::Internal(error) => Self::Internal(error),
            _ => Self::Unauthorized,
        }
    }
}
