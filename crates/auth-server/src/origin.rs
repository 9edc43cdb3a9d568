//! The client that a request comes from.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// Whether an address is a trusted proxy's.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The client's address: the socket's, or the address that a trusted proxy names.
    pub(crate) client: IpAddr,
    /// Whether the socket is a trusted proxy's, so that what its headers say is believed.
    pub(crate) is_trusted: bool,
}

impl Origin {
    /// The origin of a request with these headers on a socket with this address. Behind a trusted proxy, the client is
    /// the nearest address in `X-Forwarded-For` that isn't a trusted proxy's: a proxy appends the address that it saw, so
    /// the list is read from its end, and only as far as its writers are trusted.
    pub(crate) fn of(socket: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let socket = socket.ip().to_canonical();
        if !is_trusted(socket, trusted) {
            return Self { client: socket, is_trusted: false };
        }
        let mut client = socket;
        let lists: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("")).collect();
        for seen in lists.iter().flat_map(|list| list.split(',')).rev() {
            let Ok(address) = seen.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !is_trusted(client, trusted) {
                break;
            }
        }
        Self { client, is_trusted: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_alone() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for (socket, header, expected) in [
            ("192.0.2.1:5", Some("127.0.0.1"), "192.0.2.1"),
            ("10.0.0.1:5", None, "10.0.0.1"),
            ("10.0.0.1:5", Some("198.51.100.7"), "198.51.100.7"),
            ("10.0.0.1:5", Some("127.0.0.1, 198.51.100.7"), "198.51.100.7"),
            ("10.0.0.1:5", Some("198.51.100.7, 10.2.3.4"), "198.51.100.7"),
            ("10.0.0.1:5", Some("198.51.100.7, nonsense"), "10.0.0.1"),
            ("[::ffff:10.0.0.1]:5", Some("2001:db8::1"), "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert("x-forwarded-for", header.parse().unwrap());
            }
            let origin = Origin::of(socket.parse().unwrap(), &headers, &trusted);
            assert_eq!(origin.client.to_string(), expected, "{socket} {header:?}");
            assert_eq!(origin.is_trusted, !socket.starts_with("192"), "{socket}");
        }
    }
}
