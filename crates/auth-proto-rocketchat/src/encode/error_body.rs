//! Errors in the envelopes of REST: one function for each kind of error, each giving the whole answer.

use std::time::Duration;

use auth_core::{
    ActionError, Answer, InternalError, InternalErrorKind, LoginError, RateLimitStatus, retry_after_seconds,
};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;

use super::error_text::{Details, ErrorCode, ErrorText, ErrorTexts, of_action_error, of_login_error};
use super::response::{json, rate_limit};

/// A refused login: 401. The ordinary refusal is the same bytes whatever the reason.
pub(crate) fn login_error(error: &LoginError) -> Answer {
    let ordinary =
        ErrorText { code: ErrorCode::Word("Unauthorized"), message: "Unauthorized", details: None };
    unauthorized(of_login_error(error).unwrap_or(ordinary))
}

/// A call that takes a signed-in user: 401.
pub(crate) fn not_logged_in() -> Answer {
    const TEXT: &str = "You must be logged in to do this.";
    unauthorized(ErrorText { code: ErrorCode::Word(TEXT), message: TEXT, details: None })
}

/// The body of a 401 holds the error under each of the keys that clients read.
fn unauthorized(text: ErrorText<'_>) -> Answer {
    #[derive(Serialize)]
    struct Unauthorized<'a> {
        success: bool,
        error: ErrorCode,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Details<'a>>,
        message: &'static str,
    }
    let ErrorText { code, message, details } = text;
    let body = Unauthorized { success: false, error: code, status: "error", details, message };
    json(StatusCode::UNAUTHORIZED, &body)
}

/// A refused action: 400 with code and message in one text, or the code alone where there is no message.
pub(crate) fn action_error(error: &ActionError, texts: &ErrorTexts) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Refused<'a> {
        success: bool,
        error: String,
        error_type: ErrorCode,
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Details<'a>>,
    }
    let ErrorText { code, message, details } = of_action_error(error, texts);
    let error = if message.is_empty() { format!("[{code}]") } else { format!("{message} [{code}]") };
    json(StatusCode::BAD_REQUEST, &Refused { success: false, error, error_type: code, details })
}

/// Parameters of the wrong types: 400 with the text of Rocket.Chat's validator.
pub(crate) fn invalid_params(reason: &str) -> Answer {
    typed(StatusCode::BAD_REQUEST, "invalid-params", reason)
}

/// A body that is larger than the route's limit: 413.
pub(crate) fn body_too_large() -> Answer {
    typed(StatusCode::PAYLOAD_TOO_LARGE, "error-body-too-large", "must be a smaller body")
}

/// A body that did not come in time: 408.
pub(crate) fn body_too_slow() -> Answer {
    plain(StatusCode::REQUEST_TIMEOUT, "The request's body came too slowly")
}

/// A caller without the permission of the call: 403.
pub(crate) fn forbidden(reason: &str) -> Answer {
    plain(StatusCode::FORBIDDEN, reason)
}

/// A call that can't be served: 400.
pub(crate) fn bad_request(reason: &str) -> Answer {
    plain(StatusCode::BAD_REQUEST, reason)
}

/// Too many calls: 429, with the wait in the text and the status in headers.
pub(crate) fn limited(status: &RateLimitStatus) -> Answer {
    let mut answer = too_many_requests(status.retry_after.unwrap_or_default());
    rate_limit(answer.response.headers_mut(), status);
    answer
}

/// Too many acts of an account on itself: 429, with the wait in the text.
pub(crate) fn too_many_requests(wait: Duration) -> Answer {
    let seconds = retry_after_seconds(wait);
    plain(
        StatusCode::TOO_MANY_REQUESTS,
        &format!(
            "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying this endpoint \
             again. [error-too-many-requests]"
        ),
    )
}

/// An internal error: 503 while a part of the server is unavailable or busy, else 500. The cause stays
/// inside.
pub(crate) fn internal_error(error: InternalError) -> Answer {
    let unavailable = || plain(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable");
    let answer = match error.kind() {
        InternalErrorKind::Unavailable => unavailable(),
        InternalErrorKind::Busy { retry_after } => {
            let mut answer = unavailable();
            let seconds = HeaderValue::from(retry_after_seconds(retry_after));
            answer.response.headers_mut().insert(RETRY_AFTER, seconds);
            answer
        }
        InternalErrorKind::Defect | _ => internal_server_error(),
    };
    Answer::failed(answer.response, error)
}

/// The 500 of a defect, without one: the real server answers some requests so.
pub(crate) fn internal_server_error() -> Answer {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

/// A path or method that the protocol doesn't know: 404.
pub(crate) fn unknown_path() -> Answer {
    #[derive(Serialize)]
    struct Unknown {
        status: &'static str,
        message: &'static str,
    }
    json(StatusCode::NOT_FOUND, &Unknown { status: "error", message: "API endpoint does not exist" })
}

fn plain(status: StatusCode, error: &str) -> Answer {
    #[derive(Serialize)]
    struct Plain<'a> {
        success: bool,
        error: &'a str,
    }
    json(status, &Plain { success: false, error })
}

fn typed(status: StatusCode, error_type: &'static str, error: &str) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed<'a> {
        success: bool,
        error_type: &'static str,
        error: &'a str,
    }
    json(status, &Typed { success: false, error_type, error })
}

#[cfg(test)]
mod tests {
    use super::super::response::INTERNAL;
    use super::*;

    #[test]
    fn defect_in_making_a_body_looks_like_any_other() {
        assert_eq!(internal_error(InternalError::defect("a test")).response.body(), INTERNAL);
    }
}
