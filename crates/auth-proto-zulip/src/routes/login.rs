//! `POST fetch_api_key` and `POST jwt/fetch_api_key` (zulip.md 2 and 5.5).

use auth_core::{
    Answer, ExactPoint, FailureReason, Grant, GrantKind, Granted, Identifier, InternalError,
    InternalErrorKind, LoginAttempt, LoginError, LoginMethod, LoginOutcome, LoginReply, Password,
    ProtocolName, RealmId, SecondStep, Token,
};
use serde::Serialize;

use super::unless_post;
use crate::ZulipProtocol;
use crate::answer::failure::Failure;
use crate::answer::user::{UserObject, address};
use crate::answer::{Reply, Success, ok, with_rate_limit};
use crate::decode::email::is_email;
use crate::request::Request;

pub(crate) const INVALID_EMAIL: Failure = Failure::BadRequest("Enter a valid email address.");

/// A key and whose it is.
#[derive(Serialize)]
struct KeyDocument<'a> {
    #[serde(flatten)]
    success: Success,
    api_key: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored_parameters_unsupported: Vec<&'a str>,
}

/// Logs in by e-mail address and password.
pub(crate) async fn by_password(protocol: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, Failure> {
    if let Some(refused) = unless_post(request) {
        return Ok(refused.into());
    }
    let username = request.parameters.get("username").ok_or(Failure::Missing("username"))?;
    let password = request.parameters.get("password").ok_or(Failure::Missing("password"))?;
    let realm = protocol.realm(&request.site).await?.ok_or(Failure::NonexistentSubdomain)?;
    if !realm.asks_a_directory() && !is_email(username) {
        return Err(INVALID_EMAIL);
    }
    let proof = LoginMethod::Password { who: Identifier::email(username), password: Password::new(password) };
    let LoginReply { outcome, rate_limit, not_before } = ask(protocol, request, realm.id, proof).await?;
    let response = match outcome {
        LoginOutcome::Granted(granted) => granted_key(&granted, request, &["username", "password"])?,
        // The reasons are told by the backend of stored passwords, where the realm asks it (zulip.md 7).
        LoginOutcome::Refused(LoginError::UserInactive | LoginError::RealmInactive)
            if !realm.asks_stored_passwords() =>
        {
            protocol.failed(LoginError::Credentials(FailureReason::NotOffered))
        }
        LoginOutcome::Refused(refusal) => protocol.failed(refusal),
    };
    Ok(Answer { response: with_rate_limit(response, rate_limit.as_ref()), not_before })
}

/// Logs in by a token of another system.
pub(crate) async fn by_assertion(protocol: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, Failure> {
    const DISABLED: Failure = Failure::BadRequest("JWT authentication is not enabled for this organization");
    const MISSING: Failure = Failure::BadRequest("No JSON web token passed in request");
    const BAD: Failure = Failure::BadRequest("Bad JSON web token");
    const NAMELESS: Failure = Failure::BadRequest("No email specified in JSON web token claims");

    if let Some(refused) = unless_post(request) {
        return Ok(refused.into());
    }
    let include_profile = match request.parameters.get("include_profile") {
        Some(text) => boolean(text)?,
        None => false,
    };
    let token = request.parameters.get("token").unwrap_or_default();
    let realm = protocol.realm(&request.site).await?.ok_or(Failure::NonexistentSubdomain)?;
    let reply = ask(protocol, request, realm.id, LoginMethod::Assertion(Token::new(token))).await?;
    let response = match reply.outcome {
        LoginOutcome::Granted(granted) => {
            let user =
                include_profile.then(|| UserObject::new(&granted.profile, protocol.config.feature_level));
            let ignored = request.parameters.surplus(&["include_profile", "token"]);
            key(&granted, None, user, ignored)?
        }
        LoginOutcome::Refused(refusal) => protocol.failed(match refusal {
            LoginError::AssertionDisabled => DISABLED,
            LoginError::AssertionInvalid if token.is_empty() => MISSING,
            LoginError::AssertionInvalid => BAD,
            LoginError::AssertionWithoutSubject => NAMELESS,
            LoginError::AssertionMalformed if protocol.config.exact.has(ExactPoint::AssertionTypeError) => {
                Failure::InternalError(InternalErrorKind::Internal)
            }
            LoginError::AssertionMalformed => BAD,
            other => other.into(),
        }),
    };
    Ok(Answer { response, not_before: reply.not_before })
}

/// Asks the engine for a key.
pub(crate) async fn ask(
    protocol: &ZulipProtocol,
    request: &Request<'_>,
    realm: RealmId,
    proof: LoginMethod,
) -> Result<LoginReply, InternalError> {
    protocol
        .services
        .log_in(LoginAttempt {
            protocol: ProtocolName::Zulip,
            realm,
            proof,
            second_step: SecondStep::NotOffered,
            grant: GrantKind::ZulipKey,
            peer: request.peer.clone(),
        })
        .await
}

/// The key of a user who logged in, with the user's id.
pub(crate) fn granted_key(
    granted: &Granted,
    request: &Request<'_>,
    known: &[&str],
) -> Result<Reply, Failure> {
    key(granted, Some(granted.profile.user.protocols.zulip), None, request.parameters.surplus(known))
}

fn key<'a>(
    granted: &'a Granted,
    user_id: Option<i64>,
    user: Option<UserObject<'a>>,
    ignored_parameters_unsupported: Vec<&'a str>,
) -> Result<Reply, Failure> {
    let Grant::ZulipKey(key) = &granted.grant else {
        return Err(Failure::InternalError(InternalErrorKind::Internal));
    };
    Ok(ok(&KeyDocument {
        success: Success::EMPTY,
        api_key: key.expose(),
        email: address(&granted.profile),
        user_id,
        user,
        ignored_parameters_unsupported,
    }))
}

/// A parameter in JSON that must be a boolean.
fn boolean(text: &str) -> Result<bool, Failure> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Bool(value)) => Ok(value),
        Ok(_) => Err(Failure::BadRequest("include_profile is not a boolean")),
        Err(_) => Err(Failure::BadRequest("include_profile is not valid JSON")),
    }
}
