//! The host that a request is for.

use std::borrow::Cow;

use super::error::DecodeError;

/// A host as sent but in lower case, with its port where one was sent.
///
/// ```
/// use auth_proto_zulip::decode::host::Host;
/// let host = Host::parse("Zulip.Example.ORG:9991").unwrap();
/// assert_eq!(host.name(), "zulip.example.org");
/// assert_eq!(host.authority(), "zulip.example.org:9991");
/// assert!(Host::parse("a_b.example.org").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    authority: Cow<'a, str>,
    name_length: usize,
}

impl<'a> Host<'a> {
    /// Reads the value of a `Host` header: letters, digits, dots and hyphens, or an IPv6 address in brackets; then
    /// optionally a port.
    ///
    /// # Errors
    /// [`DecodeError::Host`] for anything else.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, DecodeError> {
        let mut authority = text.into();
        if authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
            authority.to_mut().make_ascii_lowercase();
        }
        let name_length = match authority.rfind(']') {
            Some(end) => end + 1,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        let (name, rest) = authority.split_at_checked(name_length).ok_or(DecodeError::Host)?;
        let good_port = match rest.strip_prefix(':') {
            Some(port) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
            None => rest.is_empty(),
        };
        let good_name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(inner) => {
                inner.contains(':') && inner.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b))
            }
            None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)),
        };
        if good_name && good_port { Ok(Self { authority, name_length }) } else { Err(DecodeError::Host) }
    }

    /// The name without a port and without a final dot.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.authority.get(..self.name_length).unwrap_or_default();
        name.strip_suffix('.').unwrap_or(name)
    }

    /// The host as sent, in lower case.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_hosts_and_refuses_the_rest() {
        for (text, name) in [
            ("localhost", "localhost"),
            ("LEAR.zulip.example.org:443", "lear.zulip.example.org"),
            ("zulip.example.org.", "zulip.example.org"),
            ("127.0.0.1:8080", "127.0.0.1"),
            ("[::1]:8080", "[::1]"),
            ("[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"),
        ] {
            assert_eq!(Host::parse(text).as_ref().map(Host::name), Ok(name), "{text}");
        }
        for bad in [
            "", ":80", "a:", "a:b", "a:1:2", "a b", "a_b", "ü.de", "a/b", "u@a", "[::1", "[x]", "[]",
            "[::1]x",
        ] {
            assert_eq!(Host::parse(bad), Err(DecodeError::Host), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String) {
            let _ = Host::parse(text).as_ref().map(Host::name);
        }
    }
}
