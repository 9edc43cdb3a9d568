//! The address of an LDAP server.

use crate::error::ConfigError;

/// An LDAP server: host, port, and whether the connection uses TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address as ldap3 takes it.
    pub(crate) url: String,
    /// Whether the connection is upgraded to TLS by StartTLS.
    pub(crate) starttls: bool,
}

impl Server {
    /// Parses an address: a scheme, a host, and a port if it isn't the scheme's usual one.
    ///
    /// The scheme is `ldap://` for no TLS, `starttls://` for StartTLS on port 389, or `ldaps://` for TLS on port 636.
    ///
    /// # Errors
    /// [`ConfigError::InvalidServer`] for anything else.
    ///
    /// ```
    /// use auth_ldap::Server;
    ///
    /// let server = Server::parse("ldaps://ldap.example.org:1636").unwrap();
    /// assert_eq!(server.host(), "ldap.example.org");
    /// assert!(server.uses_tls());
    /// assert!(Server::parse("ldap.example.org").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let (scheme, authority) = text.split_once("://").ok_or(ConfigError::InvalidServer)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (scheme, starttls) = match scheme {
            "ldap" => ("ldap", false),
            "starttls" => ("ldap", true),
            "ldaps" => ("ldaps", false),
            _ => return Err(ConfigError::InvalidServer),
        };
        let (host, rest) = split_host(authority);
        let host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
        let is_host = !host.is_empty() && host.bytes().all(host_byte);
        let port = rest.strip_prefix(':').and_then(|port| port.parse::<u16>().ok());
        if !is_host || !(rest.is_empty() || port.is_some_and(|port| port != 0)) {
            return Err(ConfigError::InvalidServer);
        }
        Ok(Self { url: format!("{scheme}://{authority}"), starttls })
    }

    /// Whether the connection, and so every password on it, is protected by TLS.
    #[must_use]
    pub fn uses_tls(&self) -> bool {
        self.starttls || self.url.starts_with("ldaps:")
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.url.split_once("://").map_or("", |(_, authority)| authority);
        split_host(authority).0
    }
}

/// Splits a host, without brackets, from what follows.
fn split_host(authority: &str) -> (&str, &str) {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some(parts) => parts,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_addresses_are_parsed_or_refused() {
        for (text, url, starttls, host) in [
            ("ldap://ldap.example.org", "ldap://ldap.example.org", false, "ldap.example.org"),
            ("ldap://127.0.0.1:3890/", "ldap://127.0.0.1:3890", false, "127.0.0.1"),
            ("starttls://[::1]:3890", "ldap://[::1]:3890", true, "::1"),
            ("ldaps://dc_1.example.org", "ldaps://dc_1.example.org", false, "dc_1.example.org"),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!((server.url.as_str(), server.starttls, server.host()), (url, starttls, host));
            assert_eq!(server.uses_tls(), !text.starts_with("ldap:"), "{text}");
        }
        for text in [
            "",
            "ldap.example.org",
            "ldap://",
            "ldap://:389",
            "ldap://a:0",
            "ldap://a:66000",
            "ldap://a:",
            "ldap://a/dc=x",
            "ldap://user@a",
            "ldap://a?b",
            "ldapi:///x",
            "http://a",
            "ldap://[::1]x",
        ] {
            assert_eq!(Server::parse(text), Err(ConfigError::InvalidServer), "{text}");
        }
    }
}
