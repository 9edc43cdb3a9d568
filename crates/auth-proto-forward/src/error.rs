//! The error that a handler answers in place of a success.

use std::time::Duration;

use auth_core::{ActionError, Answer, InternalError, RequestError};

use crate::access::DoubtfulPath;
use crate::decode::question::QuestionError;
use crate::encode::error as encode;
use crate::encode::error::SignIn;
use crate::owner::OwnerError;

/// Why a request is not answered with a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ForwardError {
    /// There is nothing at the path.
    NotFound,
    /// The path doesn't know the method.
    MethodNotAllowed,
    /// The asker is no trusted proxy.
    Untrusted,
    /// The question can't be read.
    Question(QuestionError),
    /// A rule depends on the path, which can't be told with certainty.
    DoubtfulPath,
    /// The host is none that is asked about.
    UnknownHost,
    /// More than one credential came along.
    SeveralCredentials,
    /// No good credential came along.
    Unknown(SignIn),
    /// The account may not go there.
    Forbidden,
    /// The request was made by another page, or for a part of one.
    NotNavigated,
    /// There were too many attempts.
    Limited {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The body did not come in time.
    BodyTooSlow,
    /// The body can't be read.
    BodyBroken,
    /// The network that the request comes from is banned.
    Banned,
    /// The request could not be judged.
    Internal(InternalError),
}

impl ForwardError {
    /// Renders the error.
    pub(crate) fn into_answer(self) -> Answer {
        let response = match self {
            Self::NotFound => encode::not_found(),
            Self::MethodNotAllowed => encode::method_not_allowed(),
            Self::Untrusted => encode::untrusted(),
            Self::Question(error) => encode::bad_question(error),
            Self::DoubtfulPath => encode::doubtful_path(),
            Self::UnknownHost => encode::unknown_host(),
            Self::SeveralCredentials => encode::several_credentials(),
            Self::Unknown(sign_in) => {
                return Answer { not_before: sign_in.not_before, ..encode::unknown(&sign_in).into() };
            }
            Self::Forbidden => encode::forbidden(),
            Self::NotNavigated => encode::not_navigated(),
            Self::Limited { retry_after } => encode::limited(retry_after),
            Self::BodyTooSlow => encode::body_too_slow(),
            Self::BodyBroken => encode::body_broken(),
            Self::Banned => encode::banned(),
            Self::Internal(error) => return Answer::failed(encode::internal_error(error.kind()), error),
        };
        response.into()
    }
}

impl From<RequestError> for ForwardError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::BodyTooSlow => Self::BodyTooSlow,
            RequestError::BodyBroken => Self::BodyBroken,
            RequestError::Banned => Self::Banned,
            RequestError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<QuestionError> for ForwardError {
    fn from(error: QuestionError) -> Self {
        Self::Question(error)
    }
}

impl From<DoubtfulPath> for ForwardError {
    fn from(_: DoubtfulPath) -> Self {
        Self::DoubtfulPath
    }
}

impl From<InternalError> for ForwardError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<OwnerError> for ForwardError {
    fn from(error: OwnerError) -> Self {
        match error {
            OwnerError::Several => Self::SeveralCredentials,
            OwnerError::Unknown { not_before } => Self::Unknown(SignIn { not_before, ..SignIn::default() }),
            OwnerError::Limited { retry_after } => Self::Limited { retry_after },
            OwnerError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<ActionError> for ForwardError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Internal(error) => Self::Internal(error),
            _ => Self::Forbidden,
        }
    }
}
