//! `/compatibility`: whether a client may go on (zulip.md 1.5).

use crate::answer::failure::Failure;
use crate::answer::{Reply, Success, ok};
use crate::decode::client::Client;
use crate::request::Request;

/// Judges a client by its `User-Agent`. Any method will do.
pub(crate) fn judge(request: &Request<'_>) -> Result<Reply, Failure> {
    let user_agent =
        request.user_agent().ok_or(Failure::BadRequest("User-Agent header missing from request"))?;
    if Client::parse(&user_agent).is_too_old() {
        return Err(Failure::BadRequest("Client is too old"));
    }
    Ok(ok(&Success::EMPTY))
}
