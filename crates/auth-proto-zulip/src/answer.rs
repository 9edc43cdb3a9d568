//! Values to bytes: headers, JSON and pages (zulip.md 1.2).

pub(crate) mod failure;
pub(crate) mod user;

use std::sync::{Mutex, PoisonError};

use auth_core::{RateLimitStatus, Timestamp};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, HeaderName, LOCATION, VARY,
};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// An answer of the protocol.
pub(crate) type Reply = Response<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Django's page for a request that it can't read.
const BAD_REQUEST_PAGE: &str = "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Bad Request (400)</title>\n</head>\n<body>\n  <h1>Bad Request (400)</h1><p></p>\n</body>\n</html>\n";

const NOT_FOUND_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>Page not found (404)</title>\n</head>\n<body>\n  <h1>Page not found (404)</h1>\n  <p>This server answers Zulip's login API only.</p>\n</body>\n</html>\n";

/// The page for a browser's session that isn't there.
const UNKNOWN_SESSION_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>Log-in link not valid</title>\n</head>\n<body>\n  <h1>This log-in link is not valid</h1>\n  <p>It was used already, or is too old. Please log in again.</p>\n</body>\n</html>\n";

/// Most answers are no larger, in bytes: the room that they are given at once.
const USUAL_SIZE: usize = 1024;

/// What every success starts with.
#[derive(Serialize)]
pub(crate) struct Success {
    result: &'static str,
    msg: &'static str,
}

impl Success {
    pub(crate) const EMPTY: Self = Self { result: "success", msg: "" };
}

/// A compact JSON document with a line break at its end.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Reply {
    let mut body = Vec::with_capacity(USUAL_SIZE);
    match serde_json::to_writer(&mut body, document) {
        Ok(()) => {
            body.push(b'\n');
            reply(status, JSON, body)
        }
        // Not reached: strings, numbers and structures always have a JSON form.
        Err(_) => reply(StatusCode::INTERNAL_SERVER_ERROR, JSON, failure::INTERNAL_ERROR),
    }
}

/// A success.
pub(crate) fn ok(document: &impl Serialize) -> Reply {
    json(StatusCode::OK, document)
}

/// The bare page for a request that can't be read.
pub(crate) fn bad_request_page() -> Reply {
    let mut reply = reply(StatusCode::BAD_REQUEST, HTML, BAD_REQUEST_PAGE);
    reply.headers_mut().remove(CONTENT_LANGUAGE);
    reply.headers_mut().insert(VARY, HeaderValue::from_static("Cookie"));
    reply
}

/// A request that can't be read, without a word.
pub(crate) fn bad_request() -> Reply {
    reply(StatusCode::BAD_REQUEST, HTML, Bytes::new())
}

/// The page for a browser's session that isn't there.
pub(crate) fn unknown_session_page() -> Reply {
    reply(StatusCode::BAD_REQUEST, HTML, UNKNOWN_SESSION_PAGE)
}

/// The page for a path that isn't there.
pub(crate) fn not_found_page() -> Reply {
    reply(StatusCode::NOT_FOUND, HTML, NOT_FOUND_PAGE)
}

/// The methods of a route, in order of declaration.
pub(crate) type Methods = &'static [&'static str];

/// A method that the route doesn't have: JSON in HTML's clothes, without a line break.
pub(crate) fn method_not_allowed(methods: Methods) -> Reply {
    #[derive(Serialize)]
    struct Document {
        result: &'static str,
        msg: &'static str,
        allowed_methods: Methods,
    }
    let document = Document { result: "error", msg: "Method Not Allowed", allowed_methods: methods };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    allowing(reply(StatusCode::METHOD_NOT_ALLOWED, HTML, body), methods.join(", "))
}

/// A method that the route doesn't have, without a body.
pub(crate) fn bare_method_not_allowed(methods: Methods) -> Reply {
    allowing(reply(StatusCode::METHOD_NOT_ALLOWED, HTML, Bytes::new()), methods.join(", "))
}

/// The methods of a route, sorted, for `OPTIONS`.
pub(crate) fn options(methods: Methods) -> Reply {
    let mut sorted = methods.to_vec();
    sorted.sort_unstable();
    let mut reply = allowing(reply(StatusCode::NO_CONTENT, HTML, Bytes::new()), sorted.join(", "));
    reply.headers_mut().remove(CONTENT_LENGTH);
    reply
}

/// The way to the login page.
pub(crate) fn to_login_page(from: &str) -> Reply {
    let next: String = form_urlencoded::byte_serialize(from.as_bytes()).collect();
    let mut reply = reply(StatusCode::FOUND, HTML, Bytes::new());
    set(&mut reply, LOCATION, HeaderValue::try_from(format!("/login/?next={next}")));
    reply
}

/// The text of the second that was asked for last, since many answers name the same.
#[derive(Default)]
pub(crate) struct LastDate(Mutex<Option<(i64, HeaderValue)>>);

impl LastDate {
    fn of(&self, moment: Timestamp) -> Option<HeaderValue> {
        let second = moment.as_secs();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(known, _)| *known != second) {
            *last = HeaderValue::try_from(http_date(moment)).ok().map(|text| (second, text));
        }
        last.as_ref().map(|(_, text)| text.clone())
    }
}

/// Says that an answer of `now` is never to be kept.
pub(crate) fn never_cached(mut reply: Reply, now: Timestamp, dates: &LastDate) -> Reply {
    const NEVER: HeaderValue =
        HeaderValue::from_static("max-age=0, no-cache, no-store, must-revalidate, private");
    reply.headers_mut().insert(CACHE_CONTROL, NEVER);
    if let Some(text) = dates.of(now) {
        reply.headers_mut().insert(EXPIRES, text);
    }
    reply
}

/// Says that an answer to a known user doesn't depend on cookies.
pub(crate) fn to_known_user(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Language"));
    reply
}

/// Says how a limit stands, where it was evaluated (zulip.md 2.6).
pub(crate) fn with_rate_limit(mut reply: Reply, rate_limit: Option<&RateLimitStatus>) -> Reply {
    if let Some(rate_limit) = rate_limit {
        let headers = reply.headers_mut();
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), rate_limit.limit.into());
        headers.insert(HeaderName::from_static("x-ratelimit-remaining"), rate_limit.remaining.into());
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), rate_limit.reset.as_secs().into());
    }
    reply
}

/// A moment as HTTP dates are written (RFC 9110).
fn http_date(moment: Timestamp) -> String {
    instant(moment).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A moment to the minute, as Zulip writes it.
fn to_the_minute(moment: Timestamp) -> String {
    let mut text = jiff::tz::Offset::UTC.to_datetime(instant(moment)).to_string();
    text.truncate(text.rfind(':').unwrap_or(text.len()));
    text.push_str("+00:00");
    text
}

fn instant(moment: Timestamp) -> jiff::Timestamp {
    let last = if moment.as_millis() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(last)
}

/// What all answers have in common.
fn reply(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let body = body.into();
    let length = body.len();
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.reserve(10);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    reply
}

fn allowing(mut reply: Reply, methods: String) -> Reply {
    set(&mut reply, ALLOW, HeaderValue::try_from(methods));
    reply
}

/// Sets a header whose value was put together here of plain ASCII, so that it is always a good one.
fn set<E>(reply: &mut Reply, name: HeaderName, value: Result<HeaderValue, E>) {
    if let Ok(value) = value {
        reply.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_recorded_server_writes_them() {
        let moment = Timestamp::from_secs(1_795_306_464);
        assert_eq!(http_date(moment), "Sun, 22 Nov 2026 00:14:24 GMT");
        assert_eq!(to_the_minute(moment), "2026-11-22T00:14+00:00");
        assert_eq!(http_date(Timestamp::from_secs(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(http_date(Timestamp::from_millis(extreme)).ends_with(" GMT"));
        }
    }
}
