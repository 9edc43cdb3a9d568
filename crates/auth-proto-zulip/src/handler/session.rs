//! The routes below `/json/`: calls of a browser that is signed in, by its session.
//!
//! They check the session first, then that a page of this server sent what changes something, then the limit of calls.

use auth_core::{
    ActionError, Answer, Grant, Password, PasswordReply, PresentedFactor, Principal, ProtocolName,
    RateLimitStatus,
};
use http::Method;

use super::account::{NOT_DELETED, NOT_LOGGED_IN, method_of, own_user, to_login_page};
use super::login::key_document;
use super::own_settings;
use crate::browser::{Browser, SignedIn};
use crate::encode::error::{Challenge, csrf_failed};
use crate::encode::response::{has_rate_limit, rate_limit};
use crate::error::ApiError;
use crate::request::Request;
use crate::route::Endpoint;
use crate::state::ZulipProtocol;
use crate::visit::Visit;

const WRONG_PASSWORD: ApiError = ApiError::BadRequest("Password is incorrect.");

const OTHER_REALM: ApiError = ApiError::BadRequest("Account is not associated with this subdomain");

/// Answers the call of a browser.
pub(crate) async fn call(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let method = match method_of(state, request) {
        Ok(method) => method,
        Err(refused) => return Ok(*refused),
    };
    let visit = if state.config.web { Visit::find(state, request).await? } else { None };
    let Some(visit) = visit else { return Ok(not_logged_in(state, request)) };
    let answer = judge(state, &visit, method).await;
    let answer = answer.unwrap_or_else(|error| error.into_answer(&state.config));
    Ok(visit.browser.settle(state, answer))
}

async fn judge(state: &ZulipProtocol, visit: &Visit<'_>, method: &str) -> Result<Answer, ApiError> {
    let (request, browser) = (visit.request, &visit.browser);
    let signed_in = browser.signed_in();
    if signed_in.is_none() && !browser.is_of_another_realm() {
        return Ok(not_logged_in(state, request));
    }
    let is_safe = [Method::GET, Method::HEAD].contains(request.http.method());
    if !is_safe && let Err(reason) = browser.check_csrf(state, request) {
        return Ok(state.never_cached(csrf_failed(&reason).into()));
    }
    let signed_in = signed_in.ok_or(OTHER_REALM)?;
    let status = state.services.admit_user(ProtocolName::ZULIP, &signed_in.principal);
    let refused = status.and_then(|status| status.retry_after);
    let mut answer = match refused {
        Some(retry_after) => ApiError::Limited { retry_after }.into_answer(&state.config),
        None => match answer_user(state, request, signed_in, method).await {
            Ok(answer) if answer.response.status().is_success() => state.never_cached(answer),
            Ok(refused) => refused,
            Err(error) => error.into_answer(&state.config),
        },
    };
    // A route that counts against another limit tells of that one.
    if !has_rate_limit(answer.response.headers()) {
        rate_limit(answer.response.headers_mut(), status.as_ref());
    }
    Ok(answer)
}

/// Asks a client for a session; without pages there is none.
fn not_logged_in(state: &ZulipProtocol, request: &Request<'_>) -> Answer {
    let refused = ApiError::Unauthorized(NOT_LOGGED_IN, Challenge::Session);
    to_login_page(state, request).unwrap_or_else(|| refused.into_answer(&state.config))
}

async fn answer_user(
    state: &ZulipProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    method: &str,
) -> Result<Answer, ApiError> {
    match (request.route.endpoint, method) {
        (Endpoint::SessionFetchApiKey, _) => fetch_api_key(state, request, signed_in).await,
        (Endpoint::SessionSettings, _) => change_settings(state, request, signed_in).await,
        (_, "DELETE") => Err(ApiError::Forbidden(NOT_DELETED)),
        _ => Ok(own_user(state, &signed_in.principal.profile)),
    }
}

/// Gives the API key for the present password, where the realm has passwords.
async fn fetch_api_key(
    state: &ZulipProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
) -> Result<Answer, ApiError> {
    let Principal { profile, .. } = &signed_in.principal;
    let mut status = None;
    let mut factor = PresentedFactor::default();
    if state.config.password_login && profile.realm.password_login {
        let password = request.parameters.password().cloned().unwrap_or_else(|| Password::new(""));
        let caller = signed_in.caller(request, &factor);
        let PasswordReply { result, rate_limit } = state.services.show_password(&caller, &password).await;
        status = rate_limit;
        if let Err(error) = result {
            return Ok(with_status(refusal(error).into_answer(&state.config), status));
        }
        factor.password = Some(password);
    }
    // A session that is old is asked for the second factor of its account anew, which this route can't take.
    let answer = match state.services.api_key(&signed_in.caller(request, &factor)).await {
        Ok(key) => key_document(profile, &key, None, None, request.parameters.surplus(&["password"])),
        Err(error) => refusal(error).into_answer(&state.config),
    };
    Ok(with_status(answer, status))
}

/// Changes the account. A new password leaves this browser signed in, by another token.
async fn change_settings(
    state: &ZulipProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
) -> Result<Answer, ApiError> {
    let mut answer = own_settings::change(state, request, &signed_in.principal).await?;
    let has_new_password = request.parameters.in_body("new_password").is_some();
    if has_new_password && answer.response.status().is_success() {
        // The password is changed in any case, and the token that was presented is good where there is no other.
        let factor = PresentedFactor::default();
        match state.services.rotate_web_session(&signed_in.caller(request, &factor)).await {
            Ok(Grant::Token { token, .. }) => Browser::give_session(state, &mut answer, &token),
            _ => Browser::give_session(state, &mut answer, &signed_in.token),
        }
    }
    Ok(answer)
}

fn with_status(mut answer: Answer, status: Option<RateLimitStatus>) -> Answer {
    rate_limit(answer.response.headers_mut(), status.as_ref());
    answer
}

fn refusal(error: ActionError) -> ApiError {
    match error {
        ActionError::TooManyAttempts(retry_after) | ActionError::TooManyActs(retry_after) => {
            ApiError::Limited { retry_after }
        }
        ActionError::Internal(error) => ApiError::Internal(error),
        _ => WRONG_PASSWORD,
    }
}
