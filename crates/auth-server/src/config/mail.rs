//! Section `[mail]`: the SMTP server that takes outgoing mail.

use std::time::Duration;

use auth_core::is_this_machine;
use http::Uri;
use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::value::{is_host, positive_span, text};
use super::{ConfigError, SecretFile, Span};

/// Section `[mail]`: the SMTP server that takes outgoing mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Mail {
    /// The SMTP server: `smtp://` for no TLS, `starttls://` for TLS after the greeting, `smtps://` for TLS from the
    /// start; then a host, and a port unless it is the usual one.
    pub smtp: String,
    /// The sender's address.
    #[serde(deserialize_with = "sender")]
    pub from: String,
    /// The user name at the SMTP server.
    pub user: Option<String>,
    /// A file that holds the password at the SMTP server.
    pub password_file: Option<SecretFile>,
    /// The name that this server gives itself in `EHLO`.
    #[serde(default, deserialize_with = "ehlo")]
    pub ehlo: Option<String>,
    /// The pause after the first failed attempt to send a mail; later pauses are longer.
    #[serde(default = "minute", deserialize_with = "positive_span")]
    pub retry: Span,
}

fn minute() -> Span {
    Span::secs(60)
}

/// The SMTP server that takes outgoing mail, ready to connect to.
pub(crate) struct Relay {
    pub(crate) security: Security,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) from: Mailbox,
    /// The user name and password.
    pub(crate) login: Option<(String, Zeroizing<String>)>,
    pub(crate) ehlo: String,
    pub(crate) retry: Duration,
}

/// The protection of mail on its way to the SMTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    StartTls,
    Tls,
}

impl Mail {
    /// The SMTP server.
    ///
    /// # Errors
    /// [`ConfigError`] for keys that can't be used, or a password file that can't be read.
    pub(super) fn relay(&self) -> Result<Relay, ConfigError> {
        let (security, host, port) = server(&self.smtp).ok_or_else(|| {
            ConfigError::new("[mail] smtp is written like smtp://host:25, starttls://host or smtps://host")
        })?;
        let from: Mailbox = self
            .from
            .parse()
            .map_err(|_| ConfigError::new("[mail] from is not an address such as auth@example.org"))?;
        let login = match (&self.user, &self.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => Some((user.clone(), file.read_text("[mail] password_file")?)),
            _ => return Err(ConfigError::new("[mail] needs both user and password_file, or neither")),
        };
        let ehlo = self.ehlo.clone().unwrap_or_else(|| from.email.domain().to_owned());
        Ok(Relay { security, host, port, from, login, ehlo, retry: self.retry.0 })
    }

    pub(super) fn warning(&self) -> Option<String> {
        let (security, host, _) = server(&self.smtp)?;
        (security == Security::None && !is_this_machine(&host)).then(|| {
            "[mail] smtp: codes are sent in clear text; starttls:// or smtps:// protects them".to_owned()
        })
    }
}

/// Reads the address of a sender, with a name or without one.
fn sender<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let form = "an address such as \"auth@example.org\"";
    text(deserializer, form, |text| text.parse::<Mailbox>().is_ok().then(|| text.to_owned()))
}

/// Reads the name of a machine.
fn ehlo<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let form = "a host name such as \"auth.example.org\"";
    text(deserializer, form, |text| (is_host(text) && !text.contains(':')).then(|| Some(text.to_owned())))
}

/// Reads `smtp://host:port`, `starttls://host:port` or `smtps://host:port`.
fn server(url: &str) -> Option<(Security, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let (security, default_port) = match uri.scheme_str()? {
        "smtp" => (Security::None, 25),
        "starttls" => (Security::StartTls, 587),
        "smtps" => (Security::Tls, 465),
        _ => return None,
    };
    let authority = uri.authority()?;
    let host = authority.host().trim_matches(['[', ']']);
    let is_bare =
        matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
    let port = match authority.as_str().strip_prefix(authority.host())? {
        "" => default_port,
        _ => authority.port_u16().filter(|port| *port != 0)?,
    };
    (is_bare && !host.is_empty()).then(|| (security, host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smtp_server_is_written_as_a_url() {
        for (url, expected) in [
            ("smtp://mail.example.org", Some((Security::None, "mail.example.org", 25))),
            ("smtp://127.0.0.1:2525", Some((Security::None, "127.0.0.1", 2525))),
            ("smtp://[::1]:2525/", Some((Security::None, "::1", 2525))),
            ("starttls://mail.example.org", Some((Security::StartTls, "mail.example.org", 587))),
            ("smtps://mail.example.org", Some((Security::Tls, "mail.example.org", 465))),
            ("mail.example.org", None),
            ("mail.example.org:25", None),
            ("http://mail.example.org", None),
            ("smtp://", None),
            ("smtp://mail.example.org:0", None),
            ("smtp://mail.example.org:99999", None),
            ("smtp://mail.example.org:", None),
            ("smtp://user:password@mail.example.org", None),
            ("smtp://mail.example.org/path", None),
            ("smtp://mail.example.org?tls=no", None),
        ] {
            let expected = expected.map(|(security, host, port)| (security, host.to_owned(), port));
            assert_eq!(server(url), expected, "{url}");
        }
    }
}
