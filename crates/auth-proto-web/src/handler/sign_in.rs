//! `/sign-in`: asks for a name and a password.

use auth_core::{
    Answer, Challenge, CredentialKind, Grant, GrantKind, Identifier, InternalError, Login, LoginAttempt,
    LoginError, LoginMethod, LoginReply, OneTimeCode, Password, ProtocolName, SecondStep, SecretInput,
};
use auth_pages::{Input, Kind};
use http::StatusCode;

use crate::answer::{page, redirect, set_cookie};
use crate::decode::cookies::BEFORE;
use crate::decode::next::Next;
use crate::encode::cookie;
use crate::error::{PageError, set_retry_after, try_again, with_next};
use crate::factor;
use crate::form::{FormName, Opened, seal};
use crate::request::Request;
use crate::session;
use crate::state::WebProtocol;
use crate::view::{Challenge as ChallengePage, SignIn};
use crate::visitor::Visitor;

/// Where this page is.
const HERE: &str = "/sign-in";

/// What is shown of an attempt that failed.
#[derive(Debug, Default)]
struct Draft {
    name: String,
    problem: String,
    name_error: &'static str,
    password_error: &'static str,
    status: StatusCode,
}

/// Shows the form, or leads on whoever has signed in already.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let next = request.query().text("next").and_then(|next| Next::parse(&next));
    if session::find(state, request).await?.is_some() {
        return Ok(redirect(state, next.as_ref().map_or("/account", Next::as_str)));
    }
    form(state, request, next.as_ref(), &Draft::default())
}

/// Judges a name and a password.
pub(crate) async fn submit(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let fields = request.form();
    let opened = Opened::of(state, request, request.cookies.before.as_ref(), FormName::SignIn, HERE)?;
    let next = opened.text("next").and_then(|next| Next::parse(&next));
    let name = fields.text("name").unwrap_or_default().trim().to_owned();
    let password = fields.password("password");
    let (Some(password), false) = (&password, name.is_empty()) else {
        let t = request.texts;
        let name_error = if name.is_empty() { t.sign_in.no_name } else { "" };
        let password_error = if password.is_none() { t.sign_in.no_password } else { "" };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return form(
            state,
            request,
            next.as_ref(),
            &Draft { name, name_error, password_error, status, ..Draft::default() },
        );
    };
    let method = with_password(&name, password);
    let reply = state.services.log_in(attempt(request, method, None)).await;
    let LoginReply { result, not_before, .. } = reply;
    let answer = match result {
        Ok(login) => signed_in(state, &login, next.as_ref()),
        Err(LoginError::SecondFactorRequired(challenge)) => {
            ask_for_code(state, request, &challenge, next.as_ref(), "")
        }
        Err(error) => refused(state, request, error, next.as_ref(), name),
    };
    Ok(Answer { not_before, ..answer.unwrap_or_else(|error| error.into_answer(state, request.texts)) })
}

/// An attempt to sign in.
pub(super) fn attempt(request: &Request<'_>, method: LoginMethod, code: Option<OneTimeCode>) -> LoginAttempt {
    LoginAttempt {
        protocol: ProtocolName::WEB,
        realm: request.realm.clone(),
        method,
        second_step: SecondStep::Offered(code),
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        peer: request.peer.clone(),
    }
}

/// A name with an `@` is an e-mail address.
fn with_password(name: &str, password: &Password) -> LoginMethod {
    let who = if name.contains('@') { Identifier::email(name) } else { Identifier::user_name(name) };
    LoginMethod::Password { who, secret: SecretInput::Password(password.clone()) }
}

/// Gives a browser its session in place of what it had before, and leads on.
pub(super) fn signed_in(
    state: &WebProtocol,
    login: &Login,
    next: Option<&Next>,
) -> Result<Answer, PageError> {
    let Grant::Token { token, .. } = &login.grant else {
        return Err(InternalError::defect("a sign-in was granted something else than a token").into());
    };
    let mut answer = if login.profile.user.must_change_password {
        redirect(state, &with_next("/account/password", next))
    } else if login.profile.lacks_second_factor() {
        redirect(state, &with_next("/account/two-step", next))
    } else {
        redirect(state, next.map_or("/account", Next::as_str))
    };
    set_cookie(&mut answer, cookie::session(token));
    set_cookie(&mut answer, cookie::removed(BEFORE));
    Ok(answer)
}

/// Asks for the second factor. The form holds the ticket, so that the password is asked for once.
pub(super) fn ask_for_code(
    state: &WebProtocol,
    request: &Request<'_>,
    challenge: &Challenge,
    next: Option<&Next>,
    problem: &'static str,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let Some(ticket) = &challenge.ticket else {
        return Err(InternalError::defect("a sign-in was asked for a code without a ticket").into());
    };
    let visitor = Visitor::of(state, request);
    let next = next.map_or("", Next::as_str);
    let carried = [("ticket", ticket.expose()), ("next", next), ("method", factor::name(challenge.method))];
    let lead = factor::lead(challenge.method, t);
    let view = ChallengePage {
        shell: state.look.shell(None, !problem.is_empty()),
        t,
        title: t.code_step.title,
        lead,
        problem,
        action: "/sign-in/code",
        form: seal(state, &visitor.token, FormName::Code, &carried),
        user_name: None,
        input: factor::input(challenge.method, t).problem(problem),
        back: HERE,
    };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok(visitor.answer(page(state, status, &view)?))
}

/// Shows the form once more. All refusals look alike but limits, since waiting helps there, and a deactivated account, which
/// the login pipeline names after the right password alone.
pub(super) fn refused(
    state: &WebProtocol,
    request: &Request<'_>,
    error: LoginError,
    next: Option<&Next>,
    name: String,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let (status, problem, wait) = match error {
        LoginError::Internal(error) => return Err(error.into()),
        LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
            (StatusCode::TOO_MANY_REQUESTS, try_again(t, retry_after), Some(retry_after))
        }
        LoginError::UserInactive | LoginError::RealmInactive => {
            (StatusCode::FORBIDDEN, t.sign_in.inactive.to_owned(), None)
        }
        LoginError::SecondFactorExhausted(_) => (StatusCode::FORBIDDEN, t.sign_in.exhausted.to_owned(), None),
        _ => (StatusCode::FORBIDDEN, t.sign_in.refused.to_owned(), None),
    };
    let mut answer = form(state, request, next, &Draft { name, problem, status, ..Draft::default() })?;
    if let Some(wait) = wait {
        set_retry_after(&mut answer, wait);
    }
    Ok(answer)
}

fn form(
    state: &WebProtocol,
    request: &Request<'_>,
    next: Option<&Next>,
    draft: &Draft,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let visitor = Visitor::of(state, request);
    let carried = [("next", next.map_or("", Next::as_str))];
    let failed = draft.status != StatusCode::OK;
    let view = SignIn {
        shell: state.look.shell(None, failed),
        t,
        organisation: request.organisation(),
        problem: &draft.problem,
        form: seal(state, &visitor.token, FormName::SignIn, &carried),
        name: Input::new("name", t.sign_in.name, Kind::Name, "username")
            .value(&draft.name)
            .error(draft.name_error)
            .problem(&draft.problem),
        password: Input::new("password", t.sign_in.password, Kind::Password, "current-password")
            .error(draft.password_error)
            .problem(&draft.problem),
        can_reset: state.config.password_reset,
    };
    Ok(visitor.answer(page(state, draft.status, &view)?))
}
