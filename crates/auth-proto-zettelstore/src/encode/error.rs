//! Errors as the protocol answers them.

use std::time::Duration;

use auth_core::{Answer, InternalErrorKind};
use bytes::Bytes;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};

use super::answer::{PLAIN_TEXT, empty, response};
use crate::error::{ApiError, ErrorKind};

const NOT_FOUND_PAGE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Not found</title></head>
<body><h1>Not found</h1><p>There is no such page on this server.</p></body>
</html>
";

/// The answer to an error. The server logs the internal error that comes along.
pub(crate) fn answer(error: ApiError) -> Answer {
    let ApiError { kind, not_before } = error;
    let response = render(&kind);
    let error = if let ErrorKind::Internal(error) = kind { Some(error) } else { None };
    Answer { response, not_before, error }
}

fn render(kind: &ErrorKind) -> Response<Bytes> {
    match kind {
        ErrorKind::NoHost => text(StatusCode::BAD_REQUEST, "Bad request: no Host header\n"),
        ErrorKind::Malformed => text(StatusCode::BAD_REQUEST, "Bad request\n"),
        ErrorKind::OutsidePrefix => text(StatusCode::NOT_FOUND, "Not Found\n"),
        ErrorKind::UnknownPath => {
            response(StatusCode::NOT_FOUND, Some("text/html; charset=utf-8"), NOT_FOUND_PAGE)
        }
        // The real server sends no `Allow` header.
        ErrorKind::MethodNotAllowed => text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"),
        ErrorKind::UnknownCommand => text(StatusCode::BAD_REQUEST, "Unknown command\n"),
        ErrorKind::LoginRefused => {
            let mut response = text(StatusCode::UNAUTHORIZED, "Authentication failed\n");
            let challenge = HeaderValue::from_static("Bearer realm=\"Default\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            response
        }
        ErrorKind::NotRenewed => text(StatusCode::BAD_REQUEST, "Not authenticated\n"),
        ErrorKind::Unauthenticated => empty(StatusCode::UNAUTHORIZED),
        ErrorKind::Limited { retry_after } => {
            retry_later(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n", *retry_after)
        }
        ErrorKind::Internal(error) => internal(error.kind()),
    }
}

/// An internal error shows its kind and never its cause.
fn internal(kind: InternalErrorKind) -> Response<Bytes> {
    match kind {
        InternalErrorKind::Unavailable => text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n"),
        InternalErrorKind::Busy { retry_after } => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n", retry_after)
        }
        _ => text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
    }
}

fn retry_later(status: StatusCode, body: &'static str, retry_after: Duration) -> Response<Bytes> {
    let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0)).max(1);
    let mut response = text(status, body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A text as the real server sends its errors.
fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = response(status, Some(PLAIN_TEXT), body);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use auth_core::InternalError;
    use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

    use super::*;

    #[test]
    fn internal_errors_show_their_kind_and_no_cause() {
        for (error, status, body) in [
            (InternalError::unavailable("disk"), 503, "Service Unavailable\n"),
            (InternalError::busy(Duration::ZERO), 503, "Service Unavailable\n"),
            (InternalError::defect("disk"), 500, "Internal Server Error\n"),
        ] {
            let answer = answer(error.clone().into());
            assert_eq!(answer.response.status(), status);
            assert_eq!(answer.response.headers()[CONTENT_TYPE], PLAIN_TEXT);
            assert_eq!(answer.response.headers()[CONTENT_LENGTH], body.len().to_string());
            assert_eq!(answer.response.body(), body);
            assert_eq!(answer.error, Some(error), "handed on, to be logged");
        }
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_rounded_up() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (89_999, "90")] {
            let wait = Duration::from_millis(millis);
            for kind in
                [ErrorKind::Limited { retry_after: wait }, ErrorKind::Internal(InternalError::busy(wait))]
            {
                assert_eq!(render(&kind).headers()[RETRY_AFTER], seconds, "{millis}");
            }
        }
    }
}
