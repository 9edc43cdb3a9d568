//! `/compatibility`: whether a client may go on.

use auth_core::Answer;

use crate::decode::client::Client;
use crate::encode::response::{Success, ok};
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZulipProtocol;

/// Judges a client by its `User-Agent`. Any method will do.
pub(crate) async fn judge(_: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let user_agent =
        request.user_agent().ok_or(ApiError::BadRequest("User-Agent header missing from request"))?;
    if Client::parse(&user_agent).is_too_old() {
        return Err(ApiError::BadRequest("Client is too old"));
    }
    Ok(ok(&Success::EMPTY).into())
}
