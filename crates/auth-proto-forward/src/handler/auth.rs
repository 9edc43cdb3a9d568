//! `/forward/auth`: who is there, and may they go on?

use std::sync::Arc;

use auth_core::{
    Answer, CredentialCheck, CredentialKind, ExternalId, PresentedCredential, Profile, ProtocolName, Realm,
    SecretCheck, TokenPlace,
};
use form_urlencoded::byte_serialize;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::access::decisive;
use crate::config::Dialect;
use crate::decode::cookies::Cookies;
use crate::decode::credential::{Credential, presented};
use crate::decode::question::Question;
use crate::decode::return_address::ReturnAddress;
use crate::encode::error::SignIn;
use crate::encode::headers;
use crate::error::ForwardError;
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
    let nobody = || ForwardError::Unknown(SignIn::default());
    let credential = presented(request.http.headers(), cookies)?.ok_or_else(nobody)?;
    let realm = state.realm().await?.ok_or_else(nobody)?;
    let (protocol, credential) = match credential {
        Credential::Basic { name, secret } => {
            let takes_passwords = state.config.takes_passwords;
            let (protocol, peer) = (ProtocolName::FORWARD, request.peer.clone());
            let check = SecretCheck { protocol, realm, name, secret, takes_passwords, peer };
            let reply = state.services.check_secret(check).await;
            return reply.result.map_err(|error| match ForwardError::from(error) {
                ForwardError::Unknown(unknown) => {
                    ForwardError::Unknown(SignIn { not_before: reply.not_before, ..unknown })
                }
                other => other,
            });
        }
        Credential::ForwardSession(token) => {
            (ProtocolName::FORWARD, token_of(&[CredentialKind::FORWARD_SESSION], None, token))
        }
        Credential::WebSession(token) => {
            (ProtocolName::FORWARD, token_of(&[CredentialKind::WEB_SESSION], None, token))
        }
        Credential::Bearer(token) => {
            (ProtocolName::FORWARD, PresentedCredential::SignedToken { token, place: TokenPlace::Header })
        }
        Credential::RocketChat { user, token } => {
            const KINDS: &[CredentialKind] =
                &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN];
            (ProtocolName::ROCKETCHAT, token_of(KINDS, Some(ExternalId::Text(user)), token))
        }
    };
    check(state, request, realm, protocol, credential).await
}

fn token_of(
    kinds: &'static [CredentialKind],
    owner: Option<ExternalId>,
    token: auth_core::Token,
) -> PresentedCredential {
    PresentedCredential::Token { kinds, owner, token }
}

/// Has a credential checked. A browser's session counts for nothing until its owner has done what the pages demand first.
async fn check(
    state: &ForwardProtocol,
    request: &Request<'_>,
    realm: Arc<Realm>,
    protocol: ProtocolName,
    credential: PresentedCredential,
) -> Result<Profile, ForwardError> {
    let check = CredentialCheck { protocol, realm: Some(realm), credential, peer: request.peer.clone() };
    let principal = state.services.check(check).await.result?;
    let is_of_browser = [CredentialKind::FORWARD_SESSION, CredentialKind::WEB_SESSION];
    let profile = principal.profile;
    let is_held_up = profile.user.must_change_password || profile.lacks_second_factor();
    if principal.kind.is_some_and(|kind| is_of_browser.contains(&kind)) && is_held_up {
        return Err(ForwardError::Unknown(SignIn::default()));
    }
    Ok(profile)
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
