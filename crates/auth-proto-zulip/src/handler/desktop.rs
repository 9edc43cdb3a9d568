//! The takeover of a browser's session by a desktop app.
//!
//! This server has no such sessions and gives out no tokens for them, so that every token is malformed or unknown.

use auth_core::Answer;

use crate::decode::basic::looks_like_key;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZulipProtocol;

/// Judges the token at the end of the path.
pub(crate) async fn take_over(_: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let token = request.http.uri().path().rsplit('/').next().unwrap_or_default();
    Err(if looks_like_key(token) { ApiError::UnknownSession } else { ApiError::MalformedSession })
}
