//! Where a request comes from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::{Language, RequestId, is_control, is_invisible};

/// The longest name of a program that is kept, in characters.
const LONGEST_AGENT: usize = 256;

/// The client of a request, as far as it can be known: the socket's address, or what a trusted proxy says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The client's address.
    pub address: IpAddr,
    /// The address at the other end of the connection: the client's own, or that of the nearest proxy.
    pub connection: IpAddr,
    /// The id of the request; that of the handshake for what comes on a socket. Empty unless the server gave one.
    pub request_id: RequestId,
    /// The name that the client's program gives itself, as its `User-Agent`: at most 256 characters, all of which can be
    /// seen.
    pub agent: Option<Arc<str>>,
    /// The language that the client asks for, where its protocol reads that.
    pub language: Option<Language>,
}

impl Peer {
    /// A client at `address`; an IPv4 address mapped to IPv6 is taken as IPv4.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, connection: address, request_id: RequestId::default(), agent: None, language: None }
    }

    /// The same client behind a proxy at `connection`.
    #[must_use]
    pub fn through(self, connection: IpAddr) -> Self {
        Self { connection: connection.to_canonical(), ..self }
    }

    /// The client of the request of that id.
    #[must_use]
    pub fn of_request(address: IpAddr, request_id: RequestId) -> Self {
        Self { request_id, ..Self::new(address) }
    }

    /// The client with the name that its program gives itself, shortened; an empty one is none.
    ///
    /// ```
    /// use auth_core::Peer;
    ///
    /// let peer = Peer::new([192, 0, 2, 1].into()).with_agent("curl/8.5.0\u{7}");
    /// assert_eq!(peer.agent.as_deref(), Some("curl/8.5.0"));
    /// ```
    #[must_use]
    pub fn with_agent(mut self, agent: &str) -> Self {
        let shown = agent.chars().filter(|&at| !is_control(at) && !is_invisible(at)).take(LONGEST_AGENT);
        let shown: String = shown.collect();
        let shown = shown.trim();
        self.agent = (!shown.is_empty()).then(|| shown.into());
        self
    }

    /// The client with the language that it asks for.
    #[must_use]
    pub fn with_language(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    /// The key by which limits count the client.
    #[must_use]
    pub fn client_key(&self) -> ClientKey {
        ClientKey::of(self.address)
    }
}

/// The unit that limits count as one client: a single IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(IpAddr);

impl ClientKey {
    /// The key of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IpAddr::V4(v4)),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
        }
    }
}

impl ClientKey {
    /// The network of a prefix length around the key of an IPv6 address; `None` for IPv4, where each address has a holder
    /// of its own.
    ///
    /// ```
    /// use auth_core::ClientKey;
    ///
    /// let key = ClientKey::of("2001:db8:1:2:3:4:5:6".parse().unwrap());
    /// assert_eq!(key.network(48).unwrap().to_string(), "2001:db8:1::/48");
    /// ```
    #[must_use]
    pub fn network(self, prefix: u8) -> Option<ClientNetwork> {
        let IpAddr::V6(v6) = self.0 else { return None };
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or_default();
        Some(ClientNetwork { address: Ipv6Addr::from_bits(v6.to_bits() & mask), prefix })
    }
}

/// A network that may hold many client keys of one holder, as IPv6 addresses are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientNetwork {
    address: Ipv6Addr,
    prefix: u8,
}

impl ClientNetwork {
    /// The length of the prefix, in bits.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Default for ClientKey {
    /// The unspecified address, for work that comes from no client.
    fn default() -> Self {
        Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_keys_are_single_ipv4_addresses_and_ipv6_64s() {
        for (address, key) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(ClientKey::of(address.parse().unwrap()).to_string(), key);
        }
    }

    #[test]
    fn networks_are_around_ipv6_keys_alone() {
        let network = |address: &str, prefix| ClientKey::of(address.parse().unwrap()).network(prefix);
        for (prefix, expected) in
            [(64, "2001:db8:1:23ff::/64"), (56, "2001:db8:1:2300::/56"), (48, "2001:db8:1::/48"), (0, "::/0")]
        {
            let found = network("2001:db8:1:23ff:4:5:6:7", prefix).unwrap();
            assert_eq!((found.to_string().as_str(), found.prefix()), (expected, prefix));
            for v4 in ["192.0.2.7", "::ffff:192.0.2.7"] {
                assert_eq!(network(v4, prefix), None, "{v4}");
            }
        }
    }
}
