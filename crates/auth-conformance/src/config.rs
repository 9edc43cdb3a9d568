//! The configuration file of a server under test.

use std::fmt;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::json::{ABSENT, merge};

/// A configuration file, built key by key. It is written as TOML by [`Display`](fmt::Display).
///
/// [`Server`](crate::Server) fills in `@PORT@` and `@DIR@`.
///
/// ```
/// use auth_conformance::ServerConfig;
///
/// let config = ServerConfig::minimal().set("zulip.realm", "house").set("server.max_connections", 8);
/// let text = config.to_string();
/// assert!(text.contains("[server]\nlisten = [\"127.0.0.1:@PORT@\"]\nmax_connections = 8\n"));
/// assert!(text.contains("[zulip]\nrealm = \"house\"\n"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig(Value);

impl ServerConfig {
    /// A listener on the server's port, a SQLite store and a key file in the server's folder; every other key has the
    /// product's default.
    #[must_use]
    pub fn minimal() -> Self {
        Self(json!({
            "server": {"listen": ["127.0.0.1:@PORT@"]},
            "store": {"url": "sqlite:@DIR@/auth.db"},
            "keys": {"file": "@DIR@/keys.toml"},
        }))
    }

    /// The minimal configuration with password hashes of 64 KiB, which take next to no time.
    #[must_use]
    pub fn for_tests() -> Self {
        Self::minimal().set("passwords.memory_kib", 64)
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// When it is not TOML.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self(toml::from_str(text)?))
    }

    /// Sets a key, named by its section and its own name: `zulip.realm`.
    #[must_use]
    pub fn set(self, path: &str, value: impl Into<Value>) -> Self {
        let nest = |inner: Value, name: &str| Value::Object(Map::from_iter([(name.to_owned(), inner)]));
        let changes = path.rsplit('.').fold(value.into(), nest);
        self.merge(&changes)
    }

    /// Removes a key, so that the server takes its default.
    #[must_use]
    pub fn unset(self, path: &str) -> Self {
        self.set(path, ABSENT)
    }

    /// Gives all three protocols the same realm.
    #[must_use]
    pub fn realm(self, slug: &str) -> Self {
        ["zulip", "rocketchat", "zettelstore"]
            .iter()
            .fold(self, |config, protocol| config.set(&format!("{protocol}.realm"), slug))
    }

    /// Switches off every limit on logins and calls.
    #[must_use]
    pub fn without_limits(self) -> Self {
        [
            "limits.shared",
            "zulip.login_limit",
            "zulip.api_limit",
            "rocketchat.api_limit",
            "rocketchat.block_by_user",
            "rocketchat.block_by_address",
        ]
        .iter()
        .fold(self, |config, limit| config.set(limit, "off"))
    }

    /// Sets the members of a JSON object, at any depth; a member that is `"<absent>"` is removed.
    #[must_use]
    pub(crate) fn merge(mut self, changes: &Value) -> Self {
        merge(&mut self.0, changes);
        self
    }
}

impl fmt::Display for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_set_and_removed_by_their_path() {
        let config = ServerConfig::for_tests().set("ldap.corp.servers", vec!["a", "b"]);
        let config = config.set("limits.account", json!({"attempts": 6})).unset("passwords.memory_kib");
        let read = ServerConfig::parse(&config.to_string()).unwrap();
        assert_eq!(read, config);
        assert_eq!(read.0["ldap"], json!({"corp": {"servers": ["a", "b"]}}));
        assert_eq!(read.0["limits"], json!({"account": {"attempts": 6}}));
        assert_eq!(read.0["passwords"], json!({}));
    }

    #[test]
    fn limits_are_switched_off_in_each_section() {
        let text = ServerConfig::minimal().without_limits().realm("house").to_string();
        assert_eq!(text.matches("\"off\"").count(), 6, "{text}");
        assert_eq!(text.matches("realm = \"house\"").count(), 3, "{text}");
    }
}
