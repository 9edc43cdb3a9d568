//! The error that a handler answers in place of a success.

use std::time::Duration;

use auth_core::{
    ActionError, Answer, InternalError, InternalErrorKind, LoginError, RequestError, TokenError,
};

use crate::config::Config;
use crate::decode::DecodeError;
use crate::encode::error::{self as encode, Challenge};
use crate::encode::response;
use crate::route::Methods;

/// Why a request is not answered with a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The request can't be decoded.
    Malformed(DecodeError),
    /// The body did not come in time.
    BodyTooSlow,
    /// The path is unknown.
    UnknownPath,
    /// The route has only these methods.
    MethodNotAllowed(Methods),
    /// The route has only these methods, and says so in a header alone.
    BareMethodNotAllowed(Methods),
    /// A parameter is missing.
    MissingParameter(&'static str),
    /// The request can't be served.
    BadRequest(&'static str),
    /// The host leads to no realm.
    NonexistentSubdomain,
    /// The login was refused.
    Login(LoginError),
    /// The API key was refused.
    Token(TokenError),
    /// The credential is missing or malformed.
    Unauthorized(&'static str, Challenge),
    /// A browser has to log in before it sees this path.
    LoginPage(&'static str),
    /// The credential is good, but no user may do this.
    Forbidden(&'static str),
    /// There were too many wrong passwords of a user who is signed in.
    TooManyPasswords { retry_after: Duration },
    /// There were too many attempts or calls.
    Limited { retry_after: Duration },
    /// The token of a browser's session is malformed.
    MalformedSession,
    /// The token of a browser's session is unknown.
    UnknownSession,
    /// An assertion's claim has the wrong type, which the real server answers like an error of its own.
    AssertionTypeError,
    /// The request could not be judged.
    Internal(InternalError),
}

impl ApiError {
    /// Renders the error.
    pub(crate) fn into_answer(self, config: &Config) -> Answer {
        let response = match self {
            Self::Malformed(_) => response::bad_request_page(),
            Self::BodyTooSlow => encode::body_too_slow(),
            Self::UnknownPath => response::not_found_page(),
            Self::MethodNotAllowed(methods) => response::method_not_allowed(methods),
            Self::BareMethodNotAllowed(methods) => response::bare_method_not_allowed(methods),
            Self::MissingParameter(name) => encode::missing_parameter(name),
            Self::BadRequest(message) => encode::bad_request(message),
            Self::NonexistentSubdomain => encode::nonexistent_subdomain(),
            Self::Login(error) => encode::login_error(&error),
            Self::Token(error) => encode::token_error(&error),
            Self::Unauthorized(message, challenge) => encode::unauthorized(message, challenge),
            Self::LoginPage(from) => response::to_login_page(from),
            Self::TooManyPasswords { retry_after } => encode::too_many_passwords(retry_after),
            Self::Forbidden(message) => encode::forbidden(message),
            Self::Limited { retry_after } => encode::limited(retry_after, config.feature_level),
            Self::MalformedSession => response::malformed_session(),
            Self::UnknownSession => response::unknown_session_page(),
            Self::AssertionTypeError => encode::internal_error(InternalErrorKind::Defect),
            Self::Internal(error) => return Answer::failed(encode::internal_error(error.kind()), error),
        };
        response.into()
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

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
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
            LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
                Self::Limited { retry_after }
            }
            LoginError::Internal(error) => Self::Internal(error),
            error => Self::Login(error),
        }
    }
}

impl From<TokenError> for ApiError {
    /// A limit whose status is unknown asks for one second.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Limited => Self::Limited { retry_after: Duration::from_secs(1) },
            TokenError::Internal(error) => Self::Internal(error),
            error => Self::Token(error),
        }
    }
}

impl From<ActionError> for ApiError {
    /// The protocol has no answer to a refused action but one: its own actions are refused for their number alone.
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Internal(error) => Self::Internal(error),
            ActionError::TooManyActs(retry_after) => Self::Limited { retry_after },
            error => Self::Internal(InternalError::defect(error)),
        }
    }
}

/// Why a page is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageError {
    /// There is nothing at the path.
    NotFound,
    /// The path doesn't know the method.
    MethodNotAllowed,
    /// The request was not sent by a page of this server.
    Forbidden,
    /// It was done too often.
    Limited { retry_after: Duration },
    /// The way to log in is not set up.
    Configuration,
    /// The realm demands a second factor that the account lacks, and none can be set up at this address.
    NoSecondFactor,
    /// The token of a login that is to go on here is used or too old.
    LoginOver,
    /// The host leads to no realm.
    NoRealm,
    /// The client is told in a document.
    Api(ApiError),
    /// The page could not be made.
    Internal(InternalError),
}

impl From<InternalError> for PageError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}
