//! Whole answers: pages, redirects and files, each with the headers that all answers carry.

use askama::Template;
use auth_core::{Answer, InternalError};
use auth_pages::Asset;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode};

use crate::state::WebProtocol;

/// A page.
///
/// # Errors
/// An [`InternalError`] when its template fails.
pub(crate) fn page(
    state: &WebProtocol,
    status: StatusCode,
    view: &impl Template,
) -> Result<Answer, InternalError> {
    let html = view.render().map_err(InternalError::defect)?;
    Ok(with_body(state, status, "text/html; charset=utf-8", html).into())
}

/// A redirect to a path of this site, which the browser fetches by GET.
pub(crate) fn redirect(state: &WebProtocol, path: &str) -> Answer {
    let mut response = respond(state, StatusCode::SEE_OTHER, Bytes::new());
    // A path is escaped ASCII, which always makes a header.
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response.into()
}

/// A file to be kept, under a name.
pub(crate) fn download(state: &WebProtocol, name: &'static str, content: String) -> Answer {
    let mut response = with_body(state, StatusCode::OK, "application/octet-stream", content);
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    }
    response.into()
}

/// A file beside the pages. Its path holds a hash of its content, so that it never changes.
pub(crate) fn asset(state: &WebProtocol, asset: &Asset) -> Answer {
    let mut response = with_body(state, StatusCode::OK, asset.content_type, asset.content.clone());
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(CACHE_CONTROL, for_ever);
    response.into()
}

/// Adds a cookie to an answer.
pub(crate) fn set_cookie(answer: &mut Answer, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        answer.response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn with_body(
    state: &WebProtocol,
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = respond(state, status, body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn respond(state: &WebProtocol, status: StatusCode, body: Bytes) -> Response<Bytes> {
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = state.look.headers(&[]);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}
