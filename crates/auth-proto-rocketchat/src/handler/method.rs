//! `method.call` and `method.callAnon`: DDP's methods for clients without a socket.

use auth_core::{Answer, ProtocolName};
use http::StatusCode;
use serde::Serialize;

use crate::call::Call;
use crate::ddp::{self, Command, Message, Origin, SignedIn};
use crate::decode::user_and_token;
use crate::encode::json;
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// The operation against whose limit logins by method count.
const LOG_IN: &str = "POST /api/v1/login";

/// Answers `POST method.call/{name}` and `POST method.callAnon/{name}`: calls the method in the body's
/// message. The name in the path is for people. A method that fails is a 400.
pub(crate) async fn call(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Called {
        message: String,
        success: bool,
    }

    let fields = call.fields(&["message"])?;
    let Ok(Command::Method { id, name, params }) = Command::decode(fields.text("message")?) else {
        return Err(ApiError::IllTyped("message must be a method call".into()));
    };
    // A socket limits its logins itself; here nothing else would.
    if ddp::is_log_in(&name)
        && let Some(status) = state.services.admit(ProtocolName::ROCKETCHAT, LOG_IN, call.peer)
        && status.retry_after.is_some()
    {
        return Err(ApiError::Limited(status));
    }
    let headers = call.headers();
    let user = user_and_token(headers).filter(|_| call.principal.is_some());
    let user = user.map(|(id, token)| SignedIn::new(id, token));
    let origin = Origin { peer: call.peer, user: user.as_ref(), factor: Some(call.factor()) };
    let outcome = ddp::call(state, &origin, &name, params).await;
    let success = outcome.result.is_ok();
    let status = if success { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let message = Message::result(&id, &outcome.result).encode();
    let answer = json(status, &Called { message, success });
    Ok(Answer { not_before: outcome.not_before, error: outcome.internal_error(), ..answer })
}
