//! The protocol: reads a request, finds its route, hands it over.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{Answer, Clock, InternalError, Peer, Protocol, ProtocolName, Realm, RouteMatch, Services};
use bytes::Bytes;
use http::Method;

use crate::Config;
use crate::answer::failure::Failure;
use crate::answer::{LastDate, Reply, bad_request_page, never_cached, not_found_page};
use crate::request::Request;
use crate::route::Route;
use crate::routes::{account, compatibility, desktop, development, login, settings};
use crate::site::Site;

/// The largest body, in bytes: Zulip's `DATA_UPLOAD_MAX_MEMORY_SIZE` (zulip.md 1.3).
const BODY_LIMIT: usize = 25 * 1024 * 1024;

/// Zulip's log-in API.
pub struct ZulipProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn Services>,
    clock: Arc<dyn Clock>,
    dates: LastDate,
}

impl ZulipProtocol {
    /// A protocol to `services`. The clock tells the moment that `Expires` headers name.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn Services>, clock: Arc<dyn Clock>) -> Self {
        Self { config, services, clock, dates: LastDate::default() }
    }

    /// The realm that a request is for.
    pub(crate) async fn realm(&self, site: &Site) -> Result<Option<Arc<Realm>>, InternalError> {
        self.services.realm(site.realm_name(&self.config)).await
    }

    /// An answer that is never to be kept.
    pub(crate) fn never_cached(&self, reply: Reply) -> Reply {
        never_cached(reply, self.clock.now(), &self.dates)
    }

    /// The answer in place of a success.
    pub(crate) fn failed(&self, failure: impl Into<Failure>) -> Reply {
        failure.into().reply(&self.config)
    }

    /// Hands a request to its route.
    async fn at(&self, route: Route, path: &str, request: &Request<'_>) -> Result<Answer, Failure> {
        match route {
            Route::FetchApiKey => login::by_password(self, request).await,
            Route::JwtFetchApiKey => login::by_assertion(self, request).await,
            Route::DevFetchApiKey => development::log_in(self, request).await,
            Route::DevListUsers => development::list_users(self, request).await.map(Answer::from),
            Route::ServerSettings => settings::show(self, request).await.map(Answer::from),
            Route::Compatibility => compatibility::judge(request).map(Answer::from),
            Route::DesktopToken => Ok(desktop::judge(path).into()),
            Route::Rest(resource) => account::dispatch(self, resource, request).await.map(Answer::from),
        }
    }
}

#[async_trait]
impl Protocol for ZulipProtocol {
    fn kind(&self) -> ProtocolName {
        ProtocolName::Zulip
    }

    fn claim(&self, path: &str) -> RouteMatch {
        Route::claim(&self.config, path)
    }

    fn body_limit(&self) -> usize {
        BODY_LIMIT
    }

    async fn answer(&self, request: http::Request<Bytes>, peer: &Peer) -> Answer {
        let path = request.uri().path().to_owned();
        let route = Route::find(&self.config, &path);
        let is_head = request.method() == Method::HEAD;
        let mut answer = match (Request::read(&self.config, request, peer), route) {
            (Err(_), _) => bad_request_page().into(),
            (Ok(_), None) => not_found_page().into(),
            (Ok(request), Some(route)) => {
                self.at(route, &path, &request).await.unwrap_or_else(|failure| self.failed(failure).into())
            }
        };
        if is_head {
            answer.response.body_mut().clear();
        }
        answer
    }
}

impl fmt::Debug for ZulipProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZulipProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
