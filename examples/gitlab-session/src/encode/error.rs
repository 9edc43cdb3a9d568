//! Errors as the protocol answers them: under `message` what GitLab's own code says, under `error` what its API framework
//! says.

use std::time::Duration;

use auth_core::{InternalErrorKind, retry_after_seconds};
use bytes::Bytes;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use super::response::json;
use crate::decode::DecodeError;

/// The answer to parameters that can't be used.
pub(crate) fn bad_parameters(error: &DecodeError) -> Response<Bytes> {
    // The texts need no escapes.
    json(StatusCode::BAD_REQUEST, format!(r#"{{"error":"{error}"}}"#))
}

/// The answer to a body that was too large to be read.
pub(crate) fn body_too_large() -> Response<Bytes> {
    text(StatusCode::PAYLOAD_TOO_LARGE, r#"{"error":"413 Request Entity Too Large"}"#)
}

/// The answer to a body that did not come in time.
pub(crate) fn body_too_slow() -> Response<Bytes> {
    text(StatusCode::REQUEST_TIMEOUT, r#"{"error":"408 Request Timeout"}"#)
}

/// The answer to a body that did not come whole.
pub(crate) fn body_broken() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, r#"{"error":"400 Bad Request"}"#)
}

/// The answer to a client of a banned network.
pub(crate) fn banned() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, r#"{"message":"403 Forbidden"}"#)
}

/// The one refusal of logins and tokens: nothing in it tells why.
pub(crate) fn unauthorized() -> Response<Bytes> {
    text(StatusCode::UNAUTHORIZED, r#"{"message":"401 Unauthorized"}"#)
}

/// The answer to the owner of a deactivated account.
pub(crate) fn blocked() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, r#"{"message":"403 Forbidden - Your account has been blocked."}"#)
}

/// The answer to an unknown path.
pub(crate) fn not_found() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, r#"{"error":"404 Not Found"}"#)
}

/// The answer to a method that the path doesn't know.
pub(crate) fn method_not_allowed(allowed: &'static str) -> Response<Bytes> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, r#"{"error":"405 Not Allowed"}"#);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The answer to too many attempts.
pub(crate) fn limited(retry_after: Duration) -> Response<Bytes> {
    let body = r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#;
    retry_later(StatusCode::TOO_MANY_REQUESTS, body, retry_after)
}

/// The answer to a request that could not be judged: it shows the kind of the error and never the cause.
pub(crate) fn internal_error(kind: InternalErrorKind) -> Response<Bytes> {
    const UNAVAILABLE: &str = r#"{"message":"503 Service Unavailable"}"#;
    match kind {
        InternalErrorKind::Unavailable => text(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
        InternalErrorKind::Busy { retry_after } => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, retry_after)
        }
        _ => text(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"500 Internal Server Error"}"#),
    }
}

fn retry_later(status: StatusCode, body: &'static str, retry_after: Duration) -> Response<Bytes> {
    let mut response = text(status, body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(retry_after)));
    response
}

fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    json(status, Bytes::from_static(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(response: &Response<Bytes>, status: u16, body: &str) {
        assert_eq!(response.status(), status, "{body}");
        assert_eq!(response.body(), body);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["content-length"], body.len().to_string());
    }

    #[test]
    fn errors_are_answered_to_the_byte() {
        let missing = DecodeError::Missing { password: true, name: false };
        check(&bad_parameters(&missing), 400, r#"{"error":"password is missing"}"#);
        check(&unauthorized(), 401, r#"{"message":"401 Unauthorized"}"#);
        check(&blocked(), 403, r#"{"message":"403 Forbidden - Your account has been blocked."}"#);
        check(&not_found(), 404, r#"{"error":"404 Not Found"}"#);
        check(&body_too_large(), 413, r#"{"error":"413 Request Entity Too Large"}"#);
        let not_allowed = method_not_allowed("POST");
        check(&not_allowed, 405, r#"{"error":"405 Not Allowed"}"#);
        assert_eq!(not_allowed.headers()[ALLOW], "POST");
    }

    #[test]
    fn internal_errors_show_their_kind_and_no_cause() {
        for (kind, status, body) in [
            (InternalErrorKind::Unavailable, 503, r#"{"message":"503 Service Unavailable"}"#),
            (
                InternalErrorKind::Busy { retry_after: Duration::ZERO },
                503,
                r#"{"message":"503 Service Unavailable"}"#,
            ),
            (InternalErrorKind::Defect, 500, r#"{"message":"500 Internal Server Error"}"#),
        ] {
            check(&internal_error(kind), status, body);
        }
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_rounded_up() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (89_999, "90")] {
            let retry_after = Duration::from_millis(millis);
            for response in [limited(retry_after), internal_error(InternalErrorKind::Busy { retry_after })] {
                assert_eq!(response.headers()[RETRY_AFTER], seconds, "{millis}");
            }
        }
    }
}
