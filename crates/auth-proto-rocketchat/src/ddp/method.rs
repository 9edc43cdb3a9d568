//! The methods: what a client may call, and what it gets.

use auth_core::{
    ActionError, Caller, CredentialCheck, FailureReason, Grant, GrantKind, Granted, LoginAttempt, LoginError,
    LoginMethod, LoginOutcome, OneTimeCode, Peer, PresentedCredential, Principal, ProtocolName,
    SecondFactorProof, SecondStep, Timestamp, Token,
};
use serde::Serialize;
use serde_json::Value;

use super::command::Params;
use super::error::MethodError;
use crate::decode::{DecodeError, accounts_form, factor_method};
use crate::encode::Failure;
use crate::protocol::RocketChatProtocol;

/// What a method gives.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// A log-in.
    #[serde(rename_all = "camelCase")]
    LoggedIn {
        id: String,
        token: String,
        token_expires: Date,
        #[serde(rename = "type")]
        kind: &'static str,
    },
    /// Rooms: a log-in server has none.
    Rooms([(); 0]),
    /// A TOTP device that waits for its first code.
    Enrolled { secret: String, url: String },
    /// Backup codes.
    Codes { codes: Vec<String> },
    /// Whether a device was taken away.
    Removed(bool),
    /// How many backup codes are left.
    Remaining { remaining: usize },
}

/// A moment as EJSON writes it, in milliseconds.
#[derive(Serialize)]
pub(crate) struct Date {
    #[serde(rename = "$date")]
    millis: i64,
}

impl Date {
    /// The end of a token that has none: clients demand one. 9999-12-31T23:59:59Z.
    const NEVER: Self = Self { millis: 253_402_300_799_000 };
}

/// Somebody who is signed in on a socket, by a token that is checked again and again.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    user_id: String,
    token: Token,
}

impl SignedIn {
    /// Somebody who presents a token, which is yet to be checked.
    pub(crate) fn new(user_id: String, token: Token) -> Self {
        Self { user_id, token }
    }
}

/// Where calls come from.
#[derive(Clone, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) agent: &'a str,
    pub(crate) user: Option<&'a SignedIn>,
    /// The second factor that came in headers, where there are any; one among the parameters goes first.
    pub(crate) proof: Option<&'a SecondFactorProof>,
}

/// What a call came to.
pub(crate) struct Called {
    /// What the client is told: an answer, or nothing to tell, or why not.
    pub(crate) outcome: Result<Option<Answer>, MethodError>,
    /// Who is signed in from now on, where that changes.
    pub(crate) user: Option<Option<SignedIn>>,
    /// The moment before which the outcome must not be told.
    pub(crate) not_before: Option<Timestamp>,
}

impl From<Result<Option<Answer>, MethodError>> for Called {
    fn from(outcome: Result<Option<Answer>, MethodError>) -> Self {
        Self { outcome, user: None, not_before: None }
    }
}

/// Calls a method.
pub(crate) async fn call(
    protocol: &RocketChatProtocol,
    origin: &Origin<'_>,
    name: &str,
    mut params: Params,
) -> Called {
    match name {
        "login" => log_in(protocol, origin, params.take(0)).await,
        "logout" => log_out(protocol, origin).await,
        "rooms/get" => Ok(Some(Answer::Rooms([]))).into(),
        "2fa:enable"
        | "2fa:validateTempToken"
        | "2fa:disable"
        | "2fa:regenerateCodes"
        | "2fa:checkCodesRemaining" => second_factor(protocol, origin, name, params).await.into(),
        _ => Err(MethodError::NotFound(name.to_owned())).into(),
    }
}

/// Whether this is the method whose calls a socket may make only so often.
pub(crate) fn is_log_in(name: &str) -> bool {
    name == "login"
}

async fn log_in(protocol: &RocketChatProtocol, origin: &Origin<'_>, form: Value) -> Called {
    let form = match accounts_form(form) {
        Ok(form) => form,
        // Looks like any wrong password.
        Err(DecodeError::Unrecognised) => {
            return Err(MethodError::Refused(LoginError::Credentials(FailureReason::NotOffered))).into();
        }
        Err(DecodeError::IllTyped(_)) => return Err(MethodError::IllTyped).into(),
    };
    let kind = if matches!(form.proof, LoginMethod::Resume(_)) { "resume" } else { "password" };
    let realm = match protocol.realm().await {
        Ok(realm) => realm.id,
        Err(failure) => return Err(failure.into()).into(),
    };
    let attempt = LoginAttempt {
        protocol: ProtocolName::RocketChat,
        realm,
        proof: form.proof,
        second_step: SecondStep::Offered(form.code),
        grant: GrantKind::RocketChatToken,
        peer: origin.peer.clone(),
    };
    let reply = match protocol.services.log_in(attempt).await {
        Ok(reply) => reply,
        Err(fault) => return Err(fault.into()).into(),
    };
    let called = match reply.outcome {
        LoginOutcome::Granted(granted) => let_in(*granted, kind),
        LoginOutcome::Refused(refusal) => Err(MethodError::Refused(refusal)).into(),
    };
    Called { not_before: reply.not_before, ..called }
}

fn let_in(granted: Granted, kind: &'static str) -> Called {
    let Grant::RocketChatToken { token, expires } = granted.grant else {
        return Err(Failure::INTERNAL.into()).into();
    };
    let user_id = granted.profile.user.protocols.rocketchat.clone();
    let answer = Answer::LoggedIn {
        id: user_id.clone(),
        token: token.expose().to_owned(),
        token_expires: expires.map_or(Date::NEVER, |end| Date { millis: end.as_millis() }),
        kind,
    };
    Called { user: Some(Some(SignedIn { user_id, token })), ..Ok(Some(answer)).into() }
}

/// Ends the token that the socket was signed in with; of a socket that isn't, there is nothing to end.
async fn log_out(protocol: &RocketChatProtocol, origin: &Origin<'_>) -> Called {
    let ended = match principal(protocol, origin).await {
        Ok(principal) => protocol.services.revoke(&principal).await.map_err(MethodError::from),
        Err(MethodError::NotSignedIn) => Ok(()),
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => Called { user: Some(None), ..Ok(None).into() },
        Err(error) => Err(error).into(),
    }
}

/// What is done to one's own second factor (rocketchat.md 2.5).
async fn second_factor(
    protocol: &RocketChatProtocol,
    origin: &Origin<'_>,
    name: &str,
    mut params: Params,
) -> Result<Option<Answer>, MethodError> {
    let proof = proof(&mut params).or_else(|| origin.proof.cloned()).unwrap_or_default();
    let principal = principal(protocol, origin).await?;
    let caller = Caller { principal: &principal, peer: origin.peer, agent: origin.agent, proof: &proof };
    let services = &protocol.services;
    Ok(Some(match name {
        "2fa:enable" => {
            let enrolment = services.enrol_device(&caller).await??;
            let (secret, url) = (enrolment.secret.expose().to_owned(), enrolment.url.expose().to_owned());
            Answer::Enrolled { secret, url }
        }
        "2fa:validateTempToken" => codes(services.confirm_device(&caller, &code(&mut params)?).await??),
        "2fa:disable" => Answer::Removed(services.remove_device(&caller, &code(&mut params)?).await??),
        "2fa:regenerateCodes" => match services.renew_backup_codes(&caller, &code(&mut params)?).await? {
            Ok(new) => codes(new),
            // Of a wrong code the method says nothing at all.
            Err(ActionError::WrongCode) => return Ok(None),
            Err(denial) => return Err(denial.into()),
        },
        _ => Answer::Remaining { remaining: services.backup_codes_left(&caller).await?? },
    }))
}

/// Who is signed in on the socket, if the token is still good.
async fn principal(
    protocol: &RocketChatProtocol,
    origin: &Origin<'_>,
) -> Result<Box<Principal>, MethodError> {
    let user = origin.user.ok_or(MethodError::NotSignedIn)?;
    check(protocol, origin.peer, user).await?.ok_or(MethodError::NotSignedIn)
}

/// Whether a token is still good: who holds it, if so.
pub(crate) async fn check(
    protocol: &RocketChatProtocol,
    peer: &Peer,
    user: &SignedIn,
) -> Result<Option<Box<Principal>>, MethodError> {
    let credential =
        PresentedCredential::RocketChatToken { user_id: user.user_id.clone(), token: user.token.clone() };
    let realm = protocol.realm().await?.id;
    let presentation =
        CredentialCheck { protocol: ProtocolName::RocketChat, realm, credential, peer: peer.clone() };
    Ok(protocol.services.check(presentation).await?.outcome.ok())
}

/// The second factor that comes along as the last argument (rocketchat.md 2.3).
fn proof(params: &mut Params) -> Option<SecondFactorProof> {
    let mut last = params.take_last_with("twoFactorCode")?;
    let code = match last.get_mut("twoFactorCode").map(Value::take) {
        Some(Value::String(code)) => Some(OneTimeCode::new(code)),
        _ => None,
    };
    let method = last.get("twoFactorMethod").and_then(Value::as_str).and_then(factor_method);
    Some(SecondFactorProof { code, method })
}

/// The code that is the method's one argument.
fn code(params: &mut Params) -> Result<OneTimeCode, MethodError> {
    match params.take(0) {
        Value::String(code) => Ok(OneTimeCode::new(code)),
        _ => Err(MethodError::IllTyped),
    }
}

fn codes(codes: Vec<OneTimeCode>) -> Answer {
    Answer::Codes { codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
}

impl From<Failure> for MethodError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::InternalError(kind) => Self::InternalError(kind),
            Failure::NotLoggedIn => Self::NotSignedIn,
            Failure::Limited(rate_limit) => Self::TooMany(rate_limit.retry_after.unwrap_or_default()),
            Failure::BodyTooLarge | Failure::IllTyped(_) | Failure::BadRequest(_) => Self::IllTyped,
            Failure::Denied(denial, _) => Self::Denied(*denial),
            Failure::Forbidden(_) => Self::NotSignedIn,
        }
    }
}
