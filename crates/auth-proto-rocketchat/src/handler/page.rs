//! The pages: the one that the desktop app looks for, and the one behind a mailed link.

use auth_core::{ActionError, Answer, ProtocolName, Token};
use http::{Method, StatusCode};

use crate::call::Call;
use crate::encode::page;
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// Where mailed links lead; a token follows.
const VERIFY: &str = "/verify-email/";

/// Answers `GET /`: the desktop app asks it first and takes a server without it for none.
pub(crate) async fn home(_: &RocketChatProtocol, _: &Call<'_>) -> Result<Answer, ApiError> {
    let text = "Apps and programs of Rocket.Chat log in here. There is no web client at this address.";
    Ok(page(StatusCode::OK, "Login server", text))
}

/// Answers `GET /verify-email/{token}`: verifies the address to which the link was mailed. HEAD, which nobody sends by
/// opening a link, does nothing.
pub(crate) async fn verify_address(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let over = || {
        let text =
            "This link is not good: it is older than a day, or a newer one was sent. Ask for another one.";
        page(StatusCode::NOT_FOUND, "Not confirmed", text)
    };
    let token = call.path().strip_prefix(VERIFY).unwrap_or_default();
    let Some(realm) = state.realm().await? else { return Ok(over()) };
    if call.method() != Method::HEAD {
        let protocol = ProtocolName::ROCKETCHAT;
        match state.services.verify_address(realm.id, &Token::new(token), call.peer, protocol).await {
            Err(ActionError::WrongToken) => return Ok(over()),
            verified => verified?,
        }
    }
    Ok(page(StatusCode::OK, "Confirmed", "Your e-mail address is confirmed. You can log in now."))
}
