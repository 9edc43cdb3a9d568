//! The answers of handlers, and the parts that all answers share.

use std::time::Duration;

use auth_core::Token;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use crate::config::AnswerForm;

/// The media type of texts.
pub(super) const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// The token that every client is given where nobody has to log in.
const FREE_ACCESS: &str = "freeaccess";

/// The lifetime that is told of free access, in seconds: ten years of 366 days.
const FREE_ACCESS_SECONDS: u64 = 316_224_000;

/// A token with its lifetime in whole seconds, rounded down.
///
/// The JSON form holds the token twice: `access_token` is in Zettelstore's manual, `token` is what its clients read.
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

/// The free access that every client is given where nobody has to log in.
pub(crate) fn free_access(form: AnswerForm) -> Response<Bytes> {
    let quoted = quote(FREE_ACCESS);
    match form {
        AnswerForm::Json => json(format!(
            "{{\"token\":{quoted},\"token_type\":\"Bearer\",\"expires_in\":{FREE_ACCESS_SECONDS}}}\n"
        )),
        AnswerForm::List => list(&quoted, FREE_ACCESS_SECONDS),
    }
}

/// The version of Zettelstore whose answers these are: major, minor, patch, a remark and the hash of a build, of which there
/// are none. Programs ask it before they log in.
pub(crate) fn version(form: AnswerForm) -> Response<Bytes> {
    let list = match form {
        AnswerForm::Json => r#"(0 11 0 "" "")"#,
        AnswerForm::List => r#"(1 0 2 "" "")"#,
    };
    response(StatusCode::OK, Some(PLAIN_TEXT), list)
}

/// A redirect, by the status that the server with the same answers sends.
pub(crate) fn moved(form: AnswerForm, to: &str) -> Response<Bytes> {
    let status = match form {
        AnswerForm::Json => StatusCode::MOVED_PERMANENTLY,
        AnswerForm::List => StatusCode::TEMPORARY_REDIRECT,
    };
    let mut response = empty(status);
    // A location is escaped ASCII, which always makes a header.
    if let Ok(location) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    response(status, None, Bytes::new())
}

/// A response with its length, which one without content lacks.
pub(super) fn response(
    status: StatusCode,
    content_type: Option<&'static str>,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let body = body.into();
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, length.into());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(response: &Response<Bytes>, content_type: &str, body: &str) {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], content_type);
        assert_eq!(response.headers()[CONTENT_LENGTH], body.len().to_string());
        assert_eq!(response.body(), body);
    }

    #[test]
    fn tokens_are_answered_to_the_byte() {
        let granted = Token::new("ab.cd");
        let lifetime = Duration::from_millis(599_999);
        check(
            &token(AnswerForm::Json, &granted, lifetime),
            "application/json",
            "{\"access_token\":\"ab.cd\",\"token\":\"ab.cd\",\"token_type\":\"Bearer\",\"expires_in\":599}\n",
        );
        check(&token(AnswerForm::List, &granted, lifetime), PLAIN_TEXT, "(\"Bearer\" \"ab.cd\" 599)");
        check(
            &free_access(AnswerForm::Json),
            "application/json",
            "{\"token\":\"freeaccess\",\"token_type\":\"Bearer\",\"expires_in\":316224000}\n",
        );
        check(&free_access(AnswerForm::List), PLAIN_TEXT, "(\"Bearer\" \"freeaccess\" 316224000)");
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
