//! `POST /api/v1/login` (rocketchat.md 1).

use auth_core::{
    Answer, ExactPoint, Grant, GrantKind, Granted, LoginAttempt, LoginOutcome, Peer, ProtocolName, SecondStep,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde::Serialize;

use crate::decode::{DecodeError, body, login_form, second_factor_code};
use crate::encode::{self, Failure, Me, error_body, json};
use crate::protocol::RocketChatProtocol;

/// Judges a log-in form of any kind.
pub(crate) async fn log_in(
    protocol: &RocketChatProtocol,
    request: &Request<Bytes>,
    peer: &Peer,
) -> Result<Answer, Failure> {
    let headers = request.headers();
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    let fields = body(content_type, request.body());
    let form = match login_form(fields, second_factor_code(headers)) {
        Ok(form) => form,
        Err(DecodeError::Unrecognised) => {
            return Ok(json(StatusCode::UNAUTHORIZED, &error_body("Unauthorized")).into());
        }
        Err(DecodeError::IllTyped(_)) if protocol.config.exact.has(ExactPoint::IllTypedBody) => {
            return Err(Failure::INTERNAL);
        }
        Err(DecodeError::IllTyped(why)) => return Err(Failure::IllTyped(why.into())),
    };
    let attempt = LoginAttempt {
        protocol: ProtocolName::RocketChat,
        realm: protocol.realm().await?.id,
        proof: form.proof,
        second_step: SecondStep::Offered(form.code),
        grant: GrantKind::RocketChatToken,
        peer: peer.clone(),
    };
    let reply = protocol.services.log_in(attempt).await?;
    let response = match &reply.outcome {
        LoginOutcome::Granted(granted) => let_in(granted, &protocol.config.site_url)?,
        LoginOutcome::Refused(refusal) => encode::refusal(refusal),
    };
    Ok(Answer { response, not_before: reply.not_before })
}

fn let_in(granted: &Granted, site_url: &str) -> Result<Response<Bytes>, Failure> {
    #[derive(Serialize)]
    struct LoggedIn<'a> {
        status: &'static str,
        data: Data<'a>,
        success: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        user_id: &'a str,
        auth_token: &'a str,
        me: Me<'a>,
    }

    let Grant::RocketChatToken { token, .. } = &granted.grant else { return Err(Failure::INTERNAL) };
    let data = Data {
        user_id: &granted.profile.user.protocols.rocketchat,
        auth_token: token.expose(),
        me: Me::new(&granted.profile, site_url),
    };
    Ok(json(StatusCode::OK, &LoggedIn { status: "success", data, success: true }))
}
