//! The realm that a host leads to, and the address of a realm.

use std::borrow::Cow;

use auth_core::{Realm, RealmName, is_loopback_host};

use crate::config::Config;
use crate::decode::DecodeError;
use crate::decode::host::Host;

/// Hosts that are accepted whatever the configuration says; they lead to the root realm.
const LOCAL_HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The subdomain that means the external host itself.
const ROOT_ALIAS: &str = "www";

/// The host of a request, and the subdomain that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site<'a> {
    host: Host<'a>,
    subdomain: Subdomain<'a>,
}

/// A subdomain of the external host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subdomain<'a> {
    /// The external host itself.
    Root,
    /// So many bytes at the start of the host's name.
    StartOfName(usize),
    /// The subdomain of a host that the configuration names.
    Configured(&'a str),
}

impl<'a> Site<'a> {
    /// Finds the site of a host; a request without a host is for the root.
    ///
    /// # Errors
    /// [`DecodeError::Host`] when the host can't be read or is not one of the server's.
    pub(crate) fn find(config: &'a Config, host: Option<Cow<'a, str>>) -> Result<Self, DecodeError> {
        let Some(host) = host else {
            return Ok(Self { host: Host::parse("localhost")?, subdomain: Subdomain::Root });
        };
        let host = Host::parse(host)?;
        let subdomain = subdomain(config, host.name()).ok_or(DecodeError::Host)?;
        Ok(Self { host, subdomain })
    }

    /// The subdomain; empty for the root.
    pub(crate) fn subdomain(&self) -> &str {
        match self.subdomain {
            Subdomain::Root => "",
            Subdomain::StartOfName(length) => self.host.name().get(..length).unwrap_or_default(),
            Subdomain::Configured(subdomain) => subdomain,
        }
    }

    /// The host as sent, in lower case.
    pub(crate) fn authority(&self) -> &str {
        self.host.authority()
    }

    /// Whether the host is the external host, below it, or a name or an address of this machine: none that somebody else
    /// can have lead here.
    pub(crate) fn is_own(&self, config: &Config) -> bool {
        let (name, external) = (self.host.name(), without_port(&config.external_host));
        let is_external = !external.is_empty()
            && without_suffix(name, external).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        is_external || is_loopback_host(name)
    }

    /// The name of the site's realm.
    pub(crate) fn realm_name<'n>(&'n self, config: &'n Config) -> RealmName<'n> {
        match &config.default_realm {
            Some(slug) => RealmName::Slug(slug),
            None => RealmName::Subdomain(self.subdomain()),
        }
    }

    /// The address of a realm, or of the server for `None`; without a trailing slash.
    pub(crate) fn url(&self, config: &Config, realm: Option<&Realm>) -> String {
        let (scheme, root) = (&config.url_scheme, &config.external_host);
        if root.is_empty() {
            return format!("{scheme}://{}", self.host.authority());
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

/// The subdomain that a host's name in lower case stands for; `None` when the host is not one of the server's.
fn subdomain<'a>(config: &'a Config, name: &str) -> Option<Subdomain<'a>> {
    let external = without_port(&config.external_host);
    if let Some(prefix) = without_suffix(name, external).and_then(|rest| rest.strip_suffix('.'))
        && !external.is_empty()
    {
        let length = prefix.len();
        return Some(if prefix == ROOT_ALIAS { Subdomain::Root } else { Subdomain::StartOfName(length) });
    }
    if let Some((_, subdomain)) = config.realm_hosts.iter().find(|(host, _)| without_port(host) == name) {
        return Some(Subdomain::Configured(subdomain));
    }
    let accepts_all = external.is_empty() || config.default_realm.is_some();
    let is_accepted = accepts_all || name.eq_ignore_ascii_case(external) || LOCAL_HOSTS.contains(&name);
    is_accepted.then_some(Subdomain::Root)
}

fn without_port(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// The text before a suffix of any case.
fn without_suffix<'n>(name: &'n str, suffix: &str) -> Option<&'n str> {
    let (rest, end) = name.split_at_checked(name.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(external_host: &str) -> Config {
        let realm_hosts = [("chat.example.net:8443".to_owned(), "other".to_owned())].into();
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
            ("zulip.example.org", "chat.example.net:8443", Some("other")),
            ("Zulipdev.com:9991", "lear.zulipdev.com:9991", Some("lear")),
            ("Zulipdev.com:9991", "zulipdev.com", Some("")),
            ("", "whatever.example", Some("")),
            ("", "chat.example.net", Some("other")),
            ("", "a_b", None),
        ] {
            let config = config(external);
            let found = Site::find(&config, Some(host.into())).ok();
            assert_eq!(found.as_ref().map(Site::subdomain), subdomain, "{host} at {external:?}");
        }
        let config = config("zulip.example.org");
        assert_eq!(Site::find(&config, None).as_ref().map(Site::subdomain), Ok(""));
    }

    #[test]
    fn own_hosts_are_the_external_one_and_those_of_this_machine() {
        for (external, host, is_own) in [
            ("zulip.example.org", "zulip.example.org", true),
            ("zulip.example.org", "lear.ZULIP.example.org:9991", true),
            ("zulip.example.org", "xzulip.example.org", false),
            ("zulip.example.org", "chat.example.net:8443", false),
            ("zulip.example.org", "evil.example.com", false),
            ("Zulipdev.com:9991", "zulipdev.com:9991", true),
            ("zulip.example.org", "127.0.0.1:9991", true),
            ("", "[::1]:9991", true),
            ("", "localhost", true),
            ("", "zulip.localhost", true),
            ("", "evil.example.com", false),
            ("", "localhost.example.com", false),
        ] {
            let config = Config { default_realm: Some("demo".into()), ..config(external) };
            let site = Site::find(&config, Some(host.into())).unwrap();
            assert_eq!(site.is_own(&config), is_own, "{host} at {external:?}");
        }
        let config = config("");
        assert!(Site::find(&config, None).unwrap().is_own(&config));
    }

    #[test]
    fn default_realm_is_found_under_every_host() {
        let config = Config { default_realm: Some("demo".into()), ..config("zulip.example.org") };
        let site = Site::find(&config, Some("evil.example.com".into())).unwrap();
        assert_eq!(site.realm_name(&config), RealmName::Slug("demo"));
        assert_eq!(site.url(&config, None), "https://zulip.example.org");
    }

    #[test]
    fn without_an_external_host_addresses_use_the_host_as_sent() {
        let config = Config { url_scheme: "http".into(), ..Config::default() };
        let site = Site::find(&config, Some("127.0.0.1:8080".into())).unwrap();
        assert_eq!(site.url(&config, None), "http://127.0.0.1:8080");
    }
}
