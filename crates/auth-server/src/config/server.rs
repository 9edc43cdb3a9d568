//! Section `[server]`: listeners, proxies, and the limits of connections and requests.

use std::net::SocketAddr;

use auth_core::ProtocolName;
use serde::Deserialize;

use super::{ConfigError, Span};

/// The protocols that this server speaks, in the order of routing.
pub(crate) const PROTOCOLS: [ProtocolName; 3] =
    [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE];

/// Section `[server]`: listeners, proxies, and the limits of connections and requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Server {
    /// The addresses to listen on, each for all protocols or some of them.
    pub listen: Vec<Listen>,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// The most connections that are open at once.
    pub max_connections: u32,
    /// The most connections, requests under way, and sockets of signed-in users of one client: by default a quarter of
    /// `max_connections`, but not less than 64. The connections of trusted proxies are not limited, their clients' requests
    /// are.
    pub max_per_client: Option<u32>,
    /// How long the head of a request may take; also how long a connection may be idle, or its client read nothing of
    /// what it is sent.
    pub header_timeout: Span,
    /// How long the body of a request may take.
    pub body_timeout: Span,
    /// The memory that all request bodies may take together, in MiB.
    pub body_memory_mib: u32,
    /// Delayed responses held at once, those of logins that are being judged included; further logins receive 503.
    pub max_waiting: u32,
    /// How long requests may go on after the server was told to stop.
    pub shutdown_timeout: Span,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![Listen::All(SocketAddr::from(([127, 0, 0, 1], 8080)))],
            trusted_proxies: Vec::new(),
            max_connections: 4096,
            max_per_client: None,
            header_timeout: Span::secs(30),
            body_timeout: Span::secs(60),
            body_memory_mib: 256,
            max_waiting: 4096,
            shutdown_timeout: Span::secs(10),
        }
    }
}

impl Server {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            return Err(ConfigError::new(
                "[server] listen is empty: name an address such as \"127.0.0.1:8080\"",
            ));
        }
        let names = self.listen.iter().filter_map(|listen| match listen {
            Listen::All(_) => None,
            Listen::Some(some) => Some(&some.protocols),
        });
        let is_unknown = |name: &&String| !PROTOCOLS.iter().any(|protocol| protocol.as_str() == *name);
        match names.flatten().find(is_unknown) {
            Some(name) => Err(ConfigError::new(format!("[server] listen: there is no protocol `{name}`"))),
            None => Ok(()),
        }
    }

    /// The most connections, requests and sockets of one client.
    pub(crate) fn max_per_client(&self) -> usize {
        self.max_per_client.unwrap_or_else(|| (self.max_connections / 4).max(64)) as usize
    }

    pub(super) fn listens_on_loopback_only(&self) -> bool {
        self.listen.iter().all(|listen| listen.address().ip().is_loopback())
    }
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Listen {
    /// An address for all enabled protocols.
    All(SocketAddr),
    /// An address for some of them.
    Some(ListenSome),
}

/// An address and the protocols that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenSome {
    /// The address.
    pub address: SocketAddr,
    /// The names of the protocols. The older name of the key is `doors`.
    #[serde(alias = "doors")]
    pub protocols: Vec<String>,
}

impl Listen {
    /// The address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::All(address) => *address,
            Self::Some(some) => some.address,
        }
    }

    /// Whether the address is for a protocol.
    #[must_use]
    pub fn has(&self, protocol: ProtocolName) -> bool {
        match self {
            Self::All(_) => true,
            Self::Some(some) => some.protocols.iter().any(|name| name == protocol.as_str()),
        }
    }
}
