//! The methods that a client may call.

use auth_core::{
    ActionError, Caller, FactorMethod, Grant, Identifier, InternalError, LoginError, LoginMethod,
    OneTimeCode, OwnChange, Password, Peer, PresentedFactor, Principal, ProtocolName, SecretInput, Timestamp,
    Token,
};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::command::Params;
use super::error::MethodError;
use super::user_document::UserDocument;
use crate::decode::{LoginForm, accounts_form, factor_method, password_factor};
use crate::state::{LoggedIn, RocketChatProtocol};

/// What a method gives.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum MethodResult {
    /// A login.
    #[serde(rename_all = "camelCase")]
    LoggedIn {
        id: String,
        #[serde(serialize_with = "exposed")]
        token: Token,
        token_expires: Date,
        #[serde(rename = "type")]
        kind: &'static str,
    },
    /// A password was changed.
    #[serde(rename_all = "camelCase")]
    PasswordChanged { password_changed: bool },
    /// Another token of the user.
    #[serde(rename_all = "camelCase")]
    Another {
        id: String,
        #[serde(serialize_with = "exposed")]
        token: Token,
        token_expires: Date,
    },
    /// The token that stays when others end.
    #[serde(rename_all = "camelCase")]
    Own {
        #[serde(serialize_with = "exposed")]
        token: Token,
        token_expires: Date,
    },
    /// The user's rooms, or subscriptions to them: a login server has none.
    Rooms([(); 0]),
    /// A TOTP device that waits for its first code.
    Enrolled {
        #[serde(serialize_with = "exposed")]
        secret: Token,
        #[serde(serialize_with = "exposed")]
        url: Token,
    },
    /// Backup codes.
    Codes {
        #[serde(serialize_with = "exposed_codes")]
        codes: Vec<OneTimeCode>,
    },
    /// Whether something was done.
    Done(bool),
    /// A user name.
    UserName(String),
    /// The number of backup codes that are left.
    Remaining { remaining: usize },
}

fn exposed<S: Serializer>(token: &Token, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

fn exposed_codes<S: Serializer>(codes: &[OneTimeCode], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(codes.iter().map(OneTimeCode::expose))
}

/// A moment as EJSON writes it, in milliseconds since 1970.
#[derive(Serialize)]
pub(crate) struct Date {
    #[serde(rename = "$date")]
    millis: i64,
}

impl Date {
    /// The end of a token that has none, since clients demand one: 9999-12-31T23:59:59Z.
    const NEVER: Self = Self { millis: 253_402_300_799_000 };

    /// The end of a token.
    fn of_end(end: Option<Timestamp>) -> Self {
        end.map_or(Self::NEVER, |end| Self { millis: end.as_millis() })
    }
}

/// A user who is signed in on a socket, by a token that is checked again and again.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    id: String,
    token: Token,
}

impl SignedIn {
    /// A user who presents a token, which is yet to be checked.
    pub(crate) fn new(id: impl Into<String>, token: impl Into<String>) -> Self {
        Self { id: id.into(), token: Token::new(token) }
    }

    /// The user's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Checks the token.
    pub(super) async fn check(
        &self,
        state: &RocketChatProtocol,
        peer: &Peer,
    ) -> Result<Box<Principal>, MethodError> {
        let reply = state.check(self.id.as_str().into(), self.token.clone(), peer).await;
        Ok(reply.result?)
    }
}

/// Where a call comes from.
#[derive(Clone, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) peer: &'a Peer,
    /// The user who calls.
    pub(crate) user: Option<&'a SignedIn>,
    /// The second factor in headers, where the call has headers. One among the parameters takes precedence.
    pub(crate) factor: Option<&'a PresentedFactor>,
}

impl Origin<'_> {
    /// The user who calls, if the token is still good.
    async fn principal(&self, state: &RocketChatProtocol) -> Result<Box<Principal>, MethodError> {
        self.user.ok_or(MethodError::NotSignedIn)?.check(state, self.peer).await
    }

    /// The caller of a service: the user who calls, and the second factor that is shown.
    fn caller<'a>(&'a self, principal: &'a Principal, factor: &'a PresentedFactor) -> Caller<'a> {
        Caller { principal, peer: self.peer, protocol: ProtocolName::ROCKETCHAT, factor }
    }
}

/// The outcome of a call.
pub(crate) struct Outcome {
    /// What the method gives, if it gives anything, or why it failed.
    pub(crate) result: Result<Option<MethodResult>, MethodError>,
    /// What the call changes about the user of the socket.
    pub(crate) change: UserChange,
    /// The moment before which the result must not be sent.
    pub(crate) not_before: Option<Timestamp>,
}

/// What a call changes about the user of a socket.
pub(crate) enum UserChange {
    /// The user stays.
    None,
    /// This user is signed in.
    SignedIn(SignedIn, UserDocument),
    /// The user is signed out.
    SignedOut,
}

impl Outcome {
    /// The internal error that the result tells of.
    pub(crate) fn internal_error(&self) -> Option<InternalError> {
        match &self.result {
            Err(MethodError::Internal(error)) => Some(error.clone()),
            _ => None,
        }
    }
}

impl From<Result<Option<MethodResult>, MethodError>> for Outcome {
    fn from(result: Result<Option<MethodResult>, MethodError>) -> Self {
        Self { result, change: UserChange::None, not_before: None }
    }
}

impl From<MethodError> for Outcome {
    fn from(error: MethodError) -> Self {
        Err(error).into()
    }
}

/// The method whose calls a socket limits itself.
const LOG_IN: &str = "login";

/// The other methods whose calls are limited as those of operations are: each reads or changes the store.
const LIMITED: [&str; 13] = [
    "2fa:checkCodesRemaining",
    "2fa:disable",
    "2fa:enable",
    "2fa:regenerateCodes",
    "2fa:validateTempToken",
    "changePassword",
    "getNewToken",
    "getUsernameSuggestion",
    "logoutOtherClients",
    "removeOtherTokens",
    "resetPassword",
    "setUserPassword",
    "setUsername",
];

/// Whether a method is the one that logs in.
pub(crate) fn is_log_in(name: &str) -> bool {
    name == LOG_IN
}

/// Counts a call against the limit of its method; gives the time to wait where there were too many.
fn count(state: &RocketChatProtocol, origin: &Origin<'_>, name: &str) -> Option<Duration> {
    let limited = LIMITED.into_iter().find(|limited| *limited == name)?;
    state.services.admit(ProtocolName::ROCKETCHAT, limited, origin.peer)?.retry_after
}

/// Calls a method.
pub(crate) async fn call(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    name: &str,
    mut params: Params,
) -> Outcome {
    if let Some(wait) = count(state, origin, name) {
        return MethodError::Limited(wait).into();
    }
    match name {
        LOG_IN => log_in(state, origin, params.take(0)).await.unwrap_or_else(Outcome::from),
        "logout" => log_out(state, origin).await.unwrap_or_else(Outcome::from),
        "rooms/get" | "subscriptions/get" => Ok(Some(MethodResult::Rooms([]))).into(),
        "logoutOtherClients" | "removeOtherTokens" => end_other_sessions(state, origin, name).await.into(),
        "getNewToken" => get_new_token(state, origin).await.unwrap_or_else(Outcome::from),
        "getUsernameSuggestion" | "setUsername" | "setUserPassword" => {
            change_own_account(state, origin, name, params.take(0)).await.into()
        }
        "changePassword" => change_password(state, origin, params).await.into(),
        "resetPassword" => reset_password(state, origin, params).await.unwrap_or_else(Outcome::from),
        _ => match DeviceCall::from_name(name) {
            Some(call) => change_factor(state, origin, call, params).await.into(),
            None => MethodError::NotFound(name.to_owned()).into(),
        },
    }
}

async fn log_in(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    form: Value,
) -> Result<Outcome, MethodError> {
    let form = accounts_form(form)?;
    let kind = if matches!(form.method, LoginMethod::Resume(_)) { "resume" } else { "password" };
    let reply = state.log_in(form, origin.peer).await;
    let outcome = match reply.result {
        Ok(login) => logged_in(login, kind),
        Err(error) => MethodError::from(error).into(),
    };
    Ok(Outcome { not_before: reply.not_before, ..outcome })
}

fn logged_in(login: LoggedIn, kind: &'static str) -> Outcome {
    let LoggedIn { profile, token, expires } = login;
    let id = profile.user.external_text(ProtocolName::ROCKETCHAT);
    let result = MethodResult::LoggedIn {
        id: id.to_owned(),
        token: token.clone(),
        token_expires: Date::of_end(expires),
        kind,
    };
    let user = SignedIn { id: id.to_owned(), token };
    let change = UserChange::SignedIn(user, UserDocument::of(&profile.user));
    Outcome { result: Ok(Some(result)), change, not_before: None }
}

/// Revokes the token with which the socket was signed in, if it is still good.
async fn log_out(state: &RocketChatProtocol, origin: &Origin<'_>) -> Result<Outcome, MethodError> {
    match origin.principal(state).await {
        Ok(principal) => state.services.revoke(&principal).await?,
        Err(MethodError::NotSignedIn) => {}
        Err(error) => return Err(error),
    }
    Ok(Outcome { result: Ok(None), change: UserChange::SignedOut, not_before: None })
}

/// Ends the user's other sessions. `logoutOtherClients` gives the token that stays.
async fn end_other_sessions(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    name: &str,
) -> Result<Option<MethodResult>, MethodError> {
    let user = origin.user.ok_or(MethodError::NotSignedIn)?;
    let principal = origin.principal(state).await?;
    let nothing = PresentedFactor::default();
    let caller = origin.caller(&principal, origin.factor.unwrap_or(&nothing));
    state.services.end_other_sessions(&caller).await?;
    let own =
        || MethodResult::Own { token: user.token.clone(), token_expires: Date::of_end(principal.expires) };
    Ok((name == "logoutOtherClients").then(own))
}

/// Makes another token, by which the socket goes on. Meteor's client asks for it before it ends the other sessions.
async fn get_new_token(state: &RocketChatProtocol, origin: &Origin<'_>) -> Result<Outcome, MethodError> {
    let id = origin.user.ok_or(MethodError::NotSignedIn)?.id.clone();
    let principal = origin.principal(state).await?;
    let nothing = PresentedFactor::default();
    let caller = origin.caller(&principal, origin.factor.unwrap_or(&nothing));
    let Grant::Token { token, expires } = state.services.another_session(&caller).await? else {
        return Err(InternalError::defect("a grant that is no token").into());
    };
    let token_expires = Date::of_end(expires);
    let result = MethodResult::Another { id: id.clone(), token: token.clone(), token_expires };
    let document = UserDocument::of(&principal.profile.user);
    let change = UserChange::SignedIn(SignedIn { id, token }, document);
    Ok(Outcome { result: Ok(Some(result)), change, not_before: None })
}

/// The methods that choose a user name, and the one that sets the password of an account that must change it.
async fn change_own_account(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    name: &str,
    param: Value,
) -> Result<Option<MethodResult>, MethodError> {
    let principal = origin.principal(state).await?;
    let nothing = PresentedFactor::default();
    let caller = origin.caller(&principal, origin.factor.unwrap_or(&nothing));
    if name == "getUsernameSuggestion" {
        return Ok(Some(MethodResult::UserName(state.services.suggest_user_name(&caller).await?)));
    }
    let Value::String(text) = param else { return Err(MethodError::IllTyped) };
    if name == "setUsername" {
        let change = OwnChange { user_name: Some(&text), ..OwnChange::default() };
        state.services.change_own_account(&caller, &change).await?;
        return Ok(Some(MethodResult::UserName(text)));
    }
    // Any other change of a password is `users.updateOwnBasicInfo`.
    if !principal.profile.user.must_change_password {
        return Err(ActionError::NotOffered.into());
    }
    let change = OwnChange { password: Some(&Password::new(text)), ..OwnChange::default() };
    state.services.change_own_account(&caller, &change).await?;
    Ok(Some(MethodResult::Done(true)))
}

/// Meteor's method for a new password: the present one, by its digest or clear, and the new one, which must be clear: of a
/// digest nobody can tell how strong it is.
async fn change_password(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    mut params: Params,
) -> Result<Option<MethodResult>, MethodError> {
    let principal = origin.principal(state).await?;
    let (present, new) = (params.take(0), params.take(1));
    let present = match &present {
        Value::String(clear) => clear.as_str(),
        other => other.get("digest").and_then(Value::as_str).ok_or(MethodError::IllTyped)?,
    };
    let Value::String(new) = new else { return Err(ActionError::NotOffered.into()) };
    let factor = password_factor(present);
    let caller = origin.caller(&principal, &factor);
    let change = OwnChange { password: Some(&Password::new(new)), ..OwnChange::default() };
    match state.services.change_own_account(&caller, &change).await {
        Ok(_) => Ok(Some(MethodResult::PasswordChanged { password_changed: true })),
        Err(ActionError::SecondFactorInvalid(challenge)) if challenge.method == FactorMethod::Password => {
            Err(MethodError::WrongPassword)
        }
        Err(error) => Err(error.into()),
    }
}

/// Meteor's method behind a mailed link: sets the password and logs in, unless a second factor is asked for.
async fn reset_password(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    mut params: Params,
) -> Result<Outcome, MethodError> {
    let (Value::String(token), Value::String(new)) = (params.take(0), params.take(1)) else {
        return Err(MethodError::IllTyped);
    };
    let realm = state.realm().await?.ok_or(MethodError::Action(ActionError::WrongToken))?;
    let (token, new, protocol) = (Token::new(token), Password::new(new), ProtocolName::ROCKETCHAT);
    let profile = state.services.reset_password(realm.id, &token, &new, origin.peer, protocol).await?;
    let form = LoginForm {
        method: LoginMethod::Password {
            who: Identifier::external(protocol, profile.user.external_text(protocol)),
            secret: SecretInput::Password(new),
        },
        code: None,
    };
    let reply = state.log_in(form, origin.peer).await;
    let outcome = match reply.result {
        Ok(login) => logged_in(login, "resetPassword"),
        Err(LoginError::SecondFactorRequired(_)) => MethodError::SecondFactorAfterReset.into(),
        Err(error) => MethodError::from(error).into(),
    };
    Ok(Outcome { not_before: reply.not_before, ..outcome })
}

/// The methods that change the caller's TOTP device.
#[derive(Clone, Copy)]
enum DeviceCall {
    Enable,
    ValidateTempToken,
    Disable,
    RegenerateCodes,
    CheckCodesRemaining,
}

impl DeviceCall {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "2fa:enable" => Self::Enable,
            "2fa:validateTempToken" => Self::ValidateTempToken,
            "2fa:disable" => Self::Disable,
            "2fa:regenerateCodes" => Self::RegenerateCodes,
            "2fa:checkCodesRemaining" => Self::CheckCodesRemaining,
            _ => return None,
        })
    }
}

async fn change_factor(
    state: &RocketChatProtocol,
    origin: &Origin<'_>,
    call: DeviceCall,
    mut params: Params,
) -> Result<Option<MethodResult>, MethodError> {
    let factor = factor(&mut params).or_else(|| origin.factor.cloned()).unwrap_or_default();
    let principal = origin.principal(state).await?;
    let caller = origin.caller(&principal, &factor);
    let services = &state.services;
    Ok(Some(match call {
        DeviceCall::Enable => {
            let enrolment = services.enrol_device(&caller).await?;
            MethodResult::Enrolled { secret: enrolment.secret, url: enrolment.url }
        }
        DeviceCall::ValidateTempToken => {
            let codes = services.confirm_device(&caller, &code(&mut params)?).await?;
            MethodResult::Codes { codes }
        }
        DeviceCall::Disable => {
            MethodResult::Done(services.remove_device(&caller, &code(&mut params)?).await?)
        }
        DeviceCall::RegenerateCodes => {
            match services.renew_backup_codes(&caller, &code(&mut params)?).await {
                // The method gives nothing for a wrong code.
                Err(ActionError::WrongCode) => return Ok(None),
                codes => MethodResult::Codes { codes: codes? },
            }
        }
        DeviceCall::CheckCodesRemaining => {
            MethodResult::Remaining { remaining: services.backup_codes_left(&caller).await? }
        }
    }))
}

/// The second factor that came along as the last parameter.
fn factor(params: &mut Params) -> Option<PresentedFactor> {
    let mut last = params.take_last_with("twoFactorCode")?;
    let code = match last.get_mut("twoFactorCode").map(Value::take) {
        Some(Value::String(code)) => Some(OneTimeCode::new(code)),
        _ => None,
    };
    let method = last.get("twoFactorMethod").and_then(Value::as_str).and_then(factor_method);
    Some(PresentedFactor { code, method, password: None })
}

/// The code that is the method's only parameter.
fn code(params: &mut Params) -> Result<OneTimeCode, MethodError> {
    match params.take(0) {
        Value::String(code) => Ok(OneTimeCode::new(code)),
        _ => Err(MethodError::IllTyped),
    }
}
