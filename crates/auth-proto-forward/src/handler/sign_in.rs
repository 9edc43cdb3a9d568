//! `/forward/sign-in`: gives a browser the cookie that reaches every host of the domain, and sends it back.
//!
//! A browser comes here from a proxy, with the address of the page that it asked for. Where it has no session at the pages yet,
//! they sign it in first and lead it here again.

use auth_core::{
    Answer, Caller, CredentialCheck, CredentialKind, Grant, InternalError, PresentedCredential,
    PresentedFactor, ProtocolName, TokenError,
};
use form_urlencoded::byte_serialize;
use http::{HeaderName, Method};

use crate::config::CookieConfig;
use crate::decode::cookies::Cookies;
use crate::decode::return_address::ReturnAddress;
use crate::encode::{cookie, headers};
use crate::error::ForwardError;
use crate::request::Request;
use crate::route;
use crate::state::ForwardProtocol;

/// The header by which browsers say what a request is for.
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Gives the cookie, or leads to the page that has to come first.
pub(crate) async fn answer(state: &ForwardProtocol, request: &Request<'_>) -> Result<Answer, ForwardError> {
    let config = state.config.cookie.as_ref().ok_or(ForwardError::NotFound)?;
    if !matches!(*request.http.method(), Method::GET | Method::HEAD) {
        return Err(ForwardError::MethodNotAllowed);
    }
    // Each session leaves a row: a page elsewhere must not have a browser fetch many.
    if request.http.headers().get(SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate") {
        return Err(ForwardError::NotNavigated);
    }
    let address = return_address(state, request);
    let cookies = Cookies::of(request.http.headers());
    let first = |page: &str| headers::see_other(&with_next(page, address.as_ref()));
    let Some(token) = cookies.session else { return Ok(first("/sign-in").into()) };
    let check = CredentialCheck {
        protocol: ProtocolName::FORWARD,
        realm: state.realm().await?,
        credential: PresentedCredential::Token { kinds: &[CredentialKind::WEB_SESSION], owner: None, token },
        peer: request.peer.clone(),
    };
    let principal = match state.services.check(check).await.result {
        Ok(principal) => principal,
        Err(TokenError::Internal(error)) => return Err(error.into()),
        // The pages take the session, so that they would lead here again and again.
        Err(TokenError::OtherRealm) => return Err(ForwardError::Forbidden),
        Err(_) => return Ok(first("/sign-in").into()),
    };
    if principal.profile.user.must_change_password {
        return Ok(first("/account/password").into());
    }
    if principal.profile.lacks_second_factor() {
        return Ok(first("/account/two-step").into());
    }
    let Some(address) = &address else { return Ok(headers::see_other("/account").into()) };
    let factor = PresentedFactor::default();
    let caller = Caller {
        principal: &principal,
        peer: request.peer,
        protocol: ProtocolName::FORWARD,
        factor: &factor,
    };
    let granted = state.services.forward_session(&caller).await?;
    back(config, address, &granted)
}

/// Sends a browser back with its cookie.
fn back(config: &CookieConfig, address: &ReturnAddress, granted: &Grant) -> Result<Answer, ForwardError> {
    let Grant::Token { token, .. } = granted else {
        return Err(InternalError::defect("a session was granted something else than a token").into());
    };
    let mut answer = headers::see_other(address.as_str());
    headers::set_cookie(&mut answer, cookie::session(token, &config.domain));
    Ok(answer.into())
}

/// The page that a browser wants to go back to, where it is one of the hosts'.
fn return_address(state: &ForwardProtocol, request: &Request<'_>) -> Option<ReturnAddress> {
    let query = request.http.uri().query().unwrap_or_default();
    let (_, address) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "return_to")?;
    ReturnAddress::parse(&address, &state.config.hosts)
}

/// A page that leads here when it is done.
fn with_next(page: &str, address: Option<&ReturnAddress>) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    match address {
        Some(address) => {
            let here = format!("{}?return_to={}", route::SIGN_IN, encoded(address.as_str()));
            format!("{page}?next={}", encoded(&here))
        }
        None => page.to_owned(),
    }
}
