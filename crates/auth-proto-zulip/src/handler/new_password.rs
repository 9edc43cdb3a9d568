//! `/accounts/login/new-password/`: asks whoever has signed in for a new password where one is due.

use auth_core::{ActionError, Answer, OwnChange, Password, PresentedFactor};
use http::Method;

use crate::browser::Browser;
use crate::decode::next;
use crate::encode::response::{redirect, to_login_page};
use crate::error::PageError;
use crate::state::ZulipProtocol;
use crate::view::NewPassword;
use crate::visit::Visit;

/// Where this page is.
const HERE: &str = "/accounts/login/new-password/";

/// The address of this page, which leads on to another of this site.
pub(super) fn before(next: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{HERE}?{query}")
}

/// Shows the page, or takes its form. Whoever has no password due is led on.
pub(super) async fn answer(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let next = visit.request.parameters.get("next").unwrap_or("/");
    let Some(signed_in) = visit.browser.signed_in() else { return Ok(sign_in_first(next)) };
    if !signed_in.user().must_change_password {
        return Ok(redirect(&next::after_form(visit.url(), next, "/")).into());
    }
    let factor = PresentedFactor::default();
    let caller = signed_in.caller(visit.request, &factor);
    if !state.services.is_fresh(&caller) {
        // The password that is due to be changed must have been shown a short time ago.
        state.services.revoke(&signed_in.principal).await?;
        let mut answer = sign_in_first(next);
        Browser::take_session(state, &mut answer);
        return Ok(answer);
    }
    if visit.request.http.method() != Method::POST {
        return form(state, visit, next, "");
    }
    let t = visit.t;
    let new = visit.request.parameters.in_body("new_password").filter(|new| !new.is_empty());
    let Some(new) = new.map(Password::new) else { return form(state, visit, next, t.log_in.required) };
    let change = OwnChange { password: Some(&new), ..OwnChange::default() };
    match state.services.change_own_account(&caller, &change).await {
        Ok(_) => Ok(state.never_cached(redirect(&next::after_form(visit.url(), next, "/")).into())),
        Err(ActionError::WeakPassword(_)) => form(state, visit, next, t.password.weak),
        Err(ActionError::SamePassword) => form(state, visit, next, t.password.same),
        Err(ActionError::NotOffered) => form(state, visit, next, t.password.kept_elsewhere),
        Err(ActionError::TooManyActs(retry_after) | ActionError::TooManyAttempts(retry_after)) => {
            Err(PageError::Limited { retry_after })
        }
        Err(ActionError::Internal(error)) => Err(error.into()),
        Err(_) => Ok(sign_in_first(next)),
    }
}

/// Sends a browser to the log-in page, from which it comes back here.
fn sign_in_first(next: &str) -> Answer {
    to_login_page(&before(next)).into()
}

fn form(state: &ZulipProtocol, visit: &Visit<'_>, next: &str, problem: &str) -> Result<Answer, PageError> {
    let user = visit.browser.signed_in().map(|signed_in| signed_in.user());
    let view = NewPassword {
        shell: visit.shell(state),
        t: visit.t,
        title: visit.t.password.page,
        action: HERE,
        problem,
        token: visit.form_token(state),
        next,
        user_name: user.and_then(|user| user.email()).map(|email| email.address).unwrap_or_default(),
    };
    visit.form(state, &view, &[])
}
