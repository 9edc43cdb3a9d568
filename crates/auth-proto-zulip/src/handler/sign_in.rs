//! Sign-in by a form: name and password, then the second factor of whoever has one. The log-in page and the apps' flow both
//! ask here.
//!
//! Between the two steps, the cookie of the session holds the ticket of the first: a text that the engine sealed, good for ten
//! minutes, and worth nothing without the code.

use auth_core::{
    Answer, Challenge, CredentialKind, FactorMethod, FailureReason, Grant, GrantKind, Identifier,
    InternalError, Login, LoginAttempt, LoginError, LoginMethod, LoginReply, OneTimeCode, ProtocolName,
    RateLimitStatus, SecondStep, SecretInput, Timestamp, Token, fill,
};

use super::home::DEACTIVATED;
use crate::browser::Browser;
use crate::decode::header::strip;
use crate::encode::response::{rate_limit, redirect};
use crate::error::PageError;
use crate::state::ZulipProtocol;
use crate::view::{CodeStep, Fields};
use crate::visit::Visit;

/// The field that says which step a form is of.
const STEP: &str = "two_factor_login_view-current_step";

/// An attempt to sign in that was judged: what became of it, and how its answer is sent.
pub(super) type Tried = (Outcome, Sending);

/// How the answer to an attempt is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sending {
    rate_limit: Option<RateLimitStatus>,
    not_before: Option<Timestamp>,
}

impl Sending {
    /// Completes an answer: with the status of the limit, and the moment before which it must not be sent.
    pub(super) fn complete(self, mut answer: Answer) -> Answer {
        rate_limit(answer.response.headers_mut(), self.rate_limit.as_ref());
        Answer { not_before: self.not_before, ..answer }
    }
}

/// What became of an attempt.
pub(super) enum Outcome {
    /// Somebody is signed in now, by a session of this token.
    SignedIn(Box<Login>, Token),
    /// The form is shown again, or its next step.
    Again(Again),
    /// The realm is deactivated.
    RealmInactive,
}

/// A form to be shown.
pub(super) struct Again {
    pub(super) fields: Fields,
    /// What the form tells; empty for nothing.
    pub(super) problem: String,
    /// The ticket that the browser keeps until the next step.
    ticket: Option<Token>,
}

impl Again {
    /// The first step, with the name that was typed.
    pub(super) fn password(name: &str, problem: impl Into<String>) -> Self {
        Self { fields: Fields::Password { name: name.to_owned() }, problem: problem.into(), ticket: None }
    }

    /// The second step, for a code of a kind.
    pub(super) fn code(step: CodeStep) -> Self {
        Self { fields: Fields::Code(step), problem: String::new(), ticket: None }
    }

    /// Whether the browser gets something to keep until the next step.
    pub(super) fn has_ticket(&self) -> bool {
        self.ticket.is_some()
    }

    /// Gives the browser what it keeps until the next step.
    pub(super) fn keep(&self, state: &ZulipProtocol, answer: &mut Answer) {
        if let Some(ticket) = &self.ticket {
            Browser::give_session(state, answer, ticket);
        }
    }
}

/// Whether a browser that is between the steps asks for the field of a backup code.
pub(super) fn wants_backup_code(visit: &Visit<'_>) -> bool {
    visit.request.parameters.get(STEP) == Some("backup") && visit.browser.sealed_session().is_some()
}

/// Whether a form is of the second step.
pub(super) fn is_second_step(visit: &Visit<'_>) -> bool {
    matches!(visit.request.parameters.in_body(STEP), Some("token" | "backup"))
}

/// Judges a form that was sent.
pub(super) async fn judge(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Tried, PageError> {
    match visit.request.parameters.in_body(STEP) {
        Some("token") => by_code(state, visit, "token-otp_token").await,
        Some("backup") => by_code(state, visit, "backup-otp_token").await,
        _ => by_password(state, visit).await,
    }
}

async fn by_password(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Tried, PageError> {
    let parameters = &visit.request.parameters;
    let typed = parameters.in_body("username").unwrap_or_default();
    let name = strip(typed);
    let password = parameters.password().filter(|password| !password.expose().is_empty());
    let (Some(password), false) = (password, name.is_empty()) else {
        return Ok(at_once(Again::password(typed, visit.t.log_in.required)));
    };
    let method = LoginMethod::Password {
        who: Identifier::email(name),
        secret: SecretInput::Password(password.clone()),
    };
    let reply = state.services.log_in(attempt(visit, method, None)).await;
    tried(visit, reply, name)
}

async fn by_code(state: &ZulipProtocol, visit: &Visit<'_>, field: &str) -> Result<Tried, PageError> {
    let Some(ticket) = visit.browser.sealed_session() else {
        return Ok(at_once(Again::password("", visit.t.log_in.begin_again)));
    };
    let code: String =
        visit.request.parameters.in_body(field).unwrap_or_default().split_whitespace().collect();
    let method = LoginMethod::Ticket(ticket.clone());
    // An empty code is a wrong one: without any, the engine would ask for the factor anew, and mail a code.
    let reply = state.services.log_in(attempt(visit, method, Some(OneTimeCode::new(code)))).await;
    let (mut outcome, sending) = tried(visit, reply, "")?;
    if let Outcome::Again(Again { fields: Fields::Code(step), .. }) = &mut outcome
        && field == "backup-otp_token"
    {
        *step = CodeStep::Backup;
    }
    Ok((outcome, sending))
}

/// A form that is shown again, although nothing was asked.
fn at_once(again: Again) -> Tried {
    (Outcome::Again(again), Sending::default())
}

fn attempt(visit: &Visit<'_>, method: LoginMethod, code: Option<OneTimeCode>) -> LoginAttempt {
    LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm: visit.realm.clone(),
        method,
        second_step: SecondStep::Offered(code),
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        peer: visit.request.peer.clone(),
    }
}

fn tried(visit: &Visit<'_>, reply: LoginReply, name: &str) -> Result<Tried, PageError> {
    let LoginReply { result, rate_limit, not_before } = reply;
    let outcome = match result {
        Ok(login) => {
            let Grant::Token { token, .. } = &login.grant else {
                return Err(InternalError::defect("a sign-in was granted something else than a token").into());
            };
            let token = token.clone();
            Outcome::SignedIn(login, token)
        }
        Err(error) => refused(visit, error, name)?,
    };
    Ok((outcome, Sending { rate_limit, not_before }))
}

/// What the form tells of a refusal. All look alike but limits, since waiting helps there, a weak password, since setting it
/// anew does, and a deactivated account, which the login pipeline names after the right password alone unless it is exact.
fn refused(visit: &Visit<'_>, error: LoginError, name: &str) -> Result<Outcome, PageError> {
    let t = &visit.t.log_in;
    let problem = match error {
        LoginError::Internal(error) => return Err(error.into()),
        LoginError::RealmInactive => return Ok(Outcome::RealmInactive),
        LoginError::SecondFactorRequired(challenge) => return Ok(asked(challenge, "")),
        LoginError::SecondFactorInvalid(challenge) => return Ok(asked(challenge, t.wrong_code)),
        LoginError::SecondFactorExhausted(challenge) => return Ok(asked(challenge, t.exhausted)),
        LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
            fill(t.limited, &[&retry_after.as_secs().to_string()])
        }
        LoginError::UserInactive => fill(t.deactivated, &[name]),
        LoginError::PasswordResetRequired => t.weak.to_owned(),
        LoginError::Credentials(FailureReason::UnknownToken) => t.begin_again.to_owned(),
        _ => t.wrong.to_owned(),
    };
    Ok(Outcome::Again(Again::password(name, problem)))
}

/// Asks for the second factor.
fn asked(challenge: Challenge, problem: &'static str) -> Outcome {
    Outcome::Again(second_factor(challenge, problem))
}

/// The form that asks for the second factor.
pub(super) fn second_factor(challenge: Challenge, problem: &'static str) -> Again {
    let step = match challenge.method {
        FactorMethod::Email => CodeStep::Mail,
        _ => CodeStep::App,
    };
    Again { fields: Fields::Code(step), problem: problem.to_owned(), ticket: challenge.ticket }
}

/// Sends a browser to the page of its deactivated realm.
pub(super) fn realm_inactive() -> Answer {
    redirect(DEACTIVATED).into()
}
