//! The entries of the header in which proxies name the client: `X-Forwarded-For`, or `Forwarded` (RFC 7239).
//!
//! Each proxy appends an entry. So lists are taken apart from their end, and what stands before the last entries, which
//! any client can have sent, changes nothing about how they are read.

use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The header in which proxies name the client of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server must know how to read each")]
pub enum ClientHeader {
    /// `X-Forwarded-For`: a list of addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// What a proxy says of the client that it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The client's address.
    Address(IpAddr),
    /// The proxy doesn't know the client, or won't tell.
    Hidden,
    /// No form in which addresses are written.
    Unreadable,
}

impl ClientHeader {
    /// The header of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let is_named = |header: &Self| header.name().as_str().eq_ignore_ascii_case(name);
        [Self::XForwardedFor, Self::Forwarded].into_iter().find(is_named)
    }

    /// The header's name.
    #[must_use]
    pub fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }

    /// The entries of all headers of this name, the nearest proxy's first. Empty ones are left out (RFC 9110, 5.6.1).
    pub(crate) fn entries(self, headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
        headers.get_all(self.name()).into_iter().rev().flat_map(|list| split_from_end(list.as_bytes(), b','))
    }

    /// Reads an entry.
    pub(crate) fn read(self, entry: &[u8]) -> Node {
        match self {
            Self::XForwardedFor => node(entry),
            Self::Forwarded => pairs(entry),
        }
    }
}

/// The parts between separators outside of quotes, the last first, without empty ones. A quote behind an odd number of
/// backslashes is one within a quoted string (RFC 9110, 5.6.4).
fn split_from_end(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut left) = (false, list.len());
    let is_end = move |byte: &u8| {
        left -= 1;
        // Counted at quotes alone, so that a list of backslashes takes no longer than another.
        let is_escaped = || {
            let before = list.get(..left).unwrap_or_default();
            !before.iter().rev().take_while(|byte| **byte == b'\\').count().is_multiple_of(2)
        };
        is_quoted ^= *byte == b'"' && !is_escaped();
        !is_quoted && *byte == separator
    };
    list.rsplit(is_end).map(<[u8]>::trim_ascii).filter(|part| !part.is_empty())
}

/// Reads an entry of `Forwarded`: pairs of a name and a value, of which `for` names the client.
fn pairs(entry: &[u8]) -> Node {
    let mut client = None;
    for pair in split_from_end(entry, b';') {
        let mut sides = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (sides.next(), sides.next()) else { return Node::Unreadable };
        if name.trim_ascii().eq_ignore_ascii_case(b"for") && client.replace(value).is_some() {
            return Node::Unreadable;
        }
    }
    client.map_or(Node::Hidden, node)
}

/// Reads an address as proxies write it: with or without port, brackets, zone and quotes.
fn node(text: &[u8]) -> Node {
    let Ok(text) = str::from_utf8(text) else { return Node::Unreadable };
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let Some((name, port)) = name_and_port(text) else { return Node::Unreadable };
    if !port.bytes().all(is_token) {
        return Node::Unreadable;
    }
    if name.eq_ignore_ascii_case("unknown") || (name.starts_with('_') && name.bytes().all(is_token)) {
        return Node::Hidden;
    }
    let address = name.split_once('%').map_or(name, |(address, _zone)| address);
    address.parse().map_or(Node::Unreadable, |address: IpAddr| Node::Address(address.to_canonical()))
}

/// The two parts of a node; the port is empty where there is none.
fn name_and_port(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (name, port) = rest.split_once(']')?;
        return Some((name, if port.is_empty() { port } else { port.strip_prefix(':')? }));
    }
    let has_port = text.bytes().filter(|byte| *byte == b':').count() == 1;
    Some(text.split_once(':').filter(|_| has_port).unwrap_or((text, "")))
}

/// Whether a byte may stand in a port or in an obfuscated name (RFC 7239, 6).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The header's entries as they are read, the nearest first.
    fn read(header: ClientHeader, lines: &[&str]) -> Vec<Node> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        header.entries(&headers).map(|entry| header.read(entry)).collect()
    }

    fn address(text: &str) -> Node {
        Node::Address(text.parse().unwrap())
    }

    #[test]
    fn each_form_of_an_address_is_read_in_both_headers() {
        for (entry, expected) in [
            ("198.51.100.66", "198.51.100.66"),
            ("198.51.100.66:40000", "198.51.100.66"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:40000", "2001:db8::1"),
            ("[2001:DB8::1]:_port", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
            ("::ffff:198.51.100.66", "198.51.100.66"),
            ("[::ffff:198.51.100.66]:80", "198.51.100.66"),
            ("::1", "::1"),
        ] {
            for entry in [entry.to_owned(), format!("\"{entry}\""), format!("  {entry}\t")] {
                assert_eq!(read(ClientHeader::XForwardedFor, &[&entry]), [address(expected)], "{entry}");
                let element = format!("proto=https; For={entry};by=\"_a,b;c\"");
                assert_eq!(read(ClientHeader::Forwarded, &[&element]), [address(expected)], "{element}");
            }
        }
    }

    #[test]
    fn what_names_no_address_is_told_apart_from_what_can_not_be_read() {
        for entry in ["unknown", "Unknown", "\"unknown\"", "_hidden", "_SEVKISEK", "unknown:80", "_a:_b"] {
            assert_eq!(read(ClientHeader::XForwardedFor, &[entry]), [Node::Hidden], "{entry}");
            assert_eq!(read(ClientHeader::Forwarded, &[&format!("for={entry}")]), [Node::Hidden], "{entry}");
        }
        assert_eq!(read(ClientHeader::Forwarded, &["proto=https;host=a"]), [Node::Hidden]);
        for entry in [
            "nonsense",
            "198.51.100.256",
            "198.51.100.66:80:90",
            "198.51.100.66 40000",
            "[198.51.100.66",
            "[2001:db8::1]80",
            "2001:db8::1:40000",
            "_a b",
            "unix:",
            "\"198.51.100.66",
            "198.51.100.66\"",
            "\"\"",
            "ü",
        ] {
            assert_eq!(read(ClientHeader::XForwardedFor, &[entry]), [Node::Unreadable], "{entry}");
        }
        for entry in ["198.51.100.66", "for", "for=", "for=a;for=b", "for=198.51.100.66;x"] {
            assert_eq!(read(ClientHeader::Forwarded, &[entry]), [Node::Unreadable], "{entry}");
        }
    }

    #[test]
    fn entries_of_all_lines_are_read_from_the_end_and_empty_ones_left_out() {
        let expected = ["192.0.2.3", "192.0.2.2", "192.0.2.1"].map(address);
        for lines in [
            &["192.0.2.1, 192.0.2.2, 192.0.2.3"][..],
            &["192.0.2.1", "192.0.2.2", "192.0.2.3"],
            &["192.0.2.1,,192.0.2.2", "", " , ,\t192.0.2.3, ,"],
        ] {
            assert_eq!(read(ClientHeader::XForwardedFor, lines), expected, "{lines:?}");
            let lines: Vec<String> = lines.iter().map(|line| line.replace("192", "for=192")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(read(ClientHeader::Forwarded, &lines), expected, "{lines:?}");
        }
        assert_eq!(read(ClientHeader::XForwardedFor, &["", ",", " , "]), []);
    }

    #[test]
    fn quotes_that_are_escaped_end_no_quoted_text() {
        // A proxy quotes a host that its client sent: `a", for=203.0.113.9;x="`.
        let element = r#"for=198.51.100.7;host="a\", for=203.0.113.9;x=\"b""#;
        assert_eq!(read(ClientHeader::Forwarded, &[element]), [address("198.51.100.7")]);
        let element = r#"for=192.0.2.1;host="a\\", for=198.51.100.7"#;
        let entries = [address("198.51.100.7"), address("192.0.2.1")];
        assert_eq!(read(ClientHeader::Forwarded, &[element]), entries);
    }

    #[test]
    fn what_a_client_sent_can_not_swallow_what_a_proxy_appended() {
        let last = address("2001:db8::1");
        for sent in
            ["\"", "for=\"", "for=\"a, b", "for=\"\\", "\\", "for=a;", "for=192.0.2.1;by=\"", "=", ";"]
        {
            for (header, appended) in [
                (ClientHeader::XForwardedFor, "2001:db8::1"),
                (ClientHeader::XForwardedFor, "\"[2001:db8::1]:80\""),
                (ClientHeader::Forwarded, "for=\"[2001:db8::1]:80\";proto=https"),
            ] {
                let one_line = read(header, &[&format!("{sent}, {appended}")]);
                let two_lines = read(header, &[sent, appended]);
                assert_eq!((one_line[0], two_lines[0]), (last, last), "{sent} before {appended}");
            }
        }
    }
}
