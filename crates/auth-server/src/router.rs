//! The protocol that answers a request, and the client that it comes from.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use auth_core::{Protocol, ProtocolName, Route, RouteMatch};
use auth_proto_rocketchat::ddp;
use http::HeaderMap;
use ipnet::IpNet;

use crate::websocket::Sockets;

/// The protocols behind a listener, in the order of their precedence; never empty.
#[derive(Clone)]
pub(crate) struct Router {
    protocols: Arc<[Arc<dyn Protocol>]>,
    sockets: Option<Arc<Sockets>>,
}

impl Router {
    /// `None` when there is no protocol. Where Rocket.Chat is among them, its sockets are as well.
    pub(crate) fn new(protocols: Vec<Arc<dyn Protocol>>, sockets: Option<Arc<Sockets>>) -> Option<Self> {
        let has_rocketchat = protocols.iter().any(|protocol| protocol.name() == ProtocolName::ROCKETCHAT);
        let sockets = sockets.filter(|_| has_rocketchat);
        (!protocols.is_empty()).then(|| Self { protocols: protocols.into(), sockets })
    }

    /// The sockets that live at a path.
    pub(crate) fn sockets(&self, path: &str) -> Option<&Arc<Sockets>> {
        self.sockets.as_ref().filter(|_| path == ddp::PATH)
    }

    /// The protocol that documents the path; else the first below whose prefix it lies; else the first.
    pub(crate) fn find(&self, path: &str) -> Option<(&dyn Protocol, Route)> {
        let mut best: Option<(&dyn Protocol, Route)> = None;
        for protocol in self.protocols.iter() {
            let route = protocol.route(path);
            if route.matched == RouteMatch::Documented {
                return Some((&**protocol, route));
            }
            if best.is_none_or(|(_, before)| before.matched < route.matched) {
                best = Some((&**protocol, route));
            }
        }
        best
    }
}

/// Whether an address is a trusted proxy's.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// The client's address: the socket's, or the address under which the nearest proxy that isn't trusted was seen. A proxy
/// appends the address that it saw, so the list is read from its end, and only as far as its writers are trusted.
pub(crate) fn client(socket: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = socket.ip().to_canonical();
    if !is_trusted(client, trusted) {
        return client;
    }
    let lists: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("")).collect();
    for seen in lists.iter().flat_map(|list| list.split(',')).rev() {
        let Ok(address) = seen.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
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
            let client = client(socket.parse().unwrap(), &headers, &trusted);
            assert_eq!(client.to_string(), expected, "{socket} {header:?}");
        }
    }
}
