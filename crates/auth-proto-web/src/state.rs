//! The protocol's state: its configuration, the files made of it, and the services that it asks.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AddressVerification, ApiKeys, Authenticator, OwnAccount, OwnCredentials, PasswordReset, Realms,
    RequestLimits, SealedTexts, SecondFactors, Sessions,
};
use auth_pages::Look;

use crate::config::Config;

/// The services that the pages ask.
pub trait WebServices:
    AddressVerification
    + ApiKeys
    + Authenticator
    + OwnAccount
    + OwnCredentials
    + PasswordReset
    + Realms
    + RequestLimits
    + SealedTexts
    + SecondFactors
    + Sessions
{
}

impl<T> WebServices for T where
    T: AddressVerification
        + ApiKeys
        + Authenticator
        + OwnAccount
        + OwnCredentials
        + PasswordReset
        + Realms
        + RequestLimits
        + SealedTexts
        + SecondFactors
        + Sessions
        + ?Sized
{
}

/// The pages, an implementation of [`Protocol`](auth_core::Protocol).
pub struct WebProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn WebServices>,
    pub(crate) look: Look,
}

impl WebProtocol {
    /// Creates the pages of a configuration, answered by `services`. The style sheet is made here, once.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn WebServices>) -> Self {
        let look = Look::new(config.brand.clone(), config.url.starts_with("https://"));
        Self { config, services, look }
    }
}

impl fmt::Debug for WebProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
