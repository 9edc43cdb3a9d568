//! The protocol's state: its configuration and the services that it asks.

use std::fmt;
use std::sync::Arc;

use auth_core::{Authenticator, InternalError, Realm, RealmName, Realms, TokenRenewal};

use crate::config::Config;

/// The services that the protocol asks.
pub trait ZettelstoreServices: Authenticator + TokenRenewal + Realms {}

impl<T: Authenticator + TokenRenewal + Realms + ?Sized> ZettelstoreServices for T {}

/// Zettelstore's login API, an implementation of [`Protocol`](auth_core::Protocol).
pub struct ZettelstoreProtocol {
    pub(crate) config: Config,
    /// The URL prefix without its last slash.
    pub(crate) base: String,
    pub(crate) services: Arc<dyn ZettelstoreServices>,
}

impl ZettelstoreProtocol {
    /// Creates the protocol for the users of `config.realm`, answered by `services`.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn ZettelstoreServices>) -> Self {
        let base = config.base_path();
        Self { config, base, services }
    }

    /// The realm whose users log in here; `None` while it doesn't exist. Nobody has an account there then, so that every
    /// login and every token is refused.
    pub(crate) async fn realm(&self) -> Result<Option<Arc<Realm>>, InternalError> {
        self.services.realm(RealmName::Slug(&self.config.realm)).await
    }
}

impl fmt::Debug for ZettelstoreProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZettelstoreProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
