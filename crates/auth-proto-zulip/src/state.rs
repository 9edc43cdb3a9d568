//! The protocol's state: its configuration, its clock, and the services that it asks.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Answer, ApiKeys, Authenticator, Clock, DevelopmentUsers, InternalError, OwnAccount, OwnCredentials,
    PasswordReset, ProfileMemo, Realm, Realms, RequestLimits, SealedTexts, Timestamp, Token,
};
use auth_pages::{Asset, Look};
use bytes::Bytes;

use crate::config::Config;
use crate::decode::csrf::SECRET_LENGTH;
use crate::encode::date::DateCache;
use crate::encode::response;
use crate::site::Site;

/// The services that the protocol asks.
pub trait ZulipServices:
    ApiKeys
    + Authenticator
    + DevelopmentUsers
    + OwnAccount
    + OwnCredentials
    + PasswordReset
    + Realms
    + RequestLimits
    + SealedTexts
{
}

impl<T> ZulipServices for T where
    T: ApiKeys
        + Authenticator
        + DevelopmentUsers
        + OwnAccount
        + OwnCredentials
        + PasswordReset
        + Realms
        + RequestLimits
        + SealedTexts
        + ?Sized
{
}

/// Zulip's login API and its pages, an implementation of [`Protocol`](auth_core::Protocol).
pub struct ZulipProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn ZulipServices>,
    pub(crate) look: Look,
    pub(crate) scripts: Scripts,
    clock: Arc<dyn Clock>,
    dates: DateCache,
    /// The bodies that tell users of themselves.
    pub(crate) own_users: ProfileMemo<Bytes>,
}

/// The scripts of the two pages of a desktop program's log-in, the only ones that have any.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// Of the page on which the program waits.
    pub(crate) waiting: Asset,
    /// Of the page that shows its token.
    pub(crate) token: Asset,
}

impl Scripts {
    fn new() -> Self {
        Self {
            waiting: Asset::script(include_str!("../assets/desktop-waiting.js")),
            token: Asset::script(include_str!("../assets/desktop-token.js")),
        }
    }
}

impl ZulipProtocol {
    /// Creates the protocol, answered by `services`. The clock tells the moment that `Expires` headers name.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn ZulipServices>, clock: Arc<dyn Clock>) -> Self {
        let look = Look::new(config.brand.clone(), config.url_scheme == "https");
        let (scripts, dates, own_users) = (Scripts::new(), DateCache::default(), ProfileMemo::new());
        Self { config, services, look, scripts, clock, dates, own_users }
    }

    /// The file at a path, if it is one of those beside the pages.
    pub(crate) fn file(&self, path: &str) -> Option<&Asset> {
        let Scripts { waiting, token } = &self.scripts;
        self.look.file(path).or_else(|| [waiting, token].into_iter().find(|script| script.path == path))
    }

    /// Whether browsers reach the pages by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.config.url_scheme == "https"
    }

    /// The moment now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new CSRF secret, or a mask of one: letters and digits.
    pub(crate) fn new_secret(&self) -> Token {
        let mut secret = String::with_capacity(SECRET_LENGTH);
        while secret.len() < SECRET_LENGTH {
            let token = self.services.new_token();
            let symbols = token.expose().chars().rev().filter(char::is_ascii_alphanumeric);
            secret.extend(symbols.take(SECRET_LENGTH - secret.len()));
        }
        Token::new(secret)
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
