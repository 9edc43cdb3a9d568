//! How mail is sent.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use lettre::message::Mailbox;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Config, ConfigError, Span, files};

/// How mail is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Mail {
    /// The server that takes it: `smtp://` for no TLS, `starttls://` for TLS after the greeting, `smtps://` for
    /// TLS from the start; a host, and a port where it isn't the usual one.
    pub smtp: String,
    /// The sender.
    pub from: String,
    /// The name to log in with there.
    pub user: Option<String>,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// The name this server calls itself by.
    pub ehlo: Option<String>,
    /// The first pause after a try that failed; later ones are longer.
    #[serde(default = "minute")]
    pub retry: Span,
}

fn minute() -> Span {
    Span::secs(60)
}

/// The server that takes mail.
pub(crate) struct Relay {
    pub(crate) security: Security,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) from: Mailbox,
    pub(crate) login: Option<(String, Zeroizing<String>)>,
    pub(crate) ehlo: String,
    pub(crate) retry: Duration,
}

/// What protects mail on its way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    StartTls,
    Tls,
}

impl Config {
    /// The server that takes mail, where one is given.
    ///
    /// # Errors
    /// [`ConfigError`] for what makes no sense, or a password file that can't be read.
    pub(crate) fn relay(&self) -> Result<Option<Relay>, ConfigError> {
        let Some(mail) = &self.mail else { return Ok(None) };
        let (security, host, port) = server(&mail.smtp).ok_or_else(|| {
            ConfigError::new("[mail] smtp is written like smtp://host:25, starttls://host or smtps://host")
        })?;
        let from: Mailbox = mail
            .from
            .parse()
            .map_err(|_| ConfigError::new("[mail] from is no address such as auth@example.org"))?;
        let login = match (&mail.user, &mail.password_file) {
            (None, None) => None,
            (Some(user), Some(path)) => {
                Some((user.clone(), files::secret_text("[mail] password_file", path)?))
            }
            _ => return Err(ConfigError::new("[mail] needs both user and password_file, or neither")),
        };
        if mail.retry.0.is_zero() {
            return Err(ConfigError::new("[mail] retry must be more than nothing"));
        }
        let ehlo = mail.ehlo.clone().unwrap_or_else(|| from.email.domain().to_owned());
        Ok(Some(Relay { security, host, port, from, login, ehlo, retry: mail.retry.0 }))
    }

    /// What is hardly meant.
    pub(super) fn mail_warning(&self) -> Option<String> {
        let Some(mail) = &self.mail else {
            let asked = self.rocketchat.enabled && self.rocketchat.email_2fa_auto_opt_in;
            return asked.then(|| {
                "[rocketchat] email_2fa_auto_opt_in asks for mailed codes, but there is no [mail] to send them"
                    .to_owned()
            });
        };
        let (security, host, _) = server(&mail.smtp)?;
        let here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        (security == Security::None && !here).then(|| {
            "[mail] smtp: codes travel in the clear; starttls:// or smtps:// protects them".to_owned()
        })
    }
}

/// `smtp://host:port` and its kin.
fn server(url: &str) -> Option<(Security, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let (security, port) = match uri.scheme_str()? {
        "smtp" => (Security::None, 25),
        "starttls" => (Security::StartTls, 587),
        "smtps" => (Security::Tls, 465),
        _ => return None,
    };
    let authority = uri.authority()?;
    let host = authority.host().trim_matches(['[', ']']);
    let plain = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
    let port = match authority.as_str().strip_prefix(authority.host())? {
        "" => port,
        _ => authority.port_u16().filter(|port| *port != 0)?,
    };
    (plain && !host.is_empty()).then(|| (security, host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_as_addresses() {
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
