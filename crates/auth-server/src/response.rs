//! Answers of the server itself: in the protocol's form where the request has one, else in plain text.

use std::time::Duration;

use auth_core::{InternalError, Protocol, RequestError};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

/// When a client may try again for which there was no room.
const BUSY: Duration = Duration::from_secs(1);

/// An answer in plain text.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The last answer of a connection, to a request that is kept from its protocol.
pub(crate) fn refused(protocol: &dyn Protocol, error: RequestError) -> Response<Full<Bytes>> {
    closing(protocol.refuse(error).response.map(Full::new))
}

/// The last answer of a connection, to a client for which there is no room.
pub(crate) fn too_busy(protocol: &dyn Protocol) -> Response<Full<Bytes>> {
    refused(protocol, InternalError::busy(BUSY).into())
}

/// The answer as the last one of its connection.
pub(crate) fn closing(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
