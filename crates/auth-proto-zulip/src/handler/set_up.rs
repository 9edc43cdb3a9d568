//! A second factor that a realm demands: whoever signs in without one is led to its set-up before anything else, and from there
//! to where the sign-in led. The pages that set it up are another protocol's, which takes the same sessions.

use auth_core::{Answer, Grant, Login, TokenError};

use crate::browser::{Browser, check};
use crate::encode::response::redirect;
use crate::error::PageError;
use crate::state::ZulipProtocol;
use crate::visit::Visit;

/// Where a second factor is set up.
const SET_UP: &str = "/account/two-step";

/// The answer to whoever has signed in and lacks the second factor; `None` for everybody else. `target` is where the sign-in
/// led, a path or an address of this site.
///
/// # Errors
/// [`PageError::NoSecondFactor`] where none can be set up at this address. The session ends then.
pub(super) async fn lead(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    login: &Login,
    target: &str,
) -> Result<Option<Answer>, PageError> {
    let Grant::Token { token, .. } = &login.grant else { return Ok(None) };
    if !login.profile.lacks_second_factor() {
        return Ok(None);
    }
    if !is_here(state, visit.url()) {
        match check(state, visit.request, &visit.realm, token).await {
            Ok(principal) => state.services.revoke(&principal).await?,
            Err(TokenError::Internal(error)) => return Err(error.into()),
            Err(_) => {}
        }
        return Err(PageError::NoSecondFactor);
    }
    if let Some(before) = visit.browser.signed_in() {
        state.services.revoke(&before.principal).await?;
    }
    // Only the log-in page knows the way to a target that has a fragment.
    let next = with_next("/login/", target.strip_prefix(visit.url()).unwrap_or(target));
    let mut answer = state.never_cached(redirect(&with_next(SET_UP, &next)).into());
    visit.browser.sign_in(state, &mut answer, token);
    Browser::give_own_session(state, &mut answer, token);
    Ok(Some(answer))
}

/// The address of the set-up, where there is one.
pub(super) fn elsewhere(state: &ZulipProtocol) -> Option<String> {
    state.config.account_pages.as_ref().map(|origin| format!("{origin}{SET_UP}"))
}

/// Whether the pages that set a second factor up take forms at the address of a realm: it is their own, or that of a subdomain
/// of the external host.
fn is_here(state: &ZulipProtocol, url: &str) -> bool {
    let Some(origin) = &state.config.account_pages else { return false };
    let (scheme, host) = url.split_once("://").unwrap_or_default();
    let is_subdomain = host
        .strip_suffix(&state.config.external_host)
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    origin == url || is_subdomain && origin.split_once("://").is_some_and(|(own, _)| own == scheme)
}

fn with_next(path: &str, next: &str) -> String {
    let next = if next.is_empty() { "/" } else { next };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{path}?{query}")
}
