//! Which protocol answers a request, and from whom it comes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use auth_core::{Protocol, ProtocolName, RouteMatch};
use auth_proto_rocketchat::ddp;
use http::HeaderMap;
use ipnet::IpNet;

use crate::websocket::Sockets;

/// The protocols behind a listener, in the order zulip, rocketchat, zettelstore; never empty.
#[derive(Clone)]
pub(crate) struct Router {
    protocols: Arc<[Arc<dyn Protocol>]>,
    sockets: Option<Arc<Sockets>>,
}

impl Router {
    /// `None` when no protocol is left. Where Rocket.Chat's is among them, its sockets are as well.
    pub(crate) fn new(protocols: Vec<Arc<dyn Protocol>>, sockets: Option<Arc<Sockets>>) -> Option<Self> {
        let open = protocols.iter().any(|protocol| protocol.kind() == ProtocolName::RocketChat);
        (!protocols.is_empty())
            .then(|| Self { protocols: protocols.into(), sockets: sockets.filter(|_| open) })
    }

    /// The sockets that live at a path.
    pub(crate) fn sockets(&self, path: &str) -> Option<&Arc<Sockets>> {
        self.sockets.as_ref().filter(|_| path == ddp::PATH)
    }

    /// The protocol that documents the path; else the first below whose prefix it is; else the first.
    pub(crate) fn protocol(&self, path: &str) -> Option<&dyn Protocol> {
        let claims = || self.protocols.iter().map(|protocol| (protocol.claim(path), protocol));
        let pick = |wanted| claims().find(|(claim, _)| *claim == wanted).map(|(_, protocol)| protocol);
        pick(RouteMatch::Owned)
            .or_else(|| pick(RouteMatch::Prefix))
            .or(self.protocols.first())
            .map(AsRef::as_ref)
    }
}

/// The client's address: the socket's, or what the nearest proxy that isn't trusted was seen as. A proxy
/// appends whom it saw, so the list is read from its end, and only as far as those who wrote it are trusted.
pub(crate) fn client(socket: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = socket.ip().to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let lists: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("")).collect();
    for seen in lists.iter().flat_map(|list| list.split(',')).rev() {
        let Ok(address) = seen.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(client) {
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
