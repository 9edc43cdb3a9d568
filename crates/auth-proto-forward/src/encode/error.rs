//! Errors as the protocol answers them.

use std::time::Duration;

use auth_core::{InternalErrorKind, Timestamp, retry_after_seconds};
use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};

use super::headers::{empty, set_location};
use crate::decode::question::QuestionError;

/// Asks for a name and a secret. A browser opens a window for it.
const BASIC: &str = "Basic realm=\"auth-server\", charset=\"UTF-8\"";

/// Says that something is asked for, without a window.
const BEARER: &str = "Bearer realm=\"auth-server\"";

/// How somebody who is not known is told so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignIn {
    /// The page that a browser is to be led to.
    pub(crate) location: Option<String>,
    /// Whether the proxy passes a redirect on. Otherwise the page is named beside a 401.
    pub(crate) redirects: bool,
    /// Whether a browser asked, which would show a window of its own for HTTP Basic authentication.
    pub(crate) is_browser: bool,
    /// The answer must not be sent before this moment.
    pub(crate) not_before: Option<Timestamp>,
}

/// The one answer to whoever is not known, for whatever reason.
pub(crate) fn unknown(sign_in: &SignIn) -> Response<Bytes> {
    let leads_on = sign_in.redirects && sign_in.location.is_some();
    let status = if leads_on { StatusCode::SEE_OTHER } else { StatusCode::UNAUTHORIZED };
    let mut response = text(status, "Sign in first\n");
    if !leads_on {
        let challenge = HeaderValue::from_static(if sign_in.is_browser { BEARER } else { BASIC });
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(location) = &sign_in.location {
        set_location(&mut response, location);
    }
    response
}

/// The answer to an account that may not go there.
pub(crate) fn forbidden() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, "Forbidden\n")
}

/// The answer to an asker who is no trusted proxy.
pub(crate) fn untrusted() -> Response<Bytes> {
    text(
        StatusCode::FORBIDDEN,
        "Only trusted proxies are answered: list the proxy in [server] trusted_proxies\n",
    )
}

/// The answer to a question about a host that is not listed.
pub(crate) fn unknown_host() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, "The host is not listed in [forward] hosts\n")
}

/// The answer to a question that is not of the dialect.
pub(crate) fn bad_question(error: QuestionError) -> Response<Bytes> {
    let body = match error {
        QuestionError::Missing(name) => format!("The header {name} of [forward] dialect is missing\n"),
        QuestionError::Repeated(name) => format!("The header {name} is there twice\n"),
        QuestionError::Unreadable(name) => format!("The header {name} can't be read\n"),
        QuestionError::OtherDialect(name) => {
            format!("The header {name} is of another dialect than [forward] dialect\n")
        }
    };
    text(StatusCode::BAD_REQUEST, body)
}

/// The answer to a path that programs understand differently, where a rule depends on it.
pub(crate) fn doubtful_path() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "The path can be understood in more than one way\n")
}

/// The answer to more than one credential.
pub(crate) fn several_credentials() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "More than one credential came along\n")
}

/// The answer to a path below which there is nothing.
pub(crate) fn not_found() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "Not found\n")
}

/// The answer to a method that the path doesn't know.
pub(crate) fn method_not_allowed() -> Response<Bytes> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// The answer to a browser that fetches the cookie for something else than a page.
pub(crate) fn not_navigated() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, "This address is for browsers that open a page\n")
}

/// The answer to too many attempts.
pub(crate) fn limited(retry_after: Duration) -> Response<Bytes> {
    retry_later(StatusCode::TOO_MANY_REQUESTS, "Too many requests\n", retry_after)
}

/// The answer to a body that did not come in time.
pub(crate) fn body_too_slow() -> Response<Bytes> {
    text(StatusCode::REQUEST_TIMEOUT, "Request timeout\n")
}

/// The answer to a body that can't be read.
pub(crate) fn body_broken() -> Response<Bytes> {
    text(StatusCode::BAD_REQUEST, "Bad request\n")
}

/// The answer to a client of a banned network.
pub(crate) fn banned() -> Response<Bytes> {
    text(StatusCode::FORBIDDEN, "Forbidden: your network is banned\n")
}

/// The answer to a request that could not be judged: it shows the kind of the error and never the cause.
pub(crate) fn internal_error(kind: InternalErrorKind) -> Response<Bytes> {
    const UNAVAILABLE: &str = "Service unavailable\n";
    match kind {
        InternalErrorKind::Unavailable => text(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
        InternalErrorKind::Busy { retry_after } => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, retry_after)
        }
        _ => text(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error\n"),
    }
}

fn retry_later(status: StatusCode, body: &'static str, retry_after: Duration) -> Response<Bytes> {
    let mut response = text(status, body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(retry_after)));
    response
}

/// A text, which a browser shows as one.
fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let body = body.into();
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    *response.body_mut() = body;
    response
}

#[cfg(test)]
mod tests {
    use http::header::LOCATION;

    use super::*;

    #[test]
    fn whoever_is_unknown_is_told_so_in_the_form_that_the_proxy_passes_on() {
        let page = || Some("https://auth.example.org/forward/sign-in".to_owned());
        for (location, redirects, is_browser, status, challenge) in [
            (None, true, false, 401, Some(BASIC)),
            (None, true, true, 401, Some(BEARER)),
            (None, false, false, 401, Some(BASIC)),
            (page(), false, true, 401, Some(BEARER)),
            (page(), true, true, 303, None),
        ] {
            let sign_in = SignIn { location: location.clone(), redirects, is_browser, not_before: None };
            let response = unknown(&sign_in);
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(response.status(), status, "{sign_in:?}");
            assert_eq!(header(WWW_AUTHENTICATE).as_deref(), challenge, "{sign_in:?}");
            assert_eq!(header(LOCATION), location, "{sign_in:?}");
        }
    }

    #[test]
    fn internal_errors_show_their_kind_and_no_cause() {
        let busy = InternalErrorKind::Busy { retry_after: Duration::from_millis(1001) };
        for (kind, status, wait) in [
            (InternalErrorKind::Unavailable, 503, None),
            (busy, 503, Some("2")),
            (InternalErrorKind::Defect, 500, None),
        ] {
            let response = internal_error(kind);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().get(RETRY_AFTER).map(|wait| wait.to_str().unwrap()), wait);
        }
    }
}
