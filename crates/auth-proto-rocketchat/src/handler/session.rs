//! Signed-in users and their login tokens.

use auth_core::{ActionError, Answer, Grant, Identifier, InternalError, ProtocolName, Token};
use http::StatusCode;
use serde::Serialize;

use crate::call::Call;
use crate::decode::{DecodeError, user_and_token};
use crate::encode::{ErrorTexts, IsoDate, Me, done, json, json_body, success};
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// Answers `GET /api/v1/me`.
pub(crate) async fn me(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let profile = &call.principal()?.profile;
    if let Some(body) = state.own_users.get(profile) {
        return Ok(json_body(body));
    }
    let answer = success(&Me::new(profile, &state.config.site_url));
    if answer.response.status() == StatusCode::OK {
        state.own_users.keep(profile, answer.response.body().clone());
    }
    Ok(answer)
}

/// Answers `POST` or `GET /api/v1/logout`: revokes the presented token alone.
///
/// The body is the documented one, without `success`. Rocket.Chat 7.4 answers an empty body, which breaks
/// clients.
pub(crate) async fn log_out(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct LoggedOut {
        status: &'static str,
        data: Message,
    }
    #[derive(Serialize)]
    struct Message {
        message: &'static str,
    }

    state.services.revoke(call.principal()?).await?;
    let data = Message { message: "You've been logged out!" };
    Ok(json(StatusCode::OK, &LoggedOut { status: "success", data }))
}

/// Answers `POST users.logoutOtherClients`: ends the user's other sessions; gives the presented token and its
/// end, which is empty for a personal token.
pub(crate) async fn log_out_other_clients(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Own<'a> {
        token: &'a str,
        token_expires: End,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum End {
        At(IsoDate),
        Never(&'static str),
    }

    let caller = call.caller()?;
    state.services.end_other_sessions(&caller).await?;
    let token = user_and_token(call.headers()).map(|(_, token)| token).unwrap_or_default();
    let token_expires = caller.principal.expires.map_or(End::Never(""), |end| End::At(IsoDate(end)));
    Ok(success(&Own { token, token_expires }))
}

/// Answers `POST users.removeOtherTokens`: ends the user's other sessions.
pub(crate) async fn remove_other_tokens(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    state.services.end_other_sessions(&call.caller()?).await?;
    Ok(done())
}

/// Answers `POST users.logout`: ends all tokens of the user, or of another one.
pub(crate) async fn log_out_user(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct LoggedOut {
        message: String,
    }

    let fields = call.fields(&["userId"])?;
    let id = fields.optional_text("userId")?.filter(|id| !id.is_empty());
    let of = id.map(|id| Identifier::external(ProtocolName::ROCKETCHAT, id));
    let profile = match state.services.end_sessions(&call.caller()?, of.as_ref()).await {
        Err(ActionError::NotPermitted) => return Err(ApiError::UNAUTHORIZED),
        ended => ended?,
    };
    let id = profile.user.external_text(ProtocolName::ROCKETCHAT);
    Ok(success(&LoggedOut { message: format!("User {id} has been logged out!") }))
}

/// Answers `POST users.createToken`: makes a login token of any user for a caller that knows the operator's
/// secret.
pub(crate) async fn create_token(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    static TEXTS: ErrorTexts = ErrorTexts {
        not_permitted: ("error-not-authorized", "Not authorized"),
        no_such_user: ("error-invalid-user", "Invalid user"),
        method: None,
    };
    #[derive(Serialize)]
    struct Created<'a> {
        data: Data<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        user_id: &'a str,
        auth_token: &'a str,
    }

    let fields = call.fields(&["userId", "username", "user", "secret"])?;
    let missing = || DecodeError::IllTyped("must have required property 'userId'".into());
    let of = fields.user()?.ok_or_else(missing)?;
    let secret = Token::new(fields.text("secret")?);
    let created = state.services.create_session(&call.caller()?, &of, &secret).await;
    let (profile, grant) = created.map_err(|error| ApiError::action(error, &TEXTS))?;
    let Grant::Token { token, .. } = &grant else {
        return Err(InternalError::defect("a new session has no token").into());
    };
    let user_id = profile.user.external_text(ProtocolName::ROCKETCHAT);
    Ok(success(&Created { data: Data { user_id, auth_token: token.expose() } }))
}
