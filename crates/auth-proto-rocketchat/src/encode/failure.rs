//! Everything a route can fail with but a refused log-in, and its answer (rocketchat.md 1.8, 3.1, 4.1).

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{ActionError, InternalError, InternalErrorKind, RateLimitStatus};
use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;

use super::denial::{Words, denied};
use super::{json, tell_rate_limit};

/// The body of an internal error, also of one that keeps us from making a body.
pub(super) const INTERNAL: &str = r#"{"success":false,"error":"Internal server error"}"#;

/// Why a route gives no answer of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The engine could not judge it, or we have a defect.
    InternalError(InternalErrorKind),
    /// The route takes a signed-in user.
    NotLoggedIn,
    /// The body was larger than the protocol reads.
    BodyTooLarge,
    /// The body is of the wrong types, and what is wrong with it.
    IllTyped(Cow<'static, str>),
    /// The call was denied, and the words of the call for it.
    Denied(Box<ActionError>, &'static Words),
    /// The caller lacks the route's permission, and the route's words for it.
    Forbidden(&'static str),
    /// The call can't be served, and why.
    BadRequest(&'static str),
    /// Too many calls.
    Limited(RateLimitStatus),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::IllTyped(why.into())
    }
}

impl From<InternalError> for Failure {
    fn from(fault: InternalError) -> Self {
        Self::InternalError(fault.kind())
    }
}

impl Failure {
    /// A defect of ours, or a configuration that names what is not there.
    pub(crate) const INTERNAL: Self = Self::InternalError(InternalErrorKind::Internal);

    /// What routes say to who lacks their permission (rocketchat.md 3.1).
    pub(crate) const NO_PERMISSION: Self =
        Self::Forbidden("User does not have the permissions required for this action [error-unauthorized]");

    /// What routes say that look at permissions by themselves.
    pub(crate) const UNAUTHORIZED: Self = Self::Forbidden("unauthorized");

    pub(crate) fn response(self) -> Response<Bytes> {
        match self {
            Self::InternalError(kind) => fault(kind),
            Self::NotLoggedIn => {
                json(StatusCode::UNAUTHORIZED, &error_body("You must be logged in to do this."))
            }
            Self::BodyTooLarge => json(
                StatusCode::PAYLOAD_TOO_LARGE,
                &Invalid {
                    success: false,
                    error_type: "error-body-too-large",
                    error: "must be a smaller body",
                },
            ),
            Self::IllTyped(why) => json(
                StatusCode::BAD_REQUEST,
                &Invalid { success: false, error_type: "invalid-params", error: &why },
            ),
            Self::Denied(denial, words) => denied(&denial, words),
            Self::Forbidden(error) => json(StatusCode::FORBIDDEN, &Plain { success: false, error }),
            Self::BadRequest(error) => json(StatusCode::BAD_REQUEST, &Plain { success: false, error }),
            Self::Limited(rate_limit) => {
                let seconds = whole_seconds(rate_limit.retry_after.unwrap_or_default());
                let error = format!(
                    "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying \
                     this endpoint again. [error-too-many-requests]"
                );
                let mut response =
                    json(StatusCode::TOO_MANY_REQUESTS, &Plain { success: false, error: &error });
                tell_rate_limit(response.headers_mut(), &rate_limit);
                response
            }
        }
    }
}

/// The body of a 401: the error once for each of the keys that clients read.
pub(crate) fn error_body(text: &str) -> impl Serialize {
    Told { success: false, error: text, status: "error", message: text }
}

fn fault(kind: InternalErrorKind) -> Response<Bytes> {
    let unavailable = || {
        let body = Plain { success: false, error: "Service unavailable" };
        json(StatusCode::SERVICE_UNAVAILABLE, &body)
    };
    match kind {
        InternalErrorKind::Unavailable => unavailable(),
        InternalErrorKind::Busy { retry_after } => {
            let mut response = unavailable();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after)));
            response
        }
        _ => {
            json(StatusCode::INTERNAL_SERVER_ERROR, &Plain { success: false, error: "Internal server error" })
        }
    }
}

/// Seconds rounded up, at least one.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[derive(Serialize)]
struct Plain<'a> {
    success: bool,
    error: &'a str,
}

#[derive(Serialize)]
struct Told<'a> {
    success: bool,
    error: &'a str,
    status: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invalid<'a> {
    success: bool,
    error_type: &'static str,
    error: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_to_at_least_one() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn defect_in_making_a_body_looks_like_any_other() {
        assert_eq!(Failure::INTERNAL.response().body(), INTERNAL);
    }
}
