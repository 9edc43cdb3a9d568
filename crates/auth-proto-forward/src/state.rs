//! The protocol's state: its configuration, and the services that it asks.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use auth_core::{
    Authenticator, ForwardSessions, InternalError, Memberships, NamedSecrets, Realm, RealmName, Realms,
};

use crate::config::Config;

/// The services that the protocol asks.
pub trait ForwardServices: Authenticator + ForwardSessions + Memberships + NamedSecrets + Realms {}

impl<T: Authenticator + ForwardSessions + Memberships + NamedSecrets + Realms + ?Sized> ForwardServices
    for T
{
}

/// Forward authentication. See the front page of the crate.
pub struct ForwardProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn ForwardServices>,
}

impl ForwardProtocol {
    /// The protocol in front of these services.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn ForwardServices>) -> Self {
        Self { config, services }
    }

    /// The realm whose users are let through.
    pub(crate) async fn realm(&self) -> Result<Option<Arc<Realm>>, InternalError> {
        self.services.realm(RealmName::Slug(&self.config.realm)).await
    }

    /// Whether a connection comes from a proxy that is believed.
    pub(crate) fn trusts(&self, connection: IpAddr) -> bool {
        self.config.trusted_proxies.iter().any(|network| network.contains(&connection))
    }
}

impl fmt::Debug for ForwardProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
