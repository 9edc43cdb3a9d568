//! `POST fetch_api_key` and `POST jwt/fetch_api_key` (zulip.md 2 and 5.5).

use auth_core::{
    Answer, Cause, DoorKind, ExactPoint, Fault, FaultKind, Grant, GrantKind, Granted, Identifier,
    LoginAttempt, LoginOutcome, LoginReply, Password, Proof, RealmId, Refusal, SecondStep, Token,
};
use serde::Serialize;

use super::unless_post;
use crate::ZulipDoor;
use crate::answer::failure::Failure;
use crate::answer::user::{UserObject, address};
use crate::answer::{Reply, Success, ok, with_standing};
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
pub(crate) async fn by_password(door: &ZulipDoor, request: &Request<'_>) -> Result<Answer, Failure> {
    if let Some(refused) = unless_post(request) {
        return Ok(refused.into());
    }
    let username = request.parameters.get("username").ok_or(Failure::Missing("username"))?;
    let password = request.parameters.get("password").ok_or(Failure::Missing("password"))?;
    let realm = door.realm(&request.site).await?.ok_or(Failure::NonexistentSubdomain)?;
    if !realm.asks_a_directory() && !is_email(username) {
        return Err(INVALID_EMAIL);
    }
    let proof = Proof::Password { who: Identifier::email(username), password: Password::new(password) };
    let LoginReply { outcome, standing, not_before } = ask(door, request, realm.id, proof).await?;
    let response = match outcome {
        LoginOutcome::Granted(granted) => granted_key(&granted, request, &["username", "password"])?,
        // The reasons are told by the backend of stored passwords, where the realm asks it (zulip.md 7).
        LoginOutcome::Refused(Refusal::UserInactive | Refusal::RealmInactive)
            if !realm.asks_stored_passwords() =>
        {
            door.failed(Refusal::Credentials(Cause::NotOffered))
        }
        LoginOutcome::Refused(refusal) => door.failed(refusal),
    };
    Ok(Answer { response: with_standing(response, standing.as_ref()), not_before })
}

/// Logs in by a token of another system.
pub(crate) async fn by_assertion(door: &ZulipDoor, request: &Request<'_>) -> Result<Answer, Failure> {
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
    let realm = door.realm(&request.site).await?.ok_or(Failure::NonexistentSubdomain)?;
    let reply = ask(door, request, realm.id, Proof::Assertion(Token::new(token))).await?;
    let response = match reply.outcome {
        LoginOutcome::Granted(granted) => {
            let user = include_profile.then(|| UserObject::new(&granted.profile, door.config.feature_level));
            let ignored = request.parameters.surplus(&["include_profile", "token"]);
            key(&granted, None, user, ignored)?
        }
        LoginOutcome::Refused(refusal) => door.failed(match refusal {
            Refusal::AssertionDisabled => DISABLED,
            Refusal::AssertionInvalid if token.is_empty() => MISSING,
            Refusal::AssertionInvalid => BAD,
            Refusal::AssertionWithoutSubject => NAMELESS,
            Refusal::AssertionMalformed if door.config.exact.has(ExactPoint::AssertionTypeError) => {
                Failure::Fault(FaultKind::Internal)
            }
            Refusal::AssertionMalformed => BAD,
            other => other.into(),
        }),
    };
    Ok(Answer { response, not_before: reply.not_before })
}

/// Asks the engine for a key.
pub(crate) async fn ask(
    door: &ZulipDoor,
    request: &Request<'_>,
    realm: RealmId,
    proof: Proof,
) -> Result<LoginReply, Fault> {
    door.inside
        .log_in(LoginAttempt {
            door: DoorKind::Zulip,
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
    key(granted, Some(granted.profile.user.doors.zulip), None, request.parameters.surplus(known))
}

fn key<'a>(
    granted: &'a Granted,
    user_id: Option<i64>,
    user: Option<UserObject<'a>>,
    ignored_parameters_unsupported: Vec<&'a str>,
) -> Result<Reply, Failure> {
    let Grant::ZulipKey(key) = &granted.grant else { return Err(Failure::Fault(FaultKind::Internal)) };
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
