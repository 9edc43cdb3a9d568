//! `/reset-password`: asks for the address to which a link is mailed, and takes the new password of whoever follows it.

use auth_core::{ActionError, Answer, ProtocolName, Token};
use auth_pages::{Input, Kind};
use http::StatusCode;

use crate::answer::page;
use crate::error::PageError;
use crate::form::{FormName, Opened, seal};
use crate::request::Request;
use crate::rules;
use crate::state::WebProtocol;
use crate::view::{Forgot, Link, Reset};
use crate::visitor::{Visitor, message};

/// Where this page is.
const HERE: &str = "/reset-password";

/// Asks for an address.
pub(crate) fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    if !state.config.password_reset {
        return Err(PageError::NotFound);
    }
    forgot(state, request, "")
}

/// Mails a link. The answer is the same for every address.
pub(crate) async fn send(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    if !state.config.password_reset {
        return Err(PageError::NotFound);
    }
    let t = request.texts;
    Opened::of(state, request, request.cookies.before.as_ref(), FormName::Forgot, HERE)?;
    let address = request.form().text("address").unwrap_or_default().trim().to_owned();
    if !address.contains('@') {
        return forgot(state, request, t.reset.no_address);
    }
    let language = request.peer.language;
    let not_before = state.services.forgot_password(request.realm.id, &address, language).await?;
    let link = Link { path: "/sign-in", name: t.reset.to_sign_in };
    let answer = message(state, request, StatusCode::OK, [t.reset.sent, t.reset.sent_lead], link)?;
    Ok(Answer { not_before: Some(not_before), ..answer })
}

/// Opens a link. A scanner of mails may do so as well: nothing is used up.
pub(crate) async fn open(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let Some(token) = request.mailed_token() else { return over(state, request) };
    if state.services.is_reset_link_good(request.realm.id, &token).await? {
        form(state, request, &token, Vec::new(), "", StatusCode::OK)
    } else {
        over(state, request)
    }
}

/// Sets the new password.
pub(crate) async fn set(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let opened = Opened::of(state, request, request.cookies.before.as_ref(), FormName::Reset, HERE)?;
    let fields = request.form();
    let Some(token) = fields.token("token") else { return over(state, request) };
    let again = |broken, error| form(state, request, &token, broken, error, StatusCode::UNPROCESSABLE_ENTITY);
    let Some(new) = fields.password("new") else { return again(Vec::new(), t.password.missing) };
    // A form is noted as used up only behind a link that is good: nobody else makes this server keep anything.
    if !state.services.is_reset_link_good(request.realm.id, &token).await? {
        return over(state, request);
    }
    if !opened.spend(state).await? {
        return Err(PageError::OutOfDate { start: HERE });
    }
    let set = state.services.reset_password(request.realm.id, &token, &new, request.peer, ProtocolName::WEB);
    match set.await {
        Ok(_) => {
            let link = Link { path: "/sign-in", name: t.sign_in.submit };
            message(state, request, StatusCode::OK, [t.reset.done, t.reset.done_lead], link)
        }
        Err(ActionError::WeakPassword(broken)) => again(rules::in_words(&broken, t), ""),
        Err(ActionError::SamePassword) => again(Vec::new(), t.password.same),
        Err(ActionError::WrongToken) => over(state, request),
        Err(error) => Err(error.into()),
    }
}

fn forgot(state: &WebProtocol, request: &Request<'_>, error: &'static str) -> Result<Answer, PageError> {
    let t = request.texts;
    let visitor = Visitor::of(state, request);
    let view = Forgot {
        shell: state.look.shell(None, !error.is_empty()),
        t,
        form: seal(state, &visitor.token, FormName::Forgot, &[]),
        address: Input::new("address", t.reset.address, Kind::Address, "email").error(error),
    };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(visitor.answer(page(state, status, &view)?))
}

fn form(
    state: &WebProtocol,
    request: &Request<'_>,
    token: &Token,
    broken: Vec<String>,
    error: &'static str,
    status: StatusCode,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let visitor = Visitor::of(state, request);
    let new = Input::new("new", t.reset.new, Kind::Password, "new-password").error(error);
    let view = Reset {
        shell: state.look.shell(None, status != StatusCode::OK),
        t,
        form: seal(state, &visitor.token, FormName::Reset, &[]),
        token,
        new: new.rules(!broken.is_empty()),
        broken,
    };
    Ok(visitor.answer(page(state, status, &view)?))
}

/// The page of a link that opens nothing.
fn over(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let link = match state.config.password_reset {
        true => Link { path: HERE, name: t.reset.again },
        false => Link { path: "/sign-in", name: t.reset.to_sign_in },
    };
    message(state, request, StatusCode::GONE, [t.reset.over, t.reset.over_lead], link)
}
