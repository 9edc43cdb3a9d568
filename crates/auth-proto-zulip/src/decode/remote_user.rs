//! The user whom a front names in a header, after it has authenticated the user itself: `REMOTE_USER`.

use auth_core::Peer;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The header that names a user, and who is believed. See [`RemoteUser::address`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain keys that the server fills in")]
pub struct RemoteUser {
    /// The header.
    pub header: HeaderName,
    /// The fronts whose header is believed: by the address at the other end of the connection, whatever a request says of
    /// its client. From anybody else the header means nothing.
    pub proxies: Vec<IpNet>,
    /// What follows the name and `@` in an address; `None` where the front names addresses.
    pub append_domain: Option<String>,
    /// Whether it is the only way in, so that a browser is led there at once.
    pub only: bool,
}

impl RemoteUser {
    /// The address of the user whom a front names; `None` without a header from one of the fronts, with several, and with
    /// one that is empty or no text.
    #[must_use]
    pub fn address(&self, headers: &HeaderMap, peer: &Peer) -> Option<String> {
        if !self.proxies.iter().any(|network| network.contains(&peer.connection)) {
            return None;
        }
        let mut values = headers.get_all(&self.header).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let name = str::from_utf8(value.as_bytes()).ok()?.trim();
        if name.is_empty() {
            return None;
        }
        Some(match &self.append_domain {
            Some(domain) => format!("{name}@{domain}"),
            None => name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn rule(append_domain: Option<&str>) -> RemoteUser {
        RemoteUser {
            header: HeaderName::from_static("x-remote-user"),
            proxies: vec!["127.0.0.1/32".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            append_domain: append_domain.map(str::to_owned),
            only: false,
        }
    }

    fn read(rule: &RemoteUser, lines: &[(&str, &[u8])], peer: &Peer) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        rule.address(&headers, peer)
    }

    #[test]
    fn a_front_is_known_by_its_connection_and_not_by_what_is_said_of_the_client() {
        let client = || Peer::new("198.51.100.7".parse().unwrap());
        let line = [("x-remote-user", &b"hamlet@zulip.com"[..])];
        for (peer, is_believed) in [
            (client(), false),
            (client().through("127.0.0.1".parse().unwrap()), true),
            (client().through("::ffff:127.0.0.1".parse().unwrap()), true),
            (client().through("2001:db8:1::5".parse().unwrap()), true),
            (client().through("192.0.2.1".parse().unwrap()), false),
            (Peer::new("127.0.0.1".parse().unwrap()).through("192.0.2.1".parse().unwrap()), false),
        ] {
            assert_eq!(read(&rule(None), &line, &peer).is_some(), is_believed, "{peer:?}");
        }
    }

    #[test]
    fn one_header_of_the_name_has_one_text() {
        let peer = Peer::new("127.0.0.1".parse().unwrap());
        let user = "x-remote-user";
        for (lines, plain, appended) in [
            (&[(user, &b"hamlet"[..])][..], Some("hamlet"), Some("hamlet@zulip.com")),
            (&[("X-Remote-User", b" a b ")], Some("a b"), Some("a b@zulip.com")),
            (&[(user, "h\u{e4}mlet".as_bytes())], Some("h\u{e4}mlet"), Some("h\u{e4}mlet@zulip.com")),
            (&[], None, None),
            (&[(user, b"")], None, None),
            (&[(user, b" \t ")], None, None),
            (&[(user, b"h\xe4mlet")], None, None),
            (&[(user, b"hamlet"), (user, b"hamlet")], None, None),
            (&[(user, b"hamlet"), (user, b"")], None, None),
            (&[("remote-user", b"hamlet"), ("x_remote_user", b"hamlet")], None, None),
        ] {
            assert_eq!(read(&rule(None), lines, &peer).as_deref(), plain, "{lines:?}");
            assert_eq!(read(&rule(Some("zulip.com")), lines, &peer).as_deref(), appended, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_not(value in prop::collection::vec(any::<u8>(), 0..40)) {
            let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            let headers = HeaderMap::from_iter([(HeaderName::from_static("x-remote-user"), value)]);
            let peer = Peer::new("127.0.0.1".parse().unwrap());
            let read = rule(None).address(&headers, &peer);
            prop_assert!(read.is_none_or(|name| !name.is_empty() && name.trim() == name));
        }
    }
}
