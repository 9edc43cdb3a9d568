//! Errors as the protocol answers them.

use std::time::Duration;

use auth_core::{InternalErrorKind, retry_after_seconds};
use bytes::Bytes;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};

use super::answer::{PLAIN_TEXT, empty, response};

const NOT_FOUND_PAGE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Not found</title></head>
<body><h1>Not found</h1><p>There is no such page on this server.</p></body>
</html>
";

/// The one refusal of a login: nothing in it tells why.
pub(crate) fn login_refused() -> Response<Bytes> {
    let mut response = text(StatusCode::UNAUTHORIZED, "Authentication failed\n");
    let challenge = HeaderValue::from_static("Bearer realm=\"Default\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// The answer to a form, a path or a body that can't be decoded.
pub(crate) fn bad_request() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Bad request\n")
}

/// The answer to a body that did not come in time.
pub(crate) fn body_too_slow() -> Response<Bytes> {
    text(StatusCode::REQUEST_TIMEOUT, "Request Timeout\n")
}

/// The answer to a client of a banned network.
pub(crate) fn banned() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, "Forbidden: your network is banned\n")
}

/// The answer to HTTP/1.1 without a `Host` header.
pub(crate) fn no_host() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Bad request: no Host header\n")
}

/// The answer to a missing token, or to one that can't be renewed.
pub(crate) fn not_renewed() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Not authenticated\n")
}

/// The answer of the check command to a missing or refused token.
pub(crate) fn not_authenticated() -> Response<Bytes> {
    empty(StatusCode::UNAUTHORIZED)
}

/// The answer to an unknown or missing command.
pub(crate) fn unknown_command() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Unknown command\n")
}

/// The answer to a method that the path doesn't know. The real server sends no `Allow` header.
pub(crate) fn method_not_allowed() -> Response<Bytes> {
    text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

/// The answer to a path outside the URL prefix.
pub(crate) fn not_found() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "Not Found\n")
}

/// The answer to an unknown path below the URL prefix.
pub(crate) fn not_found_page() -> Response<Bytes> {
    response(StatusCode::NOT_FOUND, Some("text/html; charset=utf-8"), NOT_FOUND_PAGE)
}

/// The answer to too many attempts. The real server has no limit and so no such answer.
pub(crate) fn limited(retry_after: Duration) -> Response<Bytes> {
    retry_later(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n", retry_after)
}

/// The answer to a request that could not be judged: it shows the kind of the error and never the cause.
pub(crate) fn internal_error(kind: InternalErrorKind) -> Response<Bytes> {
    match kind {
        InternalErrorKind::Unavailable => text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n"),
        InternalErrorKind::Busy { retry_after } => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n", retry_after)
        }
        _ => text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
    }
}

fn retry_later(status: StatusCode, body: &'static str, retry_after: Duration) -> Response<Bytes> {
    let mut response = text(status, body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(retry_after)));
    response
}

/// A text as the real server sends its errors.
fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = response(status, Some(PLAIN_TEXT), Bytes::from_static(body.as_bytes()));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

    use super::*;

    #[test]
    fn internal_errors_show_their_kind_and_no_cause() {
        for (kind, status, body) in [
            (InternalErrorKind::Unavailable, 503, "Service Unavailable\n"),
            (InternalErrorKind::Busy { retry_after: Duration::ZERO }, 503, "Service Unavailable\n"),
            (InternalErrorKind::Defect, 500, "Internal Server Error\n"),
        ] {
            let response = internal_error(kind);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[CONTENT_TYPE], PLAIN_TEXT);
            assert_eq!(response.headers()[CONTENT_LENGTH], body.len().to_string());
            assert_eq!(response.body(), body);
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
