//! `/`, and the page of a deactivated realm.

use auth_core::Answer;
use http::StatusCode;

use crate::encode::response::redirect;
use crate::error::PageError;
use crate::state::ZulipProtocol;
use crate::view::Message;
use crate::visit::Visit;

/// Where a browser is sent whose realm is deactivated.
pub(super) const DEACTIVATED: &str = "/accounts/deactivated/";

/// Sends whoever is not signed in to the log-in page. There is no chat to show to others.
pub(super) fn show(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    if visit.browser.signed_in().is_none() {
        let query = visit.request.http.uri().query();
        let by_front = state.config.remote_user.as_ref().is_some_and(|remote_user| remote_user.only);
        let way = if by_front { "/accounts/login/sso/" } else { "/login/" };
        return Ok(redirect(&match query {
            None => way.to_owned(),
            Some(query) => format!("{way}?next=/{}", escaped(&format!("?{query}"))),
        })
        .into());
    }
    let (t, shell) = (visit.t, visit.owned_shell(state));
    let view = Message { shell, t, title: t.home.page, heading: t.home.title, lead: t.home.lead, link: None };
    visit.form(state, &view, &[])
}

/// Tells that the realm is deactivated, where it is.
pub(super) fn deactivated_realm(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    if visit.realm.active {
        return Ok(redirect("/login/").into());
    }
    let (t, e) = (visit.t, &visit.t.errors);
    let view = Message {
        shell: visit.shell(state),
        t,
        title: e.deactivated_realm,
        heading: e.deactivated_realm,
        lead: e.deactivated_realm_lead,
        link: None,
    };
    visit.page(state, StatusCode::OK, &view)
}

/// A text within a query, in which slashes stay as they are.
fn escaped(text: &str) -> String {
    let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    escaped.replace("%2F", "/")
}
