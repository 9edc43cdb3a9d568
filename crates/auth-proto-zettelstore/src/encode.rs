//! Values to bytes: every answer this protocol gives.

use std::time::Duration;

use auth_core::{InternalError, InternalErrorKind, Token};
use bytes::Bytes;
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};

use crate::AnswerForm;

/// What everybody is given where nobody has to log in (zettelstore.md 4).
const FREE_ACCESS: &str = "freeaccess";

/// How long free access is said to last, in seconds: ten years of 366 days.
const FREE_ACCESS_SECONDS: u64 = 316_224_000;

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

const NOT_FOUND_PAGE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Not found</title></head>
<body><h1>Not found</h1><p>There is no such page on this server.</p></body>
</html>
";

/// A token with its life in whole seconds, rounded down. The JSON form names it twice: `access_token` is in the
/// manual, `token` is what the clients read (zettelstore.md 9).
pub(crate) fn token(form: AnswerForm, token: &Token, lifetime: Duration) -> Response<Bytes> {
    let quoted = quote(token.expose());
    let seconds = lifetime.as_secs();
    match form {
        AnswerForm::Json => json(format!(
            "{{\"access_token\":{quoted},\"token\":{quoted},\"token_type\":\"Bearer\",\"expires_in\":{seconds}}}\n"
        )),
        AnswerForm::List => list(&quoted, seconds),
    }
}

/// What is given where nobody has to log in (zettelstore.md 4).
pub(crate) fn free_access(form: AnswerForm) -> Response<Bytes> {
    let quoted = quote(FREE_ACCESS);
    match form {
        AnswerForm::Json => json(format!(
            "{{\"token\":{quoted},\"token_type\":\"Bearer\",\"expires_in\":{FREE_ACCESS_SECONDS}}}\n"
        )),
        AnswerForm::List => list(&quoted, FREE_ACCESS_SECONDS),
    }
}

/// The one refusal of a log-in: nothing in it tells why.
pub(crate) fn login_refused() -> Response<Bytes> {
    let mut response = text(StatusCode::UNAUTHORIZED, "Authentication failed\n");
    let challenge = HeaderValue::from_static("Bearer realm=\"Default\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// A form that can't be read, or a path.
pub(crate) fn bad_request() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Bad request\n")
}

/// HTTP/1.1 without a `Host` header.
pub(crate) fn no_host() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Bad request: no Host header\n")
}

/// A token that is not, or no longer, good for another.
pub(crate) fn not_renewed() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Not authenticated\n")
}

/// A command that is not there, or none.
pub(crate) fn unknown_command() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Unknown command\n")
}

/// A method that the path doesn't know; the real server sends no `Allow` header.
pub(crate) fn method_not_allowed() -> Response<Bytes> {
    text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

/// A path outside the URL prefix.
pub(crate) fn not_found() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "Not Found\n")
}

/// An unknown path below the URL prefix.
pub(crate) fn not_found_page() -> Response<Bytes> {
    response(StatusCode::NOT_FOUND, Some("text/html; charset=utf-8"), NOT_FOUND_PAGE)
}

/// Leads to another path, by the status that the server of the answer's form uses.
pub(crate) fn moved(form: AnswerForm, to: &str) -> Response<Bytes> {
    let Ok(location) = HeaderValue::try_from(to) else {
        return not_found_page();
    };
    let status = match form {
        AnswerForm::Json => StatusCode::MOVED_PERMANENTLY,
        AnswerForm::List => StatusCode::TEMPORARY_REDIRECT,
    };
    let mut response = empty(status);
    response.headers_mut().insert(LOCATION, location);
    response
}

/// Too many tries. The real server has no limit and so no such answer.
pub(crate) fn limited(retry_after: Duration) -> Response<Bytes> {
    retry_later(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n", retry_after)
}

/// A request that could not be judged.
pub(crate) fn fault(fault: &InternalError) -> Response<Bytes> {
    match fault.kind() {
        InternalErrorKind::Unavailable => text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n"),
        InternalErrorKind::Busy { retry_after } => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n", retry_after)
        }
        InternalErrorKind::Internal => internal_error(),
        _ => internal_error(),
    }
}

/// A status and nothing else.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    response(status, None, "")
}

fn internal_error() -> Response<Bytes> {
    text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n")
}

fn retry_later(status: StatusCode, body: &'static str, retry_after: Duration) -> Response<Bytes> {
    let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0)).max(1);
    let mut response = text(status, body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Text in double quotes. JSON and the lists escape alike whatever can be in a token.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn json(body: String) -> Response<Bytes> {
    response(StatusCode::OK, Some("application/json"), body)
}

fn list(quoted: &str, seconds: u64) -> Response<Bytes> {
    response(StatusCode::OK, Some(PLAIN_TEXT), format!("(\"Bearer\" {quoted} {seconds})"))
}

/// How the real server says that something is wrong.
fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = response(status, Some(PLAIN_TEXT), body);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn response(
    status: StatusCode,
    content_type: Option<&'static str>,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let body = body.into();
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, length);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(response: &Response<Bytes>, status: u16, content_type: &str, body: &str) {
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[CONTENT_TYPE], content_type);
        assert_eq!(response.headers()[CONTENT_LENGTH], body.len().to_string());
        assert_eq!(response.body(), body);
    }

    #[test]
    fn tokens_are_answered_to_the_byte() {
        let granted = Token::new("ab.cd");
        let life = Duration::from_millis(599_999);
        check(
            &token(AnswerForm::Json, &granted, life),
            200,
            "application/json",
            "{\"access_token\":\"ab.cd\",\"token\":\"ab.cd\",\"token_type\":\"Bearer\",\"expires_in\":599}\n",
        );
        check(&token(AnswerForm::List, &granted, life), 200, PLAIN_TEXT, "(\"Bearer\" \"ab.cd\" 599)");
        check(
            &free_access(AnswerForm::Json),
            200,
            "application/json",
            "{\"token\":\"freeaccess\",\"token_type\":\"Bearer\",\"expires_in\":316224000}\n",
        );
        check(&free_access(AnswerForm::List), 200, PLAIN_TEXT, "(\"Bearer\" \"freeaccess\" 316224000)");
    }

    #[test]
    fn faults_show_their_kind_and_no_cause() {
        check(&fault(&InternalError::unavailable("disk")), 503, PLAIN_TEXT, "Service Unavailable\n");
        check(&fault(&InternalError::busy(Duration::ZERO)), 503, PLAIN_TEXT, "Service Unavailable\n");
        check(&fault(&InternalError::internal("disk")), 500, PLAIN_TEXT, "Internal Server Error\n");
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_rounded_up() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (89_999, "90")] {
            let wait = Duration::from_millis(millis);
            for response in [limited(wait), fault(&InternalError::busy(wait))] {
                assert_eq!(response.headers()[RETRY_AFTER], seconds, "{millis}");
            }
        }
    }

    #[test]
    fn answer_without_content_has_no_length() {
        assert!(!empty(StatusCode::NO_CONTENT).headers().contains_key(CONTENT_LENGTH));
        assert_eq!(empty(StatusCode::UNAUTHORIZED).headers()[CONTENT_LENGTH], "0");
    }

    #[test]
    fn redirect_is_that_of_the_server_with_the_same_answers() {
        for (form, status) in [(AnswerForm::Json, 301), (AnswerForm::List, 307)] {
            let response = moved(form, "/a");
            assert_eq!(
                (response.status().as_u16(), &response.headers()[LOCATION]),
                (status, &HeaderValue::from_static("/a"))
            );
        }
    }
}
