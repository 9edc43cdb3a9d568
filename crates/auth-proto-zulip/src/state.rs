//! The protocol's state: its configuration, its clock, and the services that it asks.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Answer, ApiKeys, Authenticator, Clock, DevelopmentUsers, InternalError, OwnAccount, Realm, Realms,
};

use crate::config::Config;
use crate::encode::date::DateCache;
use crate::encode::response;
use crate::site::Site;

/// The services that the protocol asks.
pub trait ZulipServices: Authenticator + ApiKeys + DevelopmentUsers + OwnAccount + Realms {}

impl<T: Authenticator + ApiKeys + DevelopmentUsers + OwnAccount + Realms + ?Sized> ZulipServices for T {}

/// Zulip's login API, an implementation of [`Protocol`](auth_core::Protocol).
pub struct ZulipProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn ZulipServices>,
    clock: Arc<dyn Clock>,
    dates: DateCache,
}

impl ZulipProtocol {
    /// Creates the protocol, answered by `services`. The clock tells the moment that `Expires` headers name.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn ZulipServices>, clock: Arc<dyn Clock>) -> Self {
        Self { config, services, clock, dates: DateCache::default() }
    }

    /// The realm that a request is for; `None` where its host leads to no realm.
    pub(crate) async fn realm(&self, site: &Site<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        self.services.realm(site.realm_name(&self.config)).await
    }

    /// An answer in which there are addresses. Without an external host they are made of the host that the client sent, so
    /// that nobody else must be given the answer.
    pub(crate) fn with_addresses(&self, answer: Answer) -> Answer {
        if self.config.external_host.is_empty() { self.never_cached(answer) } else { answer }
    }

    /// Tells clients and proxies never to cache an answer.
    pub(crate) fn never_cached(&self, mut answer: Answer) -> Answer {
        response::never_cached(answer.response.headers_mut(), self.dates.header(self.clock.now()));
        answer
    }
}

impl fmt::Debug for ZulipProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZulipProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
