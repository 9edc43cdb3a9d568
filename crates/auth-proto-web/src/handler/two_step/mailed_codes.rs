//! Codes by mail, on and off.

use auth_core::{ActionError, Answer, Challenge, PresentedFactor};
use http::StatusCode;

use super::enrol::next_of;
use super::overview::{Draft, HERE, overview};
use crate::answer::{page, redirect};
use crate::decode::next::Next;
use crate::error::PageError;
use crate::factor;
use crate::form::FormName;
use crate::notice::{self, Notice};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::Challenge as ChallengePage;

/// Turns codes by mail on or off, as the form says that was sent.
pub(crate) async fn switch(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_factors(state, request).await?;
    let opened = signed_in.open(state, request, FormName::MailedCodes, HERE)?;
    if opened.text("on").is_some_and(|on| on == "yes") {
        return turn_on(state, request, &signed_in, next_of(&opened).as_ref()).await;
    }
    let method = opened.text("method").map(|name| factor::method(&name));
    let presented = method.and_then(|method| factor::presented(method, &request.form()));
    turn_off(state, request, &signed_in, &presented.unwrap_or_default()).await
}

async fn turn_on(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    next: Option<&Next>,
) -> Result<Answer, PageError> {
    signed_in.fresh(state, request, HERE)?;
    let factor = PresentedFactor::default();
    match state.services.require_mailed_codes(&signed_in.caller(request, &factor)).await {
        Ok(()) => match next {
            Some(next) => Ok(redirect(state, next.as_str())),
            None => Ok(notice::lead(state, signed_in, HERE, Notice::MailedCodesOn)),
        },
        Err(ActionError::AddressUnverified) => {
            let problem = request.texts.two_step.mail_needs_address;
            let draft = Draft { problem, status: StatusCode::CONFLICT, ..Draft::default() };
            overview(state, request, signed_in, draft).await
        }
        Err(ActionError::SecondFactorRequired(_)) => Err(PageError::ConfirmFirst { next: HERE }),
        Err(error) => Err(error.into()),
    }
}

/// Turning a factor off asks for it once more.
async fn turn_off(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    presented: &PresentedFactor,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let ask = |challenge: &Challenge, problem| ask(state, request, signed_in, challenge, problem);
    match state.services.waive_mailed_codes(&signed_in.caller(request, presented)).await {
        Ok(()) => Ok(notice::lead(state, signed_in, HERE, Notice::MailedCodesOff)),
        Err(ActionError::SecondFactorRequired(challenge)) => ask(&challenge, ""),
        Err(ActionError::SecondFactorInvalid(challenge)) => ask(&challenge, t.confirm.wrong),
        Err(ActionError::SecondFactorExhausted(challenge)) => ask(&challenge, t.sign_in.exhausted),
        Err(error) => Err(error.into()),
    }
}

fn ask(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    challenge: &Challenge,
    problem: &'static str,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let method = challenge.method;
    let view = ChallengePage {
        shell: signed_in.shell(state, request, HERE, !problem.is_empty()),
        t,
        title: t.two_step.mail_off_title,
        lead: factor::lead_of_confirmation(method, t),
        problem,
        action: "/account/two-step/mail",
        form: signed_in.seal(state, FormName::MailedCodes, &[("on", "no"), ("method", factor::name(method))]),
        user_name: None,
        input: factor::input(method, t).problem(problem),
        back: HERE,
    };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok(page(state, status, &view)?)
}
