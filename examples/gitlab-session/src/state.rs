//! The protocol's state: its configuration and the services that it asks.

use std::fmt;
use std::sync::Arc;

use auth_core::{Authenticator, InternalError, Realm, RealmName, Realms};

use crate::config::Config;

/// The services that the protocol asks.
pub trait GitLabServices: Authenticator + Realms {}

impl<T: Authenticator + Realms + ?Sized> GitLabServices for T {}

/// GitLab's session API, an implementation of [`Protocol`](auth_core::Protocol).
pub struct GitLabProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn GitLabServices>,
}

impl GitLabProtocol {
    /// Creates the protocol for the users of `config.realm`, answered by `services`.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn GitLabServices>) -> Self {
        Self { config, services }
    }

    /// The realm whose users log in here; `None` while it doesn't exist. Nobody has an account there then, so that every
    /// login and every token is refused.
    pub(crate) async fn realm(&self) -> Result<Option<Arc<Realm>>, InternalError> {
        self.services.realm(RealmName::Slug(&self.config.realm)).await
    }
}

impl fmt::Debug for GitLabProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitLabProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
