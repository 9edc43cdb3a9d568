//! Section `[admin]`: how operators reach the running server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use auth_admin::operation::Scope;
use serde::{Deserialize, Deserializer};

use super::value::text;

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
