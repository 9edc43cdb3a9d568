//! The client that a request comes from.
//!
//! Behind a trusted proxy, the client is the nearest address in the header of [`Proxies::header`] that isn't a trusted
//! proxy's: each proxy appends the address that it saw, so the list is read from its end, and only as far as its writers
//! are trusted. Where a trusted proxy names no address, nothing before that entry can be believed: the proxy then
//! counts as the client, and [`Origin::doubt`] says why.
//!
//! No other header is read. A proxy that sets one header and passes another on as the client sent it would otherwise let
//! each client choose its address.

use std::net::{IpAddr, SocketAddr};

use auth_core::{Peer, RequestId, forwarding_header};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::forwarded::{ClientHeader, Node};

/// The longest part of an entry that is told, in bytes.
const LONGEST_ENTRY: usize = 64;

/// The proxies that are trusted, and the header in which they name clients. By default none is trusted.
///
/// Trust only proxies that append to this header, or replace it: a client could write what others pass on.
///
/// ```
/// use auth_tower::{ClientHeader, Proxies};
///
/// let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse()?], header: ClientHeader::Forwarded };
/// assert!(proxies.trust([10, 1, 2, 3].into()));
/// assert!(!proxies.trust([192, 0, 2, 1].into()));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "plain values that a server reads from its configuration")]
pub struct Proxies {
    /// The networks of the proxies.
    pub trusted: Vec<IpNet>,
    /// The header in which they name clients. No other is read.
    pub header: ClientHeader,
}

impl Proxies {
    /// Whether an address is a trusted proxy's.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The client's address: the socket's, or the address that a trusted proxy names.
    pub client: IpAddr,
    /// The socket's address: the client's own, or that of the nearest proxy.
    pub connection: IpAddr,
    /// Whether the socket is a trusted proxy's, so that what its headers say is believed.
    pub is_trusted: bool,
    /// Why the client may be another one.
    pub doubt: Option<Doubt>,
}

/// Why many clients may count as the one that stands for them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server tells its operator of each")]
pub enum Doubt {
    /// A peer that is no trusted proxy sent this forwarding header.
    Untrusted(HeaderName),
    /// A trusted proxy sent this entry, which can't be read.
    Unreadable(String),
    /// A trusted proxy sent this entry, which names no address.
    Hidden(String),
    /// A trusted proxy sent this forwarding header and not that of [`Proxies::header`].
    OtherHeader(HeaderName),
    /// A trusted proxy sent no forwarding header.
    NoHeader,
}

impl Origin {
    /// The origin of a request with these headers on a socket with this address.
    #[must_use]
    pub fn of(socket: SocketAddr, headers: &HeaderMap, proxies: &Proxies) -> Self {
        let connection = socket.ip().to_canonical();
        let mut client = connection;
        if !proxies.trust(client) {
            let doubt = forwarding_header(headers).cloned().map(Doubt::Untrusted);
            return Self { client, connection, is_trusted: false, doubt };
        }
        let behind = |client, doubt| Self { client, connection, is_trusted: true, doubt };
        let mut is_named = false;
        for entry in proxies.header.entries(headers) {
            match proxies.header.read(entry) {
                Node::Address(address) => client = address,
                Node::Hidden => return behind(client, Some(Doubt::Hidden(shown(entry)))),
                Node::Unreadable => return behind(client, Some(Doubt::Unreadable(shown(entry)))),
            }
            if !proxies.trust(client) {
                return behind(client, None);
            }
            is_named = true;
        }
        let doubt = || forwarding_header(headers).cloned().map_or(Doubt::NoHeader, Doubt::OtherHeader);
        behind(client, (!is_named).then(doubt))
    }

    /// The client as protocols know it, with the name that its program gives itself in these headers.
    #[must_use]
    pub fn peer(&self, headers: &HeaderMap, id: RequestId) -> Peer {
        let agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
        Peer::of_request(self.client, id).through(self.connection).with_agent(&String::from_utf8_lossy(agent))
    }
}

/// An entry in printable characters, as far as it is told.
fn shown(entry: &[u8]) -> String {
    entry.get(..LONGEST_ENTRY).unwrap_or(entry).escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies(header: ClientHeader) -> Proxies {
        Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], header }
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
        lines.iter().map(|(name, text)| (name.parse::<HeaderName>().unwrap(), value(text))).collect()
    }

    fn origin(socket: &str, lines: &[(&str, &str)], header: ClientHeader) -> (String, Option<Doubt>) {
        let origin = Origin::of(socket.parse().unwrap(), &headers(lines), &proxies(header));
        assert_eq!(origin.is_trusted, !socket.starts_with("192"), "{socket}");
        (origin.client.to_string(), origin.doubt)
    }

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_alone() {
        for (socket, header, expected) in [
            ("192.0.2.1:5", Some("127.0.0.1"), "192.0.2.1"),
            ("10.0.0.1:5", None, "10.0.0.1"),
            ("10.0.0.1:5", Some("198.51.100.7"), "198.51.100.7"),
            ("10.0.0.1:5", Some("127.0.0.1, 198.51.100.7"), "198.51.100.7"),
            ("10.0.0.1:5", Some("198.51.100.7, 10.2.3.4"), "198.51.100.7"),
            ("10.0.0.1:5", Some("198.51.100.7, nonsense"), "10.0.0.1"),
            ("[::ffff:10.0.0.1]:5", Some("2001:db8::1"), "2001:db8::1"),
        ] {
            let lines: Vec<_> = header.map(|header| ("x-forwarded-for", header)).into_iter().collect();
            let (client, _) = origin(socket, &lines, ClientHeader::XForwardedFor);
            assert_eq!(client, expected, "{socket} {header:?}");
        }
    }

    #[test]
    fn clients_behind_a_proxy_are_told_apart_whatever_the_form() {
        for (entry, expected) in [
            ("198.51.100.66:40000", "198.51.100.66"),
            ("[2001:db8::1]:40000", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("\"198.51.100.66\"", "198.51.100.66"),
            ("198.51.100.66,", "198.51.100.66"),
            ("198.51.100.66, ,10.0.0.2,", "198.51.100.66"),
            ("nonsense, 198.51.100.66", "198.51.100.66"),
        ] {
            let told = origin("10.0.0.1:5", &[("x-forwarded-for", entry)], ClientHeader::XForwardedFor);
            assert_eq!(told, (expected.to_owned(), None), "{entry}");
        }
        let element = "for=192.0.2.1, For=\"[2001:db8::1]:40000\";proto=https, for=10.0.0.2";
        let told = origin("10.0.0.1:5", &[("forwarded", element)], ClientHeader::Forwarded);
        assert_eq!(told, ("2001:db8::1".to_owned(), None));
    }

    #[test]
    fn each_doubt_is_told_and_the_nearest_proxy_stands_for_the_client() {
        let x = ClientHeader::XForwardedFor;
        let told = str::to_owned;
        for (socket, lines, header, client, doubt) in [
            ("192.0.2.1:5", vec![], x, "192.0.2.1", None),
            (
                "192.0.2.1:5",
                vec![("x-forwarded-for", "198.51.100.7")],
                x,
                "192.0.2.1",
                Some(Doubt::Untrusted(HeaderName::from_static("x-forwarded-for"))),
            ),
            (
                "10.0.0.1:5",
                vec![("x-forwarded-for", "198.51.100.7, n\u{f6}ise")],
                x,
                "10.0.0.1",
                Some(Doubt::Unreadable(told("n\\xc3\\xb6ise"))),
            ),
            (
                "10.0.0.1:5",
                vec![("x-forwarded-for", "198.51.100.7, unknown, 10.0.0.2")],
                x,
                "10.0.0.2",
                Some(Doubt::Hidden(told("unknown"))),
            ),
            ("10.0.0.1:5", vec![], x, "10.0.0.1", Some(Doubt::NoHeader)),
            ("10.0.0.1:5", vec![("x-forwarded-for", "10.0.0.2")], x, "10.0.0.2", None),
        ] {
            assert_eq!(origin(socket, &lines, header), (client.to_owned(), doubt), "{socket} {lines:?}");
        }
        let long = "x".repeat(1000);
        let (_, doubt) = origin("10.0.0.1:5", &[("x-forwarded-for", &long)], x);
        assert_eq!(doubt, Some(Doubt::Unreadable("x".repeat(LONGEST_ENTRY))));
    }

    #[test]
    fn a_header_that_the_proxy_does_not_set_is_never_read() {
        let (x, forwarded) = (ClientHeader::XForwardedFor, ClientHeader::Forwarded);
        let sent = [
            ("forwarded", "for=203.0.113.1"),
            ("x-forwarded-for", "203.0.113.2"),
            ("x-real-ip", "203.0.113.3"),
        ];
        // A client sends all of them; its proxy appends to one and passes the others on.
        for (header, own, appended) in
            [(x, "x-forwarded-for", "198.51.100.7"), (forwarded, "forwarded", "for=198.51.100.7")]
        {
            let lines = sent.map(|(name, value)| {
                (name, if name == own { format!("{value}, {appended}") } else { value.to_owned() })
            });
            let lines: Vec<(&str, &str)> =
                lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(origin("10.0.0.1:5", &lines, header), ("198.51.100.7".to_owned(), None), "{own}");
            let others: Vec<(&str, &str)> = sent.into_iter().filter(|(name, _)| *name != own).collect();
            let (client, doubt) = origin("10.0.0.1:5", &others, header);
            assert_eq!(client, "10.0.0.1");
            assert!(matches!(doubt, Some(Doubt::OtherHeader(_))), "{doubt:?}");
        }
    }

    /// A line of a header: any bytes that a header may hold, or pieces that addresses are made of.
    fn line() -> impl Strategy<Value = HeaderValue> {
        let pieces = prop::sample::select(vec![
            "10.0.0.1",
            "198.51.100.7",
            "[2001:db8::1]",
            "::ffff:192.0.2.1",
            ":80",
            ",",
            ";",
            "\"",
            "\\",
            "for=",
            "by=",
            "unknown",
            "_x",
            "%eth0",
            "[",
            "]",
            " ",
        ]);
        let made = prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat().into_bytes());
        let any = prop::collection::vec(any::<u8>(), 0..64);
        prop_oneof![made, any]
            .prop_filter_map("no value of a header", |bytes| HeaderValue::from_bytes(&bytes).ok())
    }

    proptest! {
        #[test]
        fn any_headers_give_the_socket_or_an_address_in_the_list(
            socket in prop::sample::select(vec!["10.0.0.1:5", "192.0.2.1:5", "[2001:db8::7]:5"]),
            lines in prop::collection::vec((any::<bool>(), line()), 0..4),
            is_forwarded: bool,
        ) {
            let header = if is_forwarded { ClientHeader::Forwarded } else { ClientHeader::XForwardedFor };
            let mut headers = HeaderMap::new();
            for (is_own, value) in lines {
                let other = if is_forwarded { ClientHeader::XForwardedFor } else { ClientHeader::Forwarded };
                headers.append(if is_own { header } else { other }.name(), value);
            }
            let socket: SocketAddr = socket.parse().unwrap();
            let origin = Origin::of(socket, &headers, &proxies(header));
            let listed = headers.get_all(header.name()).into_iter().any(|list| {
                let text = String::from_utf8_lossy(list.as_bytes()).into_owned();
                let parts = text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':' || c == '.'));
                let addresses = parts.flat_map(|part| {
                    let before_port = part.rsplit_once(':').map_or(part, |(address, _)| address);
                    [part.parse::<IpAddr>().ok(), before_port.parse().ok()]
                });
                addresses.flatten().any(|address| address.to_canonical() == origin.client)
            });
            prop_assert!(origin.client == socket.ip() || (origin.is_trusted && listed), "{headers:?}: {origin:?}");
            prop_assert_eq!(origin.is_trusted, socket.ip().to_string() == "10.0.0.1");
        }
    }
}
