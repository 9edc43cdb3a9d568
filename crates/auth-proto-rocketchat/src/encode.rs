//! Values → bytes: the shapes of answers and the headers that all of them carry.

mod date;
mod denial;
mod failure;
mod me;
mod preferences;
mod refusal;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;

use auth_core::RateLimitStatus;

pub(crate) use date::iso;
pub(crate) use denial::{GENERAL, Words, told as told_of_denial};
pub(crate) use failure::{Failure, error_body};
pub(crate) use me::Me;
pub(crate) use refusal::{Code, Details, Told, refusal, told};

/// Most answers are no larger, in bytes: the room that they are given at once.
const USUAL_SIZE: usize = 2048;

/// A JSON answer. The type carries no charset: clients and upstream tests compare it whole (rocketchat.md 1.6).
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    // Serializing strings, numbers and lists into memory can't fail; were it to, it is a defect of ours.
    let mut bytes = Vec::with_capacity(USUAL_SIZE);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => with_type(status, "application/json", bytes.into()),
        Err(_) => with_type(
            StatusCode::INTERNAL_SERVER_ERROR,
            "application/json",
            Bytes::from_static(failure::INTERNAL.as_bytes()),
        ),
    }
}

/// A 200 whose body is `body` followed by `"success":true`.
pub(crate) fn success(body: &impl Serialize) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Success<'a, T> {
        #[serde(flatten)]
        body: &'a T,
        success: bool,
    }
    json(StatusCode::OK, &Success { body, success: true })
}

/// A 200 that says nothing but `"success":true`.
pub(crate) fn done() -> Response<Bytes> {
    #[derive(Serialize)]
    struct Nothing {}
    success(&Nothing {})
}

/// A plain text, as the router itself answers.
pub(crate) fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    with_type(status, "text/plain; charset=UTF-8", Bytes::from_static(body.as_bytes()))
}

fn with_type(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Tells how the limit of the route stands (rocketchat.md 4.1); the reset is in milliseconds.
pub(crate) fn tell_rate_limit(headers: &mut HeaderMap, rate_limit: &RateLimitStatus) {
    let reset = HeaderValue::from(rate_limit.reset.as_millis());
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(rate_limit.limit));
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(rate_limit.remaining));
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset);
}

/// Adds what every answer carries (rocketchat.md 1.6), and takes the body away where only its length is asked
/// for.
pub(crate) fn finish(method: &Method, response: &mut Response<Bytes>) {
    static ALWAYS: [(HeaderName, HeaderValue); 5] = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
        (header::X_XSS_PROTECTION, HeaderValue::from_static("1")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("sameorigin")),
    ];
    /// Not on preflights: they are refused.
    static CROSS_ORIGIN: [(HeaderName, HeaderValue); 2] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, Authorization",
            ),
        ),
    ];

    let length = HeaderValue::from(response.body().len());
    let headers = response.headers_mut();
    headers.reserve(1 + ALWAYS.len() + CROSS_ORIGIN.len());
    headers.insert(header::CONTENT_LENGTH, length);
    let cross_origin = CROSS_ORIGIN.iter().filter(|_| method != Method::OPTIONS);
    for (name, value) in ALWAYS.iter().chain(cross_origin) {
        headers.insert(name, value.clone());
    }
    if method == Method::HEAD {
        response.body_mut().clear();
    }
}
