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

    /// A warning for each protocol that has no realm yet, so that it refuses every login.
    pub(crate) fn protocols_without_realm(&self, realms: &[Realm]) -> Vec<(ProtocolName, String)> {
        let missing = |protocol: ProtocolName| {
            let slug = match protocol {
                ProtocolName::ZULIP => self.zulip.realm.as_deref(),
                ProtocolName::ROCKETCHAT => Some(self.rocketchat.realm.as_str()),
                ProtocolName::ZETTELSTORE => Some(self.zettelstore.realm.as_str()),
                ProtocolName::FORWARD => Some(self.forward.realm.as_str()),
                ProtocolName::WEB => Some(self.web.realm.as_str()),
                _ => None,
            };
            let (there, import) = match slug {
                Some(slug) if !is_there(realms, slug) => (format!("there is no realm `{slug}` yet"), "it"),
                _ if realms.is_empty() => ("there is no realm yet".to_owned(), "one"),
                _ => return None,
            };
            let name = protocol.as_str();
            let text =
                format!("[{name}] {there}: import {import}; until then the protocol refuses every login");
            Some((protocol, text))
        };
        self.protocols().filter_map(missing).collect()
    }

    /// Warnings about other places that name a realm which is not there yet.
    pub(crate) fn realm_warnings(&self, realms: &[Realm]) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut name = |place: String, slug: &str, until_then: &str| {
            if !is_there(realms, slug) {
                warnings.push(format!("{place}: there is no realm `{slug}` yet: until then {until_then}"));
            }
        };
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
        for realm in realms.iter().filter(|realm| realm.require_second_factor && !self.web.is_on()) {
            warnings.push(format!(
                "the realm `{}` demands a second factor, and people set one up on the pages, which are off: set [web] url",
                realm.slug
            ));
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

fn is_there(realms: &[Realm], slug: &str) -> bool {
    realms.iter().any(|realm| realm.slug == slug)
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
        let protocols = |config: &Config, realms: &[Realm]| {
            let warned = config.protocols_without_realm(realms).into_iter();
            warned.map(|(protocol, warning)| (protocol.as_str().to_owned(), warning)).collect::<Vec<_>>()
        };
        let of = |protocol: &str, there: &str| {
            (
                protocol.to_owned(),
                format!("[{protocol}] {there}; until then the protocol refuses every login"),
            )
        };
        let others = [
            "[zulip.jwt.nowhere]: there is no realm `nowhere` yet: until then its tokens log nobody in",
            "[ldap.corp] access: there is no realm `nowhere` yet: until then its rules hold for nobody",
            "[zulip] realm_hosts: there is no realm of the subdomain `sub` yet: until then chat.example.net leads to none",
        ];
        let some = [realm("main", "a")];
        let (zulip, rocketchat) = (
            of("zulip", "there is no realm `nowhere` yet: import it"),
            of("rocketchat", "there is no realm `chat` yet: import it"),
        );
        assert_eq!(protocols(&config, &some), [zulip, rocketchat]);
        assert_eq!(config.realm_warnings(&some), others);
        let all = [realm("main", "a"), realm("nowhere", "sub"), realm("chat", "c")];
        assert_eq!((protocols(&config, &all), config.realm_warnings(&all)), (Vec::new(), Vec::new()));
        let demanding = Realm { require_second_factor: true, ..realm("main", "a") };
        let warned = config.realm_warnings(&[demanding.clone(), realm("nowhere", "sub")]);
        let expected = "the realm `main` demands a second factor, and people set one up on the pages, which are off: set \
                        [web] url";
        assert_eq!(warned, [expected]);
        let mut with_pages = config.clone();
        with_pages.web.url = Some("https://auth.example.org".to_owned());
        assert_eq!(with_pages.realm_warnings(&[demanding, realm("nowhere", "sub")]), Vec::<String>::new());
        let mut disabled = config;
        disabled.zulip.enabled = false;
        let without = [realm("main", "a"), realm("chat", "c")];
        assert_eq!(protocols(&disabled, &without), [], "a protocol that is switched off needs no realm");
        assert_eq!(disabled.realm_warnings(&without), others[1..2]);
        let none = of("zulip", "there is no realm yet: import one");
        assert_eq!(protocols(&Config::default(), &[])[0], none, "that names none");
    }
}
