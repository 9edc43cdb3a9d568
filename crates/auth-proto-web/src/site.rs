//! The realm and the origin of a request, by its host.

use std::sync::Arc;

use auth_core::{InternalError, Realm, RealmName};
use bytes::Bytes;
use http::Request;
use http::header::HOST;

use crate::decode::host;
use crate::state::WebProtocol;

/// The realm that a page is of: the one that the host names, or else the configured one. `None` where there is none.
pub(crate) async fn realm(
    state: &WebProtocol,
    request: &Request<Bytes>,
) -> Result<Option<Arc<Realm>>, InternalError> {
    let configured = RealmName::Slug(&state.config.realm);
    let Some((_, subdomain)) = named(state, request) else { return state.services.realm(configured).await };
    match state.services.realm(RealmName::Subdomain(&subdomain)).await? {
        // The host itself needs no realm of its own.
        None if subdomain.is_empty() => state.services.realm(configured).await,
        found => Ok(found),
    }
}

/// The origin that forms of this site come from: the configured one, or below it that of the host which names a realm.
pub(crate) fn origin(state: &WebProtocol, request: &Request<Bytes>) -> String {
    let url = &state.config.url;
    match named(state, request).zip(url.split_once("://")) {
        Some(((host, subdomain), (scheme, _))) if !subdomain.is_empty() => format!("{scheme}://{host}"),
        _ => url.clone(),
    }
}

/// The host of a request and its part below the external host, where it is the external host or one below it.
fn named<'a>(state: &WebProtocol, request: &'a Request<Bytes>) -> Option<(&'a str, String)> {
    let external = state.config.external_host.as_deref()?;
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = authority.or_else(|| request.headers().get(HOST)?.to_str().ok())?;
    host::subdomain(host, external).map(|subdomain| (host, subdomain))
}
