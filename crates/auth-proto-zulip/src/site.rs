//! Which realm a host leads to, and where a realm is found (zulip.md 1.4).

use auth_core::{Realm, RealmName};

use crate::Config;
use crate::decode::Malformed;
use crate::decode::host::Host;

/// Hosts that are accepted whatever the configuration says; they lead to the root realm.
const LOCAL_HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The place that a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The subdomain; empty for the root.
    pub(crate) subdomain: String,
    /// The host as sent.
    authority: String,
}

impl Site {
    /// Finds the place by the `Host` header; a request without one is for the root.
    ///
    /// # Errors
    /// [`Malformed::Host`] when it is unreadable or not one of ours.
    pub(crate) fn find(config: &Config, host: Option<&str>) -> Result<Self, Malformed> {
        let Some(host) = host else {
            return Ok(Self { subdomain: String::new(), authority: "localhost".into() });
        };
        let host = Host::parse(host)?;
        let subdomain = subdomain(config, host.name()).ok_or(Malformed::Host)?;
        Ok(Self { subdomain: subdomain.to_owned(), authority: host.authority().to_owned() })
    }

    /// What the realm of this place is called.
    pub(crate) fn realm_name<'a>(&'a self, config: &'a Config) -> RealmName<'a> {
        match &config.default_realm {
            Some(slug) => RealmName::Slug(slug),
            None => RealmName::Subdomain(&self.subdomain),
        }
    }

    /// The address of a realm, or of the server for none; without a trailing slash.
    pub(crate) fn url(&self, config: &Config, realm: Option<&Realm>) -> String {
        let (scheme, root) = (&config.url_scheme, &config.external_host);
        if root.is_empty() {
            return format!("{scheme}://{}", self.authority);
        }
        let subdomain = match (&config.default_realm, realm) {
            (None, Some(realm)) => realm.subdomain.as_deref().unwrap_or_default(),
            _ => "",
        };
        if let Some((host, _)) = config.realm_hosts.iter().find(|(_, led_to)| *led_to == subdomain) {
            return format!("{scheme}://{host}");
        }
        if subdomain.is_empty() {
            format!("{scheme}://{root}")
        } else {
            format!("{scheme}://{subdomain}.{root}")
        }
    }
}

/// The subdomain that a host name stands for; `None` when it isn't one of ours.
fn subdomain<'a>(config: &'a Config, name: &'a str) -> Option<&'a str> {
    let external = without_port(&config.external_host).to_ascii_lowercase();
    if let Some(prefix) = name.strip_suffix(&external).and_then(|rest| rest.strip_suffix('.'))
        && !external.is_empty()
    {
        return Some(if config.root_aliases.iter().any(|alias| alias == prefix) { "" } else { prefix });
    }
    if let Some((_, subdomain)) = config.realm_hosts.iter().find(|(host, _)| without_port(host) == name) {
        return Some(subdomain);
    }
    let accepts_all = external.is_empty() || config.default_realm.is_some();
    (accepts_all || name == external || LOCAL_HOSTS.contains(&name)).then_some("")
}

fn without_port(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(external_host: &str) -> Config {
        let realm_hosts = [("chat.other.org:8443".to_owned(), "other".to_owned())].into();
        Config { external_host: external_host.to_owned(), realm_hosts, ..Config::default() }
    }

    #[test]
    fn hosts_lead_to_subdomains() {
        for (external, host, subdomain) in [
            ("zulip.example.org", "zulip.example.org", Some("")),
            ("zulip.example.org", "ZULIP.example.org.:443", Some("")),
            ("zulip.example.org", "lear.zulip.example.org", Some("lear")),
            ("zulip.example.org", "a.b.zulip.example.org", Some("a.b")),
            ("zulip.example.org", "www.zulip.example.org", Some("")),
            ("zulip.example.org", "xzulip.example.org", None),
            ("zulip.example.org", "evil.example.com", None),
            ("zulip.example.org", "", None),
            ("zulip.example.org", "127.0.0.1:9991", Some("")),
            ("zulip.example.org", "localhost", Some("")),
            ("zulip.example.org", "[::1]:80", Some("")),
            ("zulip.example.org", "chat.other.org:8443", Some("other")),
            ("Zulipdev.com:9991", "lear.zulipdev.com:9991", Some("lear")),
            ("Zulipdev.com:9991", "zulipdev.com", Some("")),
            ("", "whatever.example", Some("")),
            ("", "chat.other.org", Some("other")),
            ("", "a_b", None),
        ] {
            let found = Site::find(&config(external), Some(host)).ok().map(|site| site.subdomain);
            assert_eq!(found.as_deref(), subdomain, "{host} at {external:?}");
        }
        assert_eq!(
            Site::find(&config("zulip.example.org"), None).map(|site| site.subdomain),
            Ok(String::new())
        );
    }

    #[test]
    fn a_default_realm_is_found_under_every_host() {
        let config = Config { default_realm: Some("demo".into()), ..config("zulip.example.org") };
        let site = Site::find(&config, Some("evil.example.com")).unwrap();
        assert_eq!(site.realm_name(&config), RealmName::Slug("demo"));
        assert_eq!(site.url(&config, None), "https://zulip.example.org");
    }

    #[test]
    fn without_an_external_host_addresses_use_the_host_as_sent() {
        let config = Config { url_scheme: "http".into(), ..Config::default() };
        let site = Site::find(&config, Some("127.0.0.1:8080")).unwrap();
        assert_eq!(site.url(&config, None), "http://127.0.0.1:8080");
    }
}
