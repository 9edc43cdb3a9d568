//! What a signed-in user asks: who it is, and to be logged out (rocketchat.md 3.2).

use auth_core::Principal;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::door::RocketChatDoor;
use crate::encode::{Failure, Me, json, success};

/// `GET /api/v1/me`.
pub(crate) fn me(door: &RocketChatDoor, principal: &Principal) -> Response<Bytes> {
    success(&Me::new(&principal.profile, &door.config.site_url))
}

/// `POST` or `GET /api/v1/logout`: ends the presented token alone.
///
/// The documented body, without `success`: the empty one of 7.4 breaks clients.
pub(crate) async fn log_out(
    door: &RocketChatDoor,
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

    door.inside.revoke(principal).await?;
    let data = Message { message: "You've been logged out!" };
    Ok(json(StatusCode::OK, &LoggedOut { status: "success", data }))
}
