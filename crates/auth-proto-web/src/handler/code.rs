//! `/sign-in/code`: the second step of a sign-in.

use auth_core::{Answer, Challenge, LoginError, LoginMethod, LoginReply};

use super::sign_in::{ask_for_code, attempt, refused, signed_in};
use crate::decode::next::Next;
use crate::error::PageError;
use crate::factor;
use crate::form::{FormName, Opened};
use crate::request::Request;
use crate::state::WebProtocol;

/// Where to begin anew.
const START: &str = "/sign-in";

/// Judges a code.
pub(crate) async fn submit(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let out_of_date = || PageError::OutOfDate { start: START };
    let fields = request.form();
    let opened = Opened::of(state, request, request.cookies.before.as_ref(), FormName::Code, START)?;
    let next = opened.text("next").and_then(|next| Next::parse(&next));
    let ticket = opened.token("ticket").ok_or_else(out_of_date)?;
    let method = factor::method(&opened.text("method").unwrap_or_default());
    let again = Challenge { method, available: Vec::new(), mailed: None, ticket: Some(ticket.clone()) };
    let Some(code) = fields.code("code") else {
        return ask_for_code(state, request, &again, next.as_ref(), t.code_step.submit_again);
    };
    if !opened.spend(state).await? {
        return Err(out_of_date());
    }
    let reply = state.services.log_in(attempt(request, LoginMethod::Ticket(ticket), Some(code))).await;
    let LoginReply { result, not_before, .. } = reply;
    let answer = match result {
        Ok(login) => signed_in(state, &login, next.as_ref()),
        Err(LoginError::SecondFactorRequired(challenge) | LoginError::SecondFactorInvalid(challenge)) => {
            let challenge = Challenge { ticket: challenge.ticket.or(again.ticket), ..challenge };
            ask_for_code(state, request, &challenge, next.as_ref(), t.code_step.wrong)
        }
        // The ticket has ended, or what it stands for.
        Err(LoginError::Credentials(_)) => Err(out_of_date()),
        Err(error) => refused(state, request, error, next.as_ref(), String::new()),
    };
    let answer = answer.unwrap_or_else(|error| error.into_answer(state, t));
    Ok(Answer { not_before, ..answer })
}
