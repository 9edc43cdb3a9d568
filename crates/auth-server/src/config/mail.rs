//! Section `[mail]`: the SMTP server that takes outgoing mail.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Language, is_this_machine};
use auth_engine::{MailConfig, NoticeConfig};
use auth_outbound::client_config;
use http::Uri;
use lettre::message::Mailbox;
use rustls::ClientConfig;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::files::certificates;
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
    /// A file with the certificates that are trusted, in PEM, in place of the system's: authorities', or the server's own.
    pub ca_file: Option<PathBuf>,
    /// The sender's address. In place of `{token}` stand 24 letters and digits that are different in each mail.
    #[serde(deserialize_with = "sender")]
    pub from: String,
    /// The user name at the SMTP server.
    pub user: Option<String>,
    /// A file that holds the password at the SMTP server.
    pub password_file: Option<SecretFile>,
    /// The name that this server gives itself in `EHLO`.
    #[serde(default, deserialize_with = "ehlo")]
    pub ehlo: Option<String>,
    /// The language of a mail where neither its reader's account nor the request that causes it has one.
    #[serde(default, deserialize_with = "language")]
    pub language: Language,
    /// Whether owners are told by mail of changes of passwords, second factors, app passwords and addresses.
    #[serde(default = "yes")]
    pub notices: bool,
    /// Whether owners are told by mail of logins from places that are new to their accounts.
    #[serde(default)]
    pub new_place_notices: bool,
    /// The pause after the first failed attempt to send a mail; later pauses are longer.
    #[serde(default = "minute", deserialize_with = "positive_span")]
    pub retry: Span,
}

fn yes() -> bool {
    true
}

fn minute() -> Span {
    Span::secs(60)
}

/// The SMTP server that takes outgoing mail, ready to connect to.
pub(crate) struct Relay {
    pub(crate) security: Security,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// How to speak TLS; `None` where `security` doesn't ask for it.
    pub(crate) tls: Option<Arc<ClientConfig>>,
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
    /// Takes relative paths as paths in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.ca_file = self.ca_file.take().map(|path| folder.join(path));
        if let Some(file) = &mut self.password_file {
            file.resolve(folder);
        }
    }

    /// The engine's configuration of mails, without the name of the site.
    pub(super) fn engine(&self) -> MailConfig {
        let notices = NoticeConfig { changes: self.notices, new_places: self.new_place_notices };
        MailConfig { language: self.language, site_name: None, notices }
    }

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
        let tls = if security == Security::None { None } else { Some(self.tls()?) };
        let ehlo = self.ehlo.clone().unwrap_or_else(|| from.email.domain().to_owned());
        Ok(Relay { security, host, port, tls, from, login, ehlo, retry: self.retry.0 })
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, ConfigError> {
        let key = "[mail] ca_file";
        let pem = self.ca_file.as_ref().map(|path| certificates(key, path)).transpose()?;
        client_config(pem.as_deref()).map_err(|error| ConfigError::new(format!("{key}: {error}")))
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

/// Reads the tag of a language.
fn language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Language, D::Error> {
    text(deserializer, "a language of mails: \"en\" or \"de\"", Language::from_tag)
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
