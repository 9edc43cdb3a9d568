//! The realms that a configuration names, compared with those that there are.

use auth_core::{ProtocolName, Realm};

use super::{Config, ConfigError};

impl Config {
    /// Checks that every password backend that a realm asks is configured.
    ///
    /// # Errors
    /// [`ConfigError`] with the first realm that asks another.
    pub(crate) fn check_backends(&self, realms: &[Realm]) -> Result<(), ConfigError> {
        for Realm { slug, backends, .. } in realms {
            let unknown =
                backends.iter().find(|name| *name != Realm::LOCAL && !self.ldap.contains_key(*name));
            if let Some(name) = unknown {
                let text =
                    format!("the realm {slug} asks `{name}` for passwords, but there is no [ldap.{name}]");
                return Err(ConfigError::new(text));
            }
        }
        Ok(())
    }

    /// Warnings about realms that the configuration names and that there are not, as sentences. They may be imported later.
    pub(crate) fn realm_warnings(&self, realms: &[Realm]) -> Vec<String> {
        let mut warnings = Vec::new();
        if realms.is_empty() {
            warnings.push("there is no realm yet: import one; until then every login is refused".to_owned());
        }
        let is_there = |slug: &str| realms.iter().any(|realm| realm.slug == slug);
        let mut name = |place: String, slug: &str, until_then: &str| {
            if !is_there(slug) {
                warnings.push(format!("{place}: there is no realm `{slug}` yet: until then {until_then}"));
            }
        };
        for protocol in self.protocols() {
            let slug = match protocol {
                ProtocolName::ZULIP => self.zulip.realm.as_deref(),
                ProtocolName::ROCKETCHAT => Some(self.rocketchat.realm.as_str()),
                ProtocolName::ZETTELSTORE => Some(self.zettelstore.realm.as_str()),
                _ => None,
            };
            if let Some(slug) = slug {
                name(format!("[{}] realm", protocol.as_str()), slug, "the protocol refuses every login");
            }
        }
        if self.zulip.enabled {
            for slug in self.zulip.jwt.keys() {
                name(format!("[zulip.jwt.{slug}]"), slug, "its tokens log nobody in");
            }
        }
        for (directory, ldap) in &self.ldap {
            for slug in ldap.access.keys() {
                name(format!("[ldap.{directory}] access"), slug, "its rules hold for nobody");
            }
        }
        if self.zulip.enabled {
            for (host, subdomain) in &self.zulip.realm_hosts {
                if !realms.iter().any(|realm| realm.subdomain.as_ref() == Some(subdomain)) {
                    warnings.push(format!(
                        "[zulip] realm_hosts: there is no realm of the subdomain `{subdomain}` yet: until then {host} \
                         leads to none"
                    ));
                }
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use auth_core::RealmId;

    use super::*;

    #[test]
    fn each_realm_that_is_named_and_not_there_is_warned_of() {
        let realm = |slug: &str, subdomain: &str| Realm {
            subdomain: Some(subdomain.to_owned()),
            ..Realm::new(RealmId::from_bytes([1; 16]), slug)
        };
        let config: Config = toml::from_str(
            "[zulip]\nrealm = \"nowhere\"\nrealm_hosts = { \"chat.example.net\" = \"sub\", \"a.example.net\" = \"a\" }\n\
             [zulip.jwt.nowhere]\nkey = \"x\"\nalgorithms = [\"HS256\"]\n[zulip.jwt.main]\nkey = \"x\"\nalgorithms = [\"HS256\"]\n\
             [rocketchat]\nrealm = \"chat\"\n[zettelstore]\nrealm = \"main\"\n\
             [ldap.corp]\naccess = { main = [{ a = \"b\" }], nowhere = [{ a = \"b\" }] }",
        )
        .unwrap();
        let expected = [
            "[zulip] realm: there is no realm `nowhere` yet: until then the protocol refuses every login",
            "[rocketchat] realm: there is no realm `chat` yet: until then the protocol refuses every login",
            "[zulip.jwt.nowhere]: there is no realm `nowhere` yet: until then its tokens log nobody in",
            "[ldap.corp] access: there is no realm `nowhere` yet: until then its rules hold for nobody",
            "[zulip] realm_hosts: there is no realm of the subdomain `sub` yet: until then chat.example.net leads to none",
        ];
        assert_eq!(config.realm_warnings(&[realm("main", "a")]), expected);
        let all = [realm("main", "a"), realm("nowhere", "sub"), realm("chat", "c")];
        assert_eq!(config.realm_warnings(&all), [""; 0]);
        let none = config.realm_warnings(&[]);
        assert_eq!(none[0], "there is no realm yet: import one; until then every login is refused");
        let mut disabled = config;
        disabled.zulip.enabled = false;
        let warned = disabled.realm_warnings(&[realm("main", "a"), realm("chat", "c")]);
        assert_eq!(warned, expected[3..4], "a protocol that is switched off needs no realm");
    }
}
