//! `/verify-email`: confirms the address to which a link was mailed.

use auth_core::{ActionError, Answer, ProtocolName};
use http::StatusCode;

use crate::answer::page;
use crate::error::PageError;
use crate::form::{FormName, Opened, seal};
use crate::request::Request;
use crate::state::WebProtocol;
use crate::view::{AddressLink, Link};
use crate::visitor::{Visitor, message};

/// Opens a link, and asks whether the address is to be confirmed. A scanner of mails may do so as well: nothing is asked or
/// done.
pub(crate) fn open(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let Some(token) = request.mailed_token() else { return over(state, request) };
    let visitor = Visitor::of(state, request);
    let view = AddressLink {
        shell: state.look.shell(None, false),
        t: request.texts,
        form: seal(state, &visitor.token, FormName::Address, &[]),
        token: &token,
    };
    Ok(visitor.answer(page(state, StatusCode::OK, &view)?))
}

/// Confirms the address.
pub(crate) async fn confirm(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    // A form that is sent twice has nothing more to do.
    Opened::of(state, request, request.cookies.before.as_ref(), FormName::Address, "/sign-in")?;
    let Some(token) = request.form().token("token") else { return over(state, request) };
    match state.services.verify_address(request.realm.id, &token, request.peer, ProtocolName::WEB).await {
        Ok(()) => message(
            state,
            request,
            StatusCode::OK,
            [t.address.done, t.address.done_lead],
            to_account(request),
        ),
        Err(ActionError::WrongToken) => over(state, request),
        Err(error) => Err(error.into()),
    }
}

/// The page of a link that confirms nothing.
fn over(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    message(state, request, StatusCode::GONE, [t.address.over, t.address.over_lead], to_account(request))
}

fn to_account(request: &Request<'_>) -> Link<'static> {
    Link { path: "/account", name: request.texts.address.to_account }
}
