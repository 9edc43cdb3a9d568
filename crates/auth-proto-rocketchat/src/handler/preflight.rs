//! Preflights: whether a page of another origin may call.

use auth_core::Answer;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, StatusCode};

use crate::config::Config;
use crate::encode::{self, CALL_HEADERS};

/// The answer to every preflight where no origin may call.
const SWITCHED_OFF: &str = "Pages of other origins may not call this server: its configuration lists none in [rocketchat] allowed_origins";

/// Answers OPTIONS.
pub(crate) fn answer(config: &Config, headers: &HeaderMap) -> Answer {
    const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, HEAD, PATCH");
    const EVERY: HeaderValue = HeaderValue::from_static("*");
    const BY_ORIGIN: (HeaderName, HeaderValue) = (VARY, HeaderValue::from_static("Origin"));

    let origin = headers.get(ORIGIN);
    if origin.is_none() && !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return encode::text(StatusCode::OK, "OK");
    }
    if config.allowed_origins.is_empty() {
        return encode::text(StatusCode::METHOD_NOT_ALLOWED, SWITCHED_OFF);
    }
    let is_every = config.allowed_origins.iter().any(|allowed| allowed == "*");
    let is_listed = |origin: &&HeaderValue| {
        config
            .allowed_origins
            .iter()
            .any(|allowed| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes()))
    };
    let allowed = if is_every { Some(&EVERY) } else { origin.filter(is_listed) };
    let Some(allowed) = allowed else {
        let mut answer = encode::text(StatusCode::FORBIDDEN, "Invalid origin");
        answer.response.headers_mut().extend([BY_ORIGIN]);
        return answer;
    };
    let mut answer = encode::text(StatusCode::OK, "OK");
    let headers = answer.response.headers_mut();
    headers.extend((!is_every).then_some(BY_ORIGIN));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(CALL_HEADERS));
    answer
}
