//! `POST method.call/NAME` and `method.callAnon/NAME`: the sockets' methods for clients without a socket
//! (rocketchat.md 2.5). Which method is called the message says; the name in the path is for people.

use auth_core::{Answer, Peer, ProtocolName};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::ddp::{self, Command, Message, Origin, SignedIn};
use crate::decode::{Fields, agent, second_factor_proof, user_and_token};
use crate::encode::{Failure, json};
use crate::protocol::RocketChatProtocol;

/// The limited route whose place the method takes.
const LOG_IN: &str = "POST /api/v1/login";

/// Calls the method in the body's message; a method that fails is a 400.
pub(crate) async fn call(
    protocol: &RocketChatProtocol,
    headers: &HeaderMap,
    signed_in: bool,
    body: Value,
    peer: &Peer,
) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Called {
        message: String,
        success: bool,
    }

    let fields = Fields::of(body, &["message"])?;
    let Ok(Command::Method { id, name, params }) = Command::decode(fields.text("message")?) else {
        return Err(Failure::IllTyped("message must be a method call".into()));
    };
    // On a socket log-ins are limited; here nothing else would limit them.
    let rate_limit =
        (name == "login").then(|| protocol.services.admit(ProtocolName::RocketChat, LOG_IN, peer)).flatten();
    if let Some(rate_limit) = rate_limit.filter(|rate_limit| rate_limit.retry_after.is_some()) {
        return Err(Failure::Limited(rate_limit));
    }
    let user = user_and_token(headers).filter(|_| signed_in).map(|(id, token)| SignedIn::new(id, token));
    let proof = second_factor_proof(headers);
    let origin = Origin { peer, agent: agent(headers), user: user.as_ref(), proof: Some(&proof) };
    let called = ddp::call(protocol, &origin, &name, params).await;
    let success = called.outcome.is_ok();
    let status = if success { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let message = Message::result(&id, &called.outcome).encode();
    Ok(Answer { response: json(status, &Called { message, success }), not_before: called.not_before })
}
