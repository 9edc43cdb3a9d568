//! The error that a handler answers in place of a success.

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{
    ActionError, Answer, FailureReason, InternalError, LoginError, RateLimitStatus, RequestError,
};

use crate::decode::DecodeError;
use crate::encode::{self, ErrorTexts};

/// Why a call is not answered with a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The call could not be judged.
    Internal(InternalError),
    /// The call takes a signed-in user.
    NotLoggedIn,
    /// The body is larger than the route's limit.
    BodyTooLarge,
    /// The body did not come in time.
    BodyTooSlow,
    /// The parameters are of the wrong types, and what is wrong with them.
    IllTyped(Cow<'static, str>),
    /// The login was refused.
    Login(LoginError),
    /// The action was refused, and the texts of the call.
    Action(ActionError, &'static ErrorTexts),
    /// The caller lacks the permission of the call.
    Forbidden(&'static str),
    /// The call can't be served.
    BadRequest(&'static str),
    /// The account has changed itself too often, or shown too many wrong passwords, and how long to wait.
    TooManyActs(Duration),
    /// The client has called too often.
    Limited(RateLimitStatus),
}

impl ApiError {
    /// The answer of calls for which a permission is checked before anything else.
    pub(crate) const NO_PERMISSION: Self =
        Self::Forbidden("User does not have the permissions required for this action [error-unauthorized]");

    /// The answer of calls that check the permission themselves.
    pub(crate) const UNAUTHORIZED: Self = Self::Forbidden("unauthorized");

    /// An action that was refused, in a call with its own texts.
    pub(crate) fn action(error: ActionError, texts: &'static ErrorTexts) -> Self {
        match error {
            ActionError::Internal(error) => Self::Internal(error),
            ActionError::TooManyActs(wait) | ActionError::TooManyAttempts(wait) => Self::TooManyActs(wait),
            error => Self::Action(error, texts),
        }
    }

    /// Renders the error.
    pub(crate) fn into_answer(self) -> Answer {
        match self {
            Self::Internal(error) => encode::internal_error(error),
            Self::NotLoggedIn => encode::not_logged_in(),
            Self::BodyTooLarge => encode::body_too_large(),
            Self::BodyTooSlow => encode::body_too_slow(),
            Self::IllTyped(reason) => encode::invalid_params(&reason),
            Self::Login(error) => encode::login_error(&error),
            Self::Action(error, texts) => encode::action_error(&error, texts),
            Self::Forbidden(reason) => encode::forbidden(reason),
            Self::BadRequest(reason) => encode::bad_request(reason),
            Self::TooManyActs(wait) => encode::too_many_requests(wait),
            Self::Limited(status) => encode::limited(&status),
        }
    }
}

/// What a client of a banned network is told.
const BANNED: &str = "Your network is banned";

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::BodyTooSlow => Self::BodyTooSlow,
            RequestError::BodyBroken => Self::BadRequest("The request's body is broken"),
            RequestError::Banned => Self::Forbidden(BANNED),
            RequestError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<InternalError> for ApiError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Internal(error) => Self::Internal(error),
            error => Self::Login(error),
        }
    }
}

impl From<ActionError> for ApiError {
    /// An action that was refused, in a call without texts of its own.
    fn from(error: ActionError) -> Self {
        Self::action(error, &ErrorTexts::GENERAL)
    }
}

impl From<DecodeError> for ApiError {
    /// A body without a login form is answered like a wrong password.
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Unrecognised => Self::Login(LoginError::Credentials(FailureReason::NotOffered)),
            DecodeError::IllTyped(reason) => Self::IllTyped(reason),
        }
    }
}
