//! What a signed-in user asks: who it is, and to be logged out (rocketchat.md 3.2).

use auth_core::Principal;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::encode::{Failure, Me, json, success};
use crate::protocol::RocketChatProtocol;

/// `GET /api/v1/me`.
pub(crate) fn me(protocol: &RocketChatProtocol, principal: &Principal) -> Response<Bytes> {
    success(&Me::new(&principal.profile, &protocol.config.site_url))
}

/// `POST` or `GET /api/v1/logout`: ends the presented token alone.
///
/// The documented body, without `success`: the empty one of 7.4 breaks clients.
pub(crate) async fn log_out(
    protocol: &RocketChatProtocol,
    principal: &Principal,
) -> Result<Response<Bytes>, Failure> {
    #[derive(Serialize)]
    struct LoggedOut {
        status: &'static str,
        data: Message,
    }
    #[derive(Serialize)]
    struct Message {
        message: &'static str,
    }

    protocol.services.revoke(principal).await?;
    let data = Message { message: "You've been logged out!" };
    Ok(json(StatusCode::OK, &LoggedOut { status: "success", data }))
}
