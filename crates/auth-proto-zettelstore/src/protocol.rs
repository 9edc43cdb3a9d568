//! The protocol itself: finds the route of a request and hands it over.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Answer, InternalError, Peer, Protocol, ProtocolName, RealmId, RealmName, RouteMatch, Services,
};
use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, Version};
use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::decode::route::Route;
use crate::{Config, encode};

/// Zettelstore's log-in API.
pub struct ZettelstoreProtocol {
    pub(crate) config: Config,
    /// The URL prefix without its last slash.
    base: String,
    pub(crate) services: Arc<dyn Services>,
}

impl ZettelstoreProtocol {
    /// A protocol to the realm that the configuration names.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn Services>) -> Self {
        let base = config.base_path();
        Self { config, base, services }
    }

    /// The realm behind this protocol. Where there is none, that is a fault and no refusal: nobody could tell that
    /// the protocol leads nowhere.
    pub(crate) async fn realm(&self) -> Result<RealmId, InternalError> {
        match self.services.realm(RealmName::Slug(&self.config.realm)).await? {
            Some(realm) => Ok(realm.id),
            None => Err(InternalError::internal("the realm of the Zettelstore protocol is not there")),
        }
    }

    async fn dispatch(&self, request: &Request<Bytes>, peer: &Peer) -> Result<Answer, InternalError> {
        if request.version() == Version::HTTP_11 && !request.headers().contains_key(HOST) {
            return Ok(encode::no_host().into());
        }
        match (Route::of(request.uri().path(), &self.base), request.method()) {
            (Route::Token, &Method::POST) => self.log_in(request, peer).await,
            (Route::Token, &Method::PUT) => self.renew(request, peer).await,
            (Route::Command, &Method::POST) => self.run_command(request, peer).await,
            (Route::Token | Route::Command | Route::Zettel, _) => Ok(encode::method_not_allowed().into()),
            (Route::Moved(path), _) => Ok(self.redirect(path, request.uri().query()).into()),
            (Route::Unknown, _) => Ok(encode::not_found_page().into()),
            (Route::Outside, _) => Ok(encode::not_found().into()),
            (Route::Malformed, _) => Ok(encode::bad_request().into()),
        }
    }

    fn redirect(&self, mut path: String, query: Option<&str>) -> http::Response<Bytes> {
        if let Some(query) = query {
            path.push('?');
            path.extend(utf8_percent_encode(query, CONTROLS));
        }
        encode::moved(self.config.answer, &path)
    }
}

#[async_trait]
impl Protocol for ZettelstoreProtocol {
    fn kind(&self) -> ProtocolName {
        ProtocolName::Zettelstore
    }

    /// Zettelstore has a whole listener to itself: what it doesn't know, and what is outside its URL prefix, it
    /// answers as well.
    fn claim(&self, path: &str) -> RouteMatch {
        match Route::of(path, &self.base) {
            Route::Token | Route::Command | Route::Zettel => RouteMatch::Owned,
            Route::Moved(clean) => self.claim(&clean),
            Route::Unknown | Route::Outside | Route::Malformed => RouteMatch::Prefix,
        }
    }

    fn body_limit(&self) -> usize {
        self.config.max_request_size.max(Config::LEAST_REQUEST_SIZE)
    }

    async fn answer(&self, request: Request<Bytes>, peer: &Peer) -> Answer {
        let mut answer = match self.dispatch(&request, peer).await {
            Ok(answer) => answer,
            Err(fault) => encode::fault(&fault).into(),
        };
        if request.method() == Method::HEAD {
            answer.response.body_mut().clear();
        }
        answer
    }
}

impl fmt::Debug for ZettelstoreProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZettelstoreProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
