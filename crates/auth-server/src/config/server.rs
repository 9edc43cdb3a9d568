//! Section `[server]`: listeners, proxies, and the limits of connections and requests.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use auth_core::ProtocolName;
use auth_tower::ClientHeader;
use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected};

use super::listen::Listen;
use super::value::{optional_positive, positive, positive_span, text};
use super::{ConfigError, Span};

/// The protocols that this server speaks, in the order of routing. The front page is that of the pages, where they are on.
pub(crate) const PROTOCOLS: [ProtocolName; 5] = [
    ProtocolName::WEB,
    ProtocolName::ZULIP,
    ProtocolName::ROCKETCHAT,
    ProtocolName::ZETTELSTORE,
    ProtocolName::FORWARD,
];

/// Section `[server]`: listeners, proxies, and the limits of connections and requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Server {
    /// Where connections are taken.
    pub listen: Vec<Listen>,
    /// The proxies, by address or network, that are believed which client they forward a request for.
    #[serde(deserialize_with = "proxies")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which the trusted proxies name the client.
    #[serde(deserialize_with = "client_header")]
    pub client_header: ClientHeader,
    /// The most connections that are open at once.
    #[serde(deserialize_with = "positive")]
    pub max_connections: u32,
    /// The most connections, requests under way, and sockets of signed-in users of one client: by default a quarter of
    /// `max_connections`, but not less than 64. The connections of trusted proxies are not limited, their clients' requests
    /// are.
    #[serde(deserialize_with = "optional_positive")]
    pub max_per_client: Option<u32>,
    /// How long the head of a request may take; also how long a connection may be idle, or its client read nothing of
    /// what it is sent.
    #[serde(deserialize_with = "positive_span")]
    pub header_timeout: Span,
    /// How long the body of a request may take.
    #[serde(deserialize_with = "positive_span")]
    pub body_timeout: Span,
    /// The memory that all request bodies may take together, in MiB.
    #[serde(deserialize_with = "positive")]
    pub body_memory_mib: u32,
    /// Delayed responses held at once, those of logins that are being judged included; further logins receive 503.
    #[serde(deserialize_with = "positive")]
    pub max_waiting: u32,
    /// How long the server goes on as ever after it was told to stop, but says at `/readyz` that it is about to end: as long as a
    /// load balancer takes to see that and to send its clients elsewhere.
    pub drain_time: Span,
    /// How long requests may go on after that.
    pub shutdown_timeout: Span,
    /// How long browsers are told to call this host by TLS alone (`Strict-Transport-Security`), without its subdomains, where this
    /// server speaks TLS and answers with a page. Without it, the pages themselves decide: a year where their site is `https://`.
    pub hsts: Option<Span>,
    /// Whether the system may write the memory of a server that crashed to disk, with all secrets in it, and debuggers of
    /// the same user may read it.
    pub core_dumps: bool,
    /// Whether requests for other hosts than this machine are refused, as `dev` does. No key of the file.
    #[serde(skip)]
    pub(crate) loopback_hosts_only: bool,
}

/// Reads the header in which proxies name clients.
fn client_header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClientHeader, D::Error> {
    text(deserializer, "\"X-Forwarded-For\" or \"Forwarded\"", ClientHeader::from_name)
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![Listen::at(SocketAddr::from(([127, 0, 0, 1], 8080)))],
            trusted_proxies: Vec::new(),
            client_header: ClientHeader::default(),
            max_connections: 4096,
            max_per_client: None,
            header_timeout: Span::secs(30),
            body_timeout: Span::secs(60),
            body_memory_mib: 256,
            max_waiting: auth_engine::Config::default().max_delayed,
            drain_time: Span::secs(0),
            shutdown_timeout: Span::secs(10),
            hsts: None,
            loopback_hosts_only: false,
            core_dumps: false,
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
        let is_unknown = |name: &&String| !PROTOCOLS.iter().any(|protocol| protocol.as_str() == *name);
        if let Some(name) = self.listen.iter().flat_map(|listen| &listen.protocols).find(is_unknown) {
            return Err(ConfigError::new(format!("[server] listen: there is no protocol `{name}`")));
        }
        let mut seen = BTreeSet::new();
        for listen in &self.listen {
            listen.check(!self.trusted_proxies.is_empty())?;
            let is_any_port = listen.address.tcp().is_some_and(|address| address.port() == 0);
            if !is_any_port && !seen.insert(listen.address.to_string()) {
                return Err(ConfigError::new(format!("[server] listen: {} is there twice", listen.address)));
            }
        }
        Ok(())
    }

    /// The most connections, requests and sockets of one client.
    pub(crate) fn max_per_client(&self) -> usize {
        self.max_per_client.unwrap_or_else(|| (self.max_connections / 4).max(64)) as usize
    }

    /// Warns of a listener on this machine at which no proxy is trusted: from there come the clients of a proxy on this machine.
    pub(super) fn warning(&self) -> Option<String> {
        let is_trusted =
            |address: IpAddr| self.trusted_proxies.iter().any(|network| network.contains(&address));
        let mut peers = self.listen.iter().filter_map(|listen| listen.address.local_peer());
        let peer = peers.find(|peer| !is_trusted(*peer))?;
        Some(format!(
            "[server] trusted_proxies: no proxy at {peer} is trusted: behind a proxy on this machine, all clients count as \
             one, and one of them can lock all out"
        ))
    }

    pub(super) fn listens_on_loopback_only(&self) -> bool {
        self.listen
            .iter()
            .all(|listen| listen.address.tcp().is_some_and(|address| address.ip().is_loopback()))
    }
}

/// Reads networks; an address is a network of one host.
pub(super) fn proxies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| proxy(text)).collect()
}

fn proxy<E: de::Error>(text: &str) -> Result<IpNet, E> {
    let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)));
    let form = "an address or a network such as \"10.0.0.0/8\"";
    let network = network.map_err(|_| E::invalid_value(Unexpected::Str(text), &form))?;
    let network = without_mapping(network);
    if network.prefix_len() == 0 {
        return Err(E::custom(format_args!(
            "{text:?} is everybody: every client could choose its address; list your proxies alone"
        )));
    }
    Ok(network)
}

/// A network of IPv4 addresses mapped to IPv6 as one of IPv4, as which clients are known.
fn without_mapping(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    let v4 = v4.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Server, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn trusted_proxies_are_networks_or_single_addresses_and_never_everybody() {
        for (text, expected) in [
            ("127.0.0.1", Some("127.0.0.1/32")),
            ("::1", Some("::1/128")),
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("::ffff:10.0.0.1", Some("10.0.0.1/32")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("0.0.0.0/0", None),
            ("::/0", None),
            ("10.0.0.1/0", None),
            ("::ffff:0:0/96", None),
            ("10.0.0.0/33", None),
            ("localhost", None),
            ("127.0.0.1:80", None),
            ("", None),
        ] {
            let server = read(&format!("trusted_proxies = [\"{text}\"]"));
            let proxies = server.as_ref().map(|server| server.trusted_proxies.as_slice());
            match expected {
                Some(expected) => assert_eq!(proxies, Ok(&[expected.parse().unwrap()][..]), "{text}"),
                None => assert!(proxies.is_err_and(|error| error.contains(text)), "{text}: {server:?}"),
            }
        }
    }

    #[test]
    fn client_header_is_one_of_two() {
        for (text, expected) in [
            ("X-Forwarded-For", Some(ClientHeader::XForwardedFor)),
            ("x-forwarded-for", Some(ClientHeader::XForwardedFor)),
            ("Forwarded", Some(ClientHeader::Forwarded)),
            ("forwarded", Some(ClientHeader::Forwarded)),
            ("X-Real-IP", None),
        ] {
            let server = read(&format!("client_header = \"{text}\""));
            assert_eq!(server.ok().map(|server| server.client_header), expected, "{text}");
        }
    }

    #[test]
    fn loopback_listener_without_a_trusted_proxy_there_is_warned_of() {
        for (listen, proxies, warns) in [
            ("127.0.0.1:8080", "", true),
            ("[::1]:8080", "", true),
            ("127.0.0.1:8080", "\"10.0.0.0/8\"", true),
            ("127.0.0.1:8080", "\"127.0.0.1\"", false),
            ("[::1]:8080", "\"127.0.0.1\"", true),
            ("[::1]:8080", "\"127.0.0.1\", \"::1\"", false),
            ("0.0.0.0:8080", "", false),
            ("192.0.2.1:8080", "", false),
        ] {
            let server = read(&format!("listen = [\"{listen}\"]\ntrusted_proxies = [{proxies}]")).unwrap();
            assert_eq!(server.warning().is_some(), warns, "{listen} {proxies}");
        }
    }
}
