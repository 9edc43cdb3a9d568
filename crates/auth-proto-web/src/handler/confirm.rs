//! `/account/confirm`: shows anew who is there, before a way into the account is added.

use auth_core::{ActionError, Answer, FactorMethod, Grant, InternalError, PresentedFactor};
use http::StatusCode;

use crate::answer::{page, redirect, set_cookie};
use crate::decode::next::Next;
use crate::encode::cookie;
use crate::error::PageError;
use crate::factor;
use crate::form::FormName;
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::Challenge as ChallengePage;

/// Where this page is.
const HERE: &str = "/account/confirm";

/// Asks for what the account has, or leads on whoever has shown it of late.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_factors(state, request).await?;
    let next = request.query().text("next").and_then(|next| Next::parse(&next));
    if signed_in.is_fresh(state, request) {
        return Ok(redirect(state, next.as_ref().map_or("/account", Next::as_str)));
    }
    renew(state, request, &signed_in, next.as_ref(), &PresentedFactor::default()).await
}

/// Judges what was shown.
pub(crate) async fn submit(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_factors(state, request).await?;
    let fields = request.form();
    let opened = signed_in.open(state, request, FormName::Confirm, HERE)?;
    let next = opened.text("next").and_then(|next| Next::parse(&next));
    let method = factor::method(&opened.text("method").unwrap_or_default());
    match factor::presented(method, &fields) {
        Some(presented) => renew(state, request, &signed_in, next.as_ref(), &presented).await,
        None => ask(state, request, &signed_in, next.as_ref(), method, request.texts.confirm.wrong),
    }
}

/// Puts a new session in the place of the present one, or asks for what is missing.
async fn renew(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    next: Option<&Next>,
    presented: &PresentedFactor,
) -> Result<Answer, PageError> {
    let t = request.texts;
    match state.services.renew_web_session(&signed_in.caller(request, presented)).await {
        Ok(Grant::Token { token, .. }) => {
            let mut answer = redirect(state, next.map_or("/account", Next::as_str));
            set_cookie(&mut answer, cookie::session(&token));
            Ok(answer)
        }
        Ok(_) => {
            Err(InternalError::defect("a web session was renewed by something else than a token").into())
        }
        Err(ActionError::SecondFactorRequired(challenge)) => {
            let problem = if presented.method.is_some() { t.confirm.wrong } else { "" };
            ask(state, request, signed_in, next, challenge.method, problem)
        }
        Err(ActionError::SecondFactorInvalid(challenge)) => {
            ask(state, request, signed_in, next, challenge.method, t.confirm.wrong)
        }
        Err(ActionError::SecondFactorExhausted(challenge)) => {
            ask(state, request, signed_in, next, challenge.method, t.sign_in.exhausted)
        }
        Err(error) => Err(error.into()),
    }
}

fn ask(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    next: Option<&Next>,
    method: FactorMethod,
    problem: &'static str,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let carried = [("next", next.map_or("", Next::as_str)), ("method", factor::name(method))];
    let view = ChallengePage {
        shell: signed_in.shell(state, request, HERE, !problem.is_empty()),
        t,
        title: t.confirm.title,
        lead: factor::lead_of_confirmation(method, t),
        problem,
        action: HERE,
        form: signed_in.seal(state, FormName::Confirm, &carried),
        user_name: (method == FactorMethod::Password).then(|| signed_in.login_name()),
        input: factor::input(method, t).problem(problem),
        back: "/account",
    };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok(page(state, status, &view)?)
}
