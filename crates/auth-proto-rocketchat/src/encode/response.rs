//! Answers of every shape, and the headers that all answers carry.

use auth_core::{Answer, InternalError, RateLimitStatus};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;

/// The body of an answer to an internal error.
pub(super) const INTERNAL: &str = r#"{"success":false,"error":"Internal server error"}"#;

/// The room that a body is given at once, in bytes: most are no larger.
const USUAL_SIZE: usize = 2048;

/// The most headers that an answer has.
const MOST_HEADERS: usize = 12;

/// The headers that pages of other origins may send.
pub(crate) const CALL_HEADERS: &str =
    "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, Authorization";

/// The type of JSON. It carries no charset: clients and Rocket.Chat's own tests compare the header whole.
const TYPE: HeaderValue = HeaderValue::from_static("application/json");

/// Makes a 200 whose body was made before.
pub(crate) fn json_body(body: Bytes) -> Answer {
    response(StatusCode::OK, TYPE, body).into()
}

/// Makes a JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut bytes = Vec::with_capacity(USUAL_SIZE);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => response(status, TYPE, bytes.into()).into(),
        // Text, numbers and lists are always written into memory; anything else is a defect.
        Err(error) => {
            let body = Bytes::from_static(INTERNAL.as_bytes());
            let response = response(StatusCode::INTERNAL_SERVER_ERROR, TYPE, body);
            Answer::failed(response, InternalError::defect(error))
        }
    }
}

/// Makes a 200 whose body is `body` followed by `"success":true`.
pub(crate) fn success(body: &impl Serialize) -> Answer {
    #[derive(Serialize)]
    struct Success<'a, T> {
        #[serde(flatten)]
        body: &'a T,
        success: bool,
    }
    json(StatusCode::OK, &Success { body, success: true })
}

/// Makes a 200 whose body is `{"success":true}`.
pub(crate) fn done() -> Answer {
    #[derive(Serialize)]
    struct Empty {}
    success(&Empty {})
}

/// Makes an answer of plain text, as Rocket.Chat's router itself gives them.
pub(crate) fn text(status: StatusCode, body: &'static str) -> Answer {
    const TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
    response(status, TYPE, Bytes::from_static(body.as_bytes())).into()
}

/// Makes a page of a heading and a sentence, neither of which needs escapes.
pub(crate) fn page(status: StatusCode, heading: &'static str, text: &'static str) -> Answer {
    const TYPE: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{heading}</title>\n\
         <h1>{heading}</h1>\n<p>{text}</p>\n</html>\n"
    );
    let mut response = response(status, TYPE, body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.into()
}

fn response(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(MOST_HEADERS);
    headers.insert(header::CONTENT_TYPE, content_type);
    response
}

/// Adds the headers that tell how the client stands with the limit of its calls. The reset is in milliseconds
/// since 1970.
pub(crate) fn rate_limit(headers: &mut HeaderMap, status: &RateLimitStatus) {
    const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
    const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
    const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

    headers.insert(LIMIT, HeaderValue::from(status.limit));
    headers.insert(REMAINING, HeaderValue::from(status.remaining));
    headers.insert(RESET, HeaderValue::from(status.reset.as_millis()));
}

/// Adds the headers that every answer carries, and empties the body of an answer to HEAD.
pub(crate) fn finish(method: &Method, response: &mut Response<Bytes>) {
    static ALWAYS: [(HeaderName, HeaderValue); 5] = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
        (header::X_XSS_PROTECTION, HeaderValue::from_static("1")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("sameorigin")),
    ];
    /// Not on answers to preflights, which say themselves who may call.
    static CROSS_ORIGIN: [(HeaderName, HeaderValue); 2] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(CALL_HEADERS)),
    ];

    let length = HeaderValue::from(response.body().len());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length);
    let cross_origin = CROSS_ORIGIN.iter().filter(|_| method != Method::OPTIONS);
    for (name, value) in ALWAYS.iter().chain(cross_origin) {
        headers.insert(name, value.clone());
    }
    if method == Method::HEAD {
        response.body_mut().clear();
    }
}
