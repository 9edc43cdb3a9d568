//! `/forward/auth`: who is there, and may they go on?

use auth_core::{Answer, Profile};
use form_urlencoded::byte_serialize;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::access::decisive;
use crate::config::{Config, Dialect};
use crate::decode::cookies::Cookies;
use crate::decode::question::Question;
use crate::decode::return_address::ReturnAddress;
use crate::encode::error::SignIn;
use crate::encode::headers;
use crate::error::ForwardError;
use crate::owner::{Wanted, find_owner};
use crate::request::Request;
use crate::route;
use crate::state::ForwardProtocol;

/// A header that every browser of today sends, and hardly any program.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers a question.
pub(crate) async fn answer(state: &ForwardProtocol, request: &Request<'_>) -> Result<Answer, ForwardError> {
    if !state.trusts(request.peer.connection) {
        return Err(ForwardError::Untrusted);
    }
    let question = Question::of(state.config.dialect, request.http)?;
    if !state.config.hosts.contains(&question.host) {
        return Err(ForwardError::UnknownHost);
    }
    let rule = decisive(&state.config.rules, &question)?;
    let cookies = Cookies::of(request.http.headers());
    let owner = owner(state, request, &cookies).await.map_err(|error| match error {
        ForwardError::Unknown(unknown) => {
            let not_before = unknown.not_before;
            ForwardError::Unknown(SignIn { not_before, ..sign_in(state, request, &question) })
        }
        other => other,
    })?;
    let groups = state.services.groups_of(owner.user.id).await?;
    if rule.is_some_and(|rule| !rule.admits(&owner.user, &groups)) {
        return Err(ForwardError::Forbidden);
    }
    // Whoever has no name can't be told apart from others.
    let identity = headers::identity(&owner.user, &groups).ok_or(ForwardError::Forbidden)?;
    Ok(headers::let_through(identity, cookies.others).into())
}

/// The owner of the credential that came along.
async fn owner(
    state: &ForwardProtocol,
    request: &Request<'_>,
    cookies: &Cookies,
) -> Result<Profile, ForwardError> {
    let Config { realm, takes_passwords, .. } = &state.config;
    let wanted = Wanted { realm, takes_passwords: *takes_passwords };
    let headers = request.http.headers();
    Ok(find_owner(&*state.services, wanted, headers, cookies, request.peer).await?)
}

/// How whoever asked for this is told that nobody knows them.
fn sign_in(state: &ForwardProtocol, request: &Request<'_>, question: &Question) -> SignIn {
    let headers = request.http.headers();
    let wants_page = accepts_html(headers) && matches!(question.method, Method::GET | Method::HEAD);
    let location = state.config.cookie.as_ref().filter(|_| wants_page).map(|cookie| {
        let address = ReturnAddress::of(&question.host, &question.target);
        let back: Option<String> =
            address.map(|address| byte_serialize(address.as_str().as_bytes()).collect());
        match back {
            Some(back) => format!("{}{}?return_to={back}", cookie.pages, route::SIGN_IN),
            None => format!("{}{}", cookie.pages, route::SIGN_IN),
        }
    });
    SignIn {
        location,
        redirects: state.config.dialect != Dialect::Nginx,
        is_browser: state.config.cookie.is_some()
            && (accepts_html(headers) || headers.contains_key(SEC_FETCH_SITE)),
        not_before: None,
    }
}

/// Whether a client wants a page.
fn accepts_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let media = range.split(';').next().unwrap_or_default();
        media.trim().eq_ignore_ascii_case("text/html")
    })
}
