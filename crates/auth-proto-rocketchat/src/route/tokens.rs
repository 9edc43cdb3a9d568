//! Log-in tokens and personal ones (rocketchat.md 3.2).

use auth_core::{ActionError, Caller, Grant, Identifier, Token};
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde::Serialize;
use serde_json::Value;

use crate::decode::{Fields, user_and_token};
use crate::encode::{Failure, GENERAL, Words, done, iso, success};
use crate::protocol::RocketChatProtocol;

/// A call about tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenCall {
    LogOutOtherClients,
    RemoveOthers,
    LogOutUser,
    Create,
    GeneratePersonal,
    RegeneratePersonal,
    ListPersonal,
    RemovePersonal,
}

static CREATE: Words = Words {
    not_permitted: ("error-not-authorized", "Not authorized"),
    no_user: ("error-invalid-user", "Invalid user"),
    method: None,
};

const PERSONAL: Words = Words { not_permitted: ("not-authorized", "Not Authorized"), ..Words::GENERAL };
static LIST: Words = PERSONAL;
static GENERATE: Words = PERSONAL.of("personalAccessTokens:generateToken");
static REGENERATE: Words = PERSONAL.of("personalAccessTokens:regenerateToken");
static REMOVE: Words = PERSONAL.of("personalAccessTokens:removeToken");

#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
}

/// Answers a call.
pub(crate) async fn answer(
    call: TokenCall,
    protocol: &RocketChatProtocol,
    caller: &Caller<'_>,
    headers: &HeaderMap,
    body: Value,
) -> Result<Response<Bytes>, Failure> {
    let services = &protocol.services;
    match call {
        TokenCall::LogOutOtherClients => {
            GENERAL.unless_denied(services.end_other_sessions(caller).await?)?;
            Ok(own_token(caller, headers))
        }
        TokenCall::RemoveOthers => {
            GENERAL.unless_denied(services.end_other_sessions(caller).await?)?;
            Ok(done())
        }
        TokenCall::LogOutUser => log_out_user(protocol, caller, body).await,
        TokenCall::Create => create(protocol, caller, body).await,
        TokenCall::GeneratePersonal => {
            let fields = Fields::of(body, &["tokenName", "bypassTwoFactor"])?;
            let (name, bypass) = (fields.text("tokenName")?, fields.flag("bypassTwoFactor")?);
            let token =
                GENERATE.unless_denied(services.create_personal_token(caller, name, bypass).await?)?;
            Ok(success(&Made { token: token.expose() }))
        }
        TokenCall::RegeneratePersonal => {
            let fields = Fields::of(body, &["tokenName"])?;
            let renewed = services.replace_personal_token(caller, fields.text("tokenName")?).await?;
            Ok(success(&Made { token: REGENERATE.unless_denied(renewed)?.expose() }))
        }
        TokenCall::ListPersonal => list_personal(protocol, caller).await,
        TokenCall::RemovePersonal => {
            let fields = Fields::of(body, &["tokenName"])?;
            REMOVE.unless_denied(services.remove_personal_token(caller, fields.text("tokenName")?).await?)?;
            Ok(done())
        }
    }
}

/// The token that the call came with, and its end; a personal one has none.
fn own_token(caller: &Caller<'_>, headers: &HeaderMap) -> Response<Bytes> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Own<'a> {
        token: &'a str,
        token_expires: String,
    }
    let token = user_and_token(headers).map(|(_, token)| token);
    let token = token.as_ref().map(Token::expose).unwrap_or_default();
    let token_expires = caller.principal.expires.map(iso).unwrap_or_default();
    success(&Own { token, token_expires })
}

async fn log_out_user(
    protocol: &RocketChatProtocol,
    caller: &Caller<'_>,
    body: Value,
) -> Result<Response<Bytes>, Failure> {
    #[derive(Serialize)]
    struct LoggedOut {
        message: String,
    }
    let fields = Fields::of(body, &["userId"])?;
    let of = fields.optional_text("userId")?.filter(|id| !id.is_empty());
    let of = of.map(|id| Identifier::ExternalId(id.to_owned()));
    let ended = match protocol.services.end_sessions(caller, of.as_ref()).await? {
        Err(ActionError::NotPermitted) => return Err(Failure::UNAUTHORIZED),
        ended => GENERAL.unless_denied(ended)?,
    };
    let message = format!("User {} has been logged out!", ended.user.protocols.rocketchat);
    Ok(success(&LoggedOut { message }))
}

async fn create(
    protocol: &RocketChatProtocol,
    caller: &Caller<'_>,
    body: Value,
) -> Result<Response<Bytes>, Failure> {
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
    let fields = Fields::of(body, &["userId", "username", "user", "secret"])?;
    let Some(of) = named_user(&fields)? else {
        return Err(Failure::IllTyped("must have required property 'userId'".into()));
    };
    let secret = Token::new(fields.text("secret")?);
    let made = protocol.services.create_session(caller, &of, &secret).await?;
    let (profile, grant) = CREATE.unless_denied(made)?;
    let Grant::RocketChatToken { token, .. } = &grant else { return Err(Failure::INTERNAL) };
    let data = Data { user_id: &profile.user.protocols.rocketchat, auth_token: token.expose() };
    Ok(success(&Created { data }))
}

async fn list_personal(
    protocol: &RocketChatProtocol,
    caller: &Caller<'_>,
) -> Result<Response<Bytes>, Failure> {
    #[derive(Serialize)]
    struct Listed {
        tokens: Vec<Shown>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown {
        name: String,
        created_at: String,
        last_token_part: String,
        bypass_two_factor: bool,
    }
    let tokens = match protocol.services.personal_tokens(caller).await? {
        Err(ActionError::NotPermitted) => return Err(Failure::NO_PERMISSION),
        tokens => LIST.unless_denied(tokens)?,
    };
    let tokens = tokens.into_iter().map(|token| Shown {
        name: token.name,
        created_at: iso(token.created),
        last_token_part: token.last_part,
        bypass_two_factor: token.bypass_second_factor,
    });
    Ok(success(&Listed { tokens: tokens.collect() }))
}

/// The user that a call is about: by id, else by user name under either key.
pub(crate) fn named_user(fields: &Fields) -> Result<Option<Identifier>, String> {
    if let Some(id) = fields.optional_text("userId")? {
        return Ok(Some(Identifier::ExternalId(id.to_owned())));
    }
    let name = match fields.optional_text("username")? {
        Some(name) => Some(name),
        None => fields.optional_text("user")?,
    };
    Ok(name.map(Identifier::user_name))
}
