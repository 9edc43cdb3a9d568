//! Section `[admin]`: how operators reach the running server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auth_admin::operation::Scope;
use serde::{Deserialize, Deserializer};

use super::files::SecretFile;
use super::value::{optional_address, text};
use super::{ConfigError, Listen, TlsFiles};

/// Where the socket is unless the configuration says otherwise, where the folder is there.
const DEFAULT_SOCKET: &str = "/run/auth-server/admin.sock";

/// Section `[admin]`: how operators reach the running server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Admin {
    /// The socket that takes operations of this machine's operators: a path, or `off`. By default it is
    /// `/run/auth-server/admin.sock` where that folder is there.
    pub socket: AdminSocket,
    /// What the members of groups of this machine may do, by the group's name: `read`, `helpdesk` or `admin`. Root and the
    /// server's own user may do everything.
    pub groups: BTreeMap<String, GroupScope>,
    /// The address that takes operations of programs that present keys; without an address there is none. Any but a loopback
    /// address needs TLS.
    #[serde(deserialize_with = "optional_address")]
    pub listen: Option<SocketAddr>,
    /// The file with the certificate of that address, in PEM, and with those of the authorities between it and one that clients
    /// trust.
    pub certificate_file: Option<PathBuf>,
    /// The file with the private key of the certificate, in PEM.
    pub key_file: Option<SecretFile>,
}

/// The socket that takes operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum AdminSocket {
    /// The usual one, where its folder is there.
    #[default]
    Usual,
    /// At a path.
    At(PathBuf),
    /// None.
    Off,
}

/// What the members of a group may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is the scope")]
pub struct GroupScope(pub Scope);

impl<'de> Deserialize<'de> for AdminSocket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a path, or \"off\"", |text| match text {
            "" => None,
            "off" => Some(Self::Off),
            path => Some(Self::At(PathBuf::from(path))),
        })
    }
}

impl<'de> Deserialize<'de> for GroupScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "\"read\", \"helpdesk\" or \"admin\"", |name| Scope::from_name(name).map(Self))
    }
}

impl Admin {
    /// Takes a relative path as one in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let AdminSocket::At(path) = &mut self.socket {
            *path = folder.join(&*path);
        }
        if let Some(path) = &mut self.certificate_file {
            *path = folder.join(&*path);
        }
        if let Some(file) = &mut self.key_file {
            file.resolve(folder);
        }
    }

    /// Checks what concerns the listener; `others` are those of the server.
    pub(super) fn check(&self, others: &[Listen]) -> Result<(), ConfigError> {
        let tls = self.tls()?;
        if let Some(tls) = &tls {
            tls.read("[admin]", &[])?;
        }
        let Some(address) = self.listen else { return Ok(()) };
        if others.iter().any(|listen| listen.address.tcp() == Some(address) && address.port() != 0) {
            return Err(ConfigError::new(format!("[admin] listen: {address} is in [server] listen too")));
        }
        if tls.is_none() && !address.ip().is_loopback() {
            return Err(ConfigError::new(format!(
                "[admin] listen: keys don't go to {address} in clear: set certificate_file and key_file, or listen on a \
                 loopback address"
            )));
        }
        Ok(())
    }

    /// The certificate of the listener, with its key; `None` where it has none.
    ///
    /// # Errors
    /// [`ConfigError`] when one of the two is missing.
    pub(crate) fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (&self.certificate_file, &self.key_file) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                Ok(Some(TlsFiles { certificate: certificate.clone(), key: key.clone() }))
            }
            _ => Err(ConfigError::new("[admin] set both certificate_file and key_file, or neither")),
        }
    }

    /// The path of the socket; `None` where there is to be none.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &self.socket {
            AdminSocket::Usual => Some(usual_socket()).filter(|path| path.parent().is_some_and(Path::is_dir)),
            AdminSocket::At(path) => Some(path.clone()),
            AdminSocket::Off => None,
        }
    }
}

/// The path of the socket where no configuration names another.
pub(crate) fn usual_socket() -> PathBuf {
    PathBuf::from(DEFAULT_SOCKET)
}
