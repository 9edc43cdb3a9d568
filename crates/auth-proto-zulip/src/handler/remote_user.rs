//! `/accounts/login/sso/`: logs in whoever a front names that has authenticated the user itself, `REMOTE_USER`.

use auth_core::{Answer, Identifier, LoginMethod};

use super::external::{self, External};
use super::pad::Flow;
use crate::decode::client::Client;
use crate::decode::email::is_email;
use crate::decode::next;
use crate::encode::response::redirect;
use crate::error::{ApiError, PageError};
use crate::state::ZulipProtocol;
use crate::view::DesktopWaiting;
use crate::visit::Visit;

/// Where the login is, at which a front authenticates.
const HERE: &str = "/accounts/login/sso/";

const BAD_ADDRESS: ApiError = ApiError::BadRequest("Enter a valid email address.");

/// Leads to the login. The desktop program gets the page on which it waits.
pub(super) fn start(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let agent = visit.request.user_agent().unwrap_or_default();
    if Client::parse(&agent).name == "ZulipElectron" {
        let script = &state.scripts.waiting.path;
        return visit
            .page_with_script(state, &DesktopWaiting { shell: visit.shell(state), t: visit.t, script });
    }
    let query = visit.request.http.uri().query().filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(redirect(&format!("{HERE}{query}")).into())
}

/// Logs in whoever the front names.
pub(super) async fn log_in(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let request = visit.request;
    let remote_user = state.config.remote_user.as_ref().ok_or(PageError::Configuration)?;
    let address = remote_user.address(request.http.headers(), request.peer);
    let address = address.ok_or(PageError::Configuration)?;
    if !is_email(&address) {
        return Err(BAD_ADDRESS.into());
    }
    let target = next::on_site(visit.url(), request.parameters.get("next").unwrap_or("/"));
    let external = External { flow: Flow::of(request)?, address: &address, target: &target, here: HERE };
    let method = LoginMethod::Vouched { who: Identifier::email(address.as_str()) };
    external::log_in(state, visit, method, external).await
}
