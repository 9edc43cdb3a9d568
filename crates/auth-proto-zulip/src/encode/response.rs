//! Responses: the headers that all answers share, JSON documents and pages.

use auth_core::RateLimitStatus;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, HeaderName, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The body of an internal error.
pub(super) const INTERNAL_ERROR: &str = "{\"result\":\"error\",\"msg\":\"Internal server error\"}\n";

/// Django's page for a request that can't be decoded.
const BAD_REQUEST_PAGE: &str = "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Bad Request (400)</title>\n</head>\n<body>\n  <h1>Bad Request (400)</h1><p></p>\n</body>\n</html>\n";

const NOT_FOUND_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>Page not found (404)</title>\n</head>\n<body>\n  <h1>Page not found (404)</h1>\n  <p>This server answers Zulip's login API only.</p>\n</body>\n</html>\n";

/// The page for a browser's session that doesn't exist.
const UNKNOWN_SESSION_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>Login link not valid</title>\n</head>\n<body>\n  <h1>This login link is not valid</h1>\n  <p>It was used already, or is too old. Please log in again.</p>\n</body>\n</html>\n";

/// The size of most documents, in bytes, which a body is given at once.
const USUAL_SIZE: usize = 1024;

/// The start of every success.
#[derive(Serialize)]
pub(crate) struct Success {
    result: &'static str,
    msg: &'static str,
}

impl Success {
    pub(crate) const EMPTY: Self = Self { result: "success", msg: "" };
}

/// A success.
pub(crate) fn ok(document: &impl Serialize) -> Response<Bytes> {
    json(StatusCode::OK, document)
}

/// A success whose body was made before.
pub(crate) fn ok_body(body: Bytes) -> Response<Bytes> {
    response(StatusCode::OK, JSON, body)
}

/// A compact JSON document with a line break at its end.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response<Bytes> {
    let mut body = Vec::with_capacity(USUAL_SIZE);
    match serde_json::to_writer(&mut body, document) {
        Ok(()) => {
            body.push(b'\n');
            response(status, JSON, body)
        }
        // Not reached: strings, numbers and structures always have a JSON form.
        Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, JSON, INTERNAL_ERROR),
    }
}

/// The bare page for a request that can't be decoded.
pub(crate) fn bad_request_page() -> Response<Bytes> {
    let mut response = response(StatusCode::BAD_REQUEST, HTML, BAD_REQUEST_PAGE);
    response.headers_mut().remove(CONTENT_LANGUAGE);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Cookie"));
    response
}

/// The page for an unknown path.
pub(crate) fn not_found_page() -> Response<Bytes> {
    response(StatusCode::NOT_FOUND, HTML, NOT_FOUND_PAGE)
}

/// The answer to a malformed token of a browser's session.
pub(crate) fn malformed_session() -> Response<Bytes> {
    response(StatusCode::BAD_REQUEST, HTML, Bytes::new())
}

/// The page for a browser's session that doesn't exist.
pub(crate) fn unknown_session_page() -> Response<Bytes> {
    response(StatusCode::BAD_REQUEST, HTML, UNKNOWN_SESSION_PAGE)
}

/// The answer to a method that the route doesn't have: JSON that is declared as HTML, without a line break.
pub(crate) fn method_not_allowed(methods: &[&str]) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Document<'a> {
        result: &'static str,
        msg: &'static str,
        allowed_methods: &'a [&'a str],
    }
    let document = Document { result: "error", msg: "Method Not Allowed", allowed_methods: methods };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    allowing(response(StatusCode::METHOD_NOT_ALLOWED, HTML, body), methods)
}

/// The answer to a method that the route doesn't have, without a body.
pub(crate) fn bare_method_not_allowed(methods: &[&str]) -> Response<Bytes> {
    allowing(response(StatusCode::METHOD_NOT_ALLOWED, HTML, Bytes::new()), methods)
}

/// The sorted methods of a route, for `OPTIONS`.
pub(crate) fn options(methods: &[&str]) -> Response<Bytes> {
    let mut sorted = methods.to_vec();
    sorted.sort_unstable();
    let mut response = allowing(response(StatusCode::NO_CONTENT, HTML, Bytes::new()), &sorted);
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// A redirect to the login page, which leads back to the path `from`.
pub(crate) fn to_login_page(from: &str) -> Response<Bytes> {
    let next: String = form_urlencoded::byte_serialize(from.as_bytes()).collect();
    redirect(&format!("/login/?next={next}"))
}

/// A redirect to an address of plain ASCII.
pub(crate) fn redirect(location: &str) -> Response<Bytes> {
    let mut response = response(StatusCode::FOUND, HTML, Bytes::new());
    set(&mut response, LOCATION, HeaderValue::try_from(location));
    response
}

/// A redirect to the same path with a slash at its end.
pub(crate) fn with_slash(target: &str) -> Response<Bytes> {
    let mut response = redirect(target);
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response.headers_mut().remove(CONTENT_LANGUAGE);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Cookie"));
    response
}

/// A page.
pub(crate) fn page(status: StatusCode, html: impl Into<Bytes>, language: &'static str) -> Response<Bytes> {
    let mut response = response(status, HTML, html);
    response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static(language));
    response
}

/// A file.
pub(crate) fn file(content_type: &'static str, content: Bytes) -> Response<Bytes> {
    let mut response = response(StatusCode::OK, HeaderValue::from_static(content_type), content);
    response.headers_mut().remove(CONTENT_LANGUAGE);
    response.headers_mut().remove(VARY);
    response
}

/// The answer to `OPTIONS` at a page that is a form.
pub(crate) fn form_options() -> Response<Bytes> {
    allowing(response(StatusCode::OK, HTML, Bytes::new()), &["GET", "POST", "PUT", "HEAD", "OPTIONS"])
}

/// Tells clients and proxies never to cache an answer that is sent on `date`.
pub(crate) fn never_cached(headers: &mut HeaderMap, date: Option<HeaderValue>) {
    const NEVER: HeaderValue =
        HeaderValue::from_static("max-age=0, no-cache, no-store, must-revalidate, private");
    headers.insert(CACHE_CONTROL, NEVER);
    if let Some(date) = date {
        headers.insert(EXPIRES, date);
    }
}

/// Tells that an answer to a known user doesn't depend on cookies.
pub(crate) fn to_known_user(headers: &mut HeaderMap) {
    headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
}

/// Tells that an answer holds the secret of a browser, so that it depends on cookies before all.
pub(crate) fn to_browser_with_secret(headers: &mut HeaderMap) {
    headers.insert(VARY, HeaderValue::from_static("Cookie, Accept-Language"));
}

/// Tells the status of a rate limit, where it was evaluated.
pub(crate) fn rate_limit(headers: &mut HeaderMap, status: Option<&RateLimitStatus>) {
    if let Some(status) = status {
        headers.insert(RATE_LIMIT, status.limit.into());
        headers.insert(RATE_LIMIT_REMAINING, status.remaining.into());
        headers.insert(RATE_LIMIT_RESET, status.reset.as_secs().into());
    }
}

/// Whether an answer tells of a limit already.
pub(crate) fn has_rate_limit(headers: &HeaderMap) -> bool {
    headers.contains_key(RATE_LIMIT)
}

/// Sets a header whose value was put together here of plain ASCII, so that it is always a good one.
pub(super) fn set<E>(response: &mut Response<Bytes>, name: HeaderName, value: Result<HeaderValue, E>) {
    if let Ok(value) = value {
        response.headers_mut().insert(name, value);
    }
}

/// A response with the headers that all answers share.
fn response(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Bytes> {
    let body = body.into();
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(10);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    response
}

fn allowing(mut response: Response<Bytes>, methods: &[&str]) -> Response<Bytes> {
    set(&mut response, ALLOW, HeaderValue::try_from(methods.join(", ")));
    response
}
