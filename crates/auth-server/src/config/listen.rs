//! Where the server takes connections, and what each place is for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use auth_core::ProtocolName;
use http::Uri;
use http::uri::Scheme;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, Unexpected};

use super::{ConfigError, SecretFile, TlsFiles};

/// As which address a program counts that connects by a Unix socket.
pub(crate) const UNIX_PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A place where connections are taken. In a file it is an address, or a table with an address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listen {
    /// The address.
    pub address: ListenAddress,
    /// The names of the protocols that are answered there; empty means all that are enabled.
    pub protocols: Vec<String>,
    /// The certificate and its key, where TLS is spoken.
    pub tls: Option<TlsFiles>,
    /// Whether each connection begins with the header of the PROXY protocol, by which a trusted proxy names the client.
    pub proxy_protocol: bool,
    /// The address that browsers are sent to instead: `https://` and a host. Nothing else is answered there.
    pub redirect: Option<Uri>,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must know how to listen on each")]
pub enum ListenAddress {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket: `unix:PATH`. Programs that connect there count as 127.0.0.1.
    Unix(PathBuf),
    /// The sockets of that name which the service manager passes: `systemd:NAME`.
    Passed(String),
}

/// The form of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    address: ListenAddress,
    /// The older name of the key is `doors`.
    #[serde(default, alias = "doors")]
    protocols: Option<Vec<String>>,
    certificate_file: Option<PathBuf>,
    key_file: Option<SecretFile>,
    #[serde(default)]
    proxy_protocol: bool,
    redirect: Option<String>,
}

impl ListenAddress {
    /// The IP address and the port, where it is one.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) | Self::Passed(_) => None,
        }
    }

    /// As which address the programs of this machine count that connect there; `None` where others may connect as well.
    pub(super) fn local_peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()).filter(IpAddr::is_loopback),
            Self::Unix(_) => Some(UNIX_PEER),
            Self::Passed(_) => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Some(Self::Unix(PathBuf::from(path))).filter(|_| !path.is_empty());
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            return Some(Self::Passed(name.to_owned())).filter(|_| !name.is_empty());
        }
        text.parse().ok().map(Self::Tcp)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Passed(name) => write!(f, "systemd:{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = "an IP address and a port, such as \"127.0.0.1:8080\", \"unix:PATH\" or \"systemd:NAME\"";
        super::value::text(deserializer, form, Self::parse)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Listen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an IP address and a port, such as \"127.0.0.1:8080\", or such as { address = \"127.0.0.1:8080\", \
                     protocols = [\"zulip\"] }",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Listen, E> {
                let address = ListenAddress::parse(text)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))?;
                Ok(Listen::on(address))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Listen, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                Listen::of(table).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Listen {
    /// An IP address and a port for all enabled protocols, without TLS.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self::on(ListenAddress::Tcp(address))
    }

    fn on(address: ListenAddress) -> Self {
        Self { address, protocols: Vec::new(), tls: None, proxy_protocol: false, redirect: None }
    }

    fn of(table: Table) -> Result<Self, String> {
        let Table { address, protocols, certificate_file, key_file, proxy_protocol, redirect } = table;
        if protocols.as_ref().is_some_and(Vec::is_empty) {
            return Err(format!("none of the protocols at {address} is enabled"));
        }
        let tls = match (certificate_file, key_file) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            _ => return Err(format!("{address}: set both certificate_file and key_file, or neither")),
        };
        let redirect = redirect.map(|text| {
            site(&text).ok_or_else(|| {
                format!("{address}: redirect is not such as \"https://login.example.org\": {text:?}")
            })
        });
        let redirect = redirect.transpose()?;
        if redirect.is_some() && (tls.is_some() || protocols.is_some()) {
            return Err(format!(
                "{address}: a listener that redirects answers nothing else: leave out protocols, certificate_file and \
                 key_file"
            ));
        }
        Ok(Self { address, protocols: protocols.unwrap_or_default(), tls, proxy_protocol, redirect })
    }

    /// Whether a protocol is answered there.
    #[must_use]
    pub fn has(&self, protocol: ProtocolName) -> bool {
        self.redirect.is_none()
            && (self.protocols.is_empty() || self.protocols.iter().any(|name| name == protocol.as_str()))
    }

    /// Takes a relative path as one in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let ListenAddress::Unix(path) = &mut self.address {
            *path = folder.join(&*path);
        }
        if let Some(tls) = &mut self.tls {
            tls.resolve(folder);
        }
    }

    pub(super) fn check(&self, has_proxies: bool) -> Result<(), ConfigError> {
        if self.proxy_protocol && !has_proxies {
            return Err(ConfigError::new(format!(
                "[server] listen: {} takes the PROXY protocol of trusted proxies alone: name them in trusted_proxies",
                self.address
            )));
        }
        if let Some(tls) = &self.tls {
            tls.read(&format!("[server] listen, {}", self.address), &[])?;
        }
        Ok(())
    }
}

/// The address of a site by TLS: a scheme and a host, and perhaps a port.
fn site(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_site = uri.scheme() == Some(&Scheme::HTTPS) && uri.path() == "/" && uri.query().is_none();
    let is_plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    (is_site && is_plain).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Listen, String> {
        #[derive(Debug, Deserialize)]
        struct File {
            listen: Listen,
        }
        let read: Result<File, _> = toml::from_str(&format!("listen = {text}"));
        read.map(|file| file.listen).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn listeners_are_addresses_or_tables_with_one() {
        for (text, address) in [
            (r#""127.0.0.1:8080""#, "127.0.0.1:8080"),
            (r#""[::]:443""#, "[::]:443"),
            (r#""unix:/run/auth.sock""#, "unix:/run/auth.sock"),
            (r#""systemd:http""#, "systemd:http"),
            (r#"{ address = "unix:auth.sock", protocols = ["zulip"] }"#, "unix:auth.sock"),
            (r#"{ address = "127.0.0.1:1", doors = ["zulip"] }"#, "127.0.0.1:1"),
            (r#"{ address = "127.0.0.1:1", proxy_protocol = true }"#, "127.0.0.1:1"),
            (r#"{ address = "0.0.0.0:80", redirect = "https://login.example.org:8443" }"#, "0.0.0.0:80"),
        ] {
            assert_eq!(read(text).map(|listen| listen.address.to_string()), Ok(address.to_owned()), "{text}");
        }
    }

    #[test]
    fn tables_that_make_no_sense_are_refused_by_name() {
        for (text, expected) in [
            (r#""localhost:80""#, "an IP address and a port"),
            (r#""unix:""#, "an IP address and a port"),
            (r#"{ address = "systemd:" }"#, "systemd:NAME"),
            (r#"{ address = "127.0.0.1:1", protocols = [] }"#, "none of the protocols"),
            (r#"{ address = "127.0.0.1:1", certificate_file = "a" }"#, "both certificate_file and key_file"),
            (r#"{ address = "127.0.0.1:1", key_file = "a" }"#, "both certificate_file and key_file"),
            (r#"{ address = "127.0.0.1:1", redirect = "http://example.org" }"#, "redirect is not such as"),
            (r#"{ address = "127.0.0.1:1", redirect = "https://example.org/a" }"#, "redirect is not such as"),
            (r#"{ address = "127.0.0.1:1", redirect = "https://a@example.org" }"#, "redirect is not such as"),
            (r#"{ address = "127.0.0.1:1", redirect = "https://" }"#, "redirect is not such as"),
            (
                r#"{ address = "127.0.0.1:1", redirect = "https://a.org", protocols = ["zulip"] }"#,
                "answers nothing else",
            ),
            (r#"{ address = "127.0.0.1:1", tls = true }"#, "unknown field"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn a_listener_has_the_protocols_that_it_is_given_and_one_that_redirects_has_none() {
        let has = |text: &str, protocol| read(text).unwrap().has(protocol);
        assert!(has(r#""127.0.0.1:1""#, ProtocolName::ZULIP));
        assert!(has(r#"{ address = "127.0.0.1:1", protocols = ["zulip"] }"#, ProtocolName::ZULIP));
        assert!(!has(r#"{ address = "127.0.0.1:1", protocols = ["zulip"] }"#, ProtocolName::WEB));
        assert!(!has(r#"{ address = "127.0.0.1:1", redirect = "https://a.org" }"#, ProtocolName::ZULIP));
    }

    #[test]
    fn the_proxy_protocol_needs_proxies_that_are_trusted() {
        let listen = read(r#"{ address = "127.0.0.1:1", proxy_protocol = true }"#).unwrap();
        assert!(listen.check(true).is_ok());
        assert!(listen.check(false).unwrap_err().to_string().contains("trusted_proxies"));
    }
}
