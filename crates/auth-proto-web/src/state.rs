//! The protocol's state: its configuration, the files made of it, and the services that it asks.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AddressVerification, ApiKeys, Authenticator, OwnAccount, OwnCredentials, PasswordReset, Realms,
    RequestLimits, SealedTexts, SecondFactors, Sessions,
};
use http::HeaderMap;

use crate::config::Config;
use crate::encode::asset::Asset;
use crate::encode::headers;

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
    /// The headers of every answer.
    pub(crate) headers: HeaderMap,
    pub(crate) style: Asset,
    pub(crate) icon: Asset,
}

impl WebProtocol {
    /// Creates the pages of a configuration, answered by `services`. The style sheet is made here, once.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn WebServices>) -> Self {
        let (style, icon) = (Asset::style(&config.brand), Asset::icon(&config.brand));
        Self { headers: headers::of(&config), config, services, style, icon }
    }
}

impl fmt::Debug for WebProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
