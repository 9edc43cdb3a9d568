//! Section `[forward]`: forward authentication, which proxies ask who is there.

use auth_core::Role;
use auth_proto_forward::decode::path::normalised;
use auth_proto_forward::decode::question::host_of;
use auth_proto_forward::{CookieConfig, Dialect, Rule};
use serde::{Deserialize, Deserializer, de};

use super::value::{is_host, slug, text};
use super::{ConfigError, Server, Web};

/// Section `[forward]`: forward authentication. It is on once there is a host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Forward {
    /// The hosts that proxies ask about, each with its port unless that is 443. Others are refused.
    #[serde(deserialize_with = "hosts")]
    pub hosts: Vec<String>,
    /// The slug of the realm whose accounts are let through.
    #[serde(deserialize_with = "slug")]
    pub realm: String,
    /// How proxies say what their clients ask for.
    #[serde(deserialize_with = "dialect")]
    pub dialect: Dialect,
    /// Whether HTTP Basic authentication takes the passwords of accounts, beside keys and app passwords.
    pub passwords: bool,
    /// The domain that all hosts and the pages are in. With it, browsers are led to the pages, and get a cookie for the domain.
    #[serde(deserialize_with = "domain")]
    pub cookie_domain: Option<String>,
    /// Who may go where: the first rule that matches decides. Where none does, every account of the realm may.
    pub rules: Vec<ForwardRule>,
}

/// A rule of forward authentication.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ForwardRule {
    /// The host that the rule is for; all hosts where it has none.
    #[serde(deserialize_with = "optional_host")]
    pub host: Option<String>,
    /// The path that the rule is for, with all below it; all paths where it has none.
    #[serde(deserialize_with = "path")]
    pub path: Option<String>,
    /// The roles that may go there.
    #[serde(deserialize_with = "roles")]
    pub roles: Vec<Role>,
    /// The groups whose members may go there.
    pub groups: Vec<String>,
}

impl Default for Forward {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            realm: "main".to_owned(),
            dialect: Dialect::XForwarded,
            passwords: false,
            cookie_domain: None,
            rules: Vec::new(),
        }
    }
}

impl Forward {
    /// Whether proxies are answered.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.hosts.is_empty()
    }

    pub(super) fn check(&self, server: &Server, web: &Web) -> Result<(), ConfigError> {
        let refuse = |text: String| Err(ConfigError::new(text));
        if self.is_on() && server.trusted_proxies.is_empty() {
            return refuse(
                "[forward] hosts: only trusted proxies are answered: list them in [server] trusted_proxies"
                    .to_owned(),
            );
        }
        for rule in &self.rules {
            if let Some(host) = rule.host.as_ref().filter(|host| !self.hosts.contains(host)) {
                return refuse(format!("[forward] rules: {host} is not in [forward] hosts"));
            }
        }
        let Some(domain) = &self.cookie_domain else { return Ok(()) };
        let pages = web.url.as_deref().and_then(|url| url.strip_prefix("https://"));
        let Some(pages) = pages else {
            return refuse(
                "[forward] cookie_domain: people sign in at the pages: set [web] url to an https address"
                    .to_owned(),
            );
        };
        let outside = self.hosts.iter().map(String::as_str).chain([pages]).find(|host| !is_in(host, domain));
        match outside {
            Some(host) => refuse(format!("[forward] cookie_domain: {host} is not in {domain}")),
            None => Ok(()),
        }
    }

    /// The rules of the protocol.
    pub(crate) fn protocol_rules(&self) -> Vec<Rule> {
        let rules = self.rules.iter().cloned();
        rules.map(|ForwardRule { host, path, roles, groups }| Rule { host, path, roles, groups }).collect()
    }

    /// The cookie for browsers, and where they get it.
    pub(crate) fn cookie(&self, web: &Web) -> Option<CookieConfig> {
        let (domain, pages) = self.cookie_domain.clone().zip(web.url.clone())?;
        Some(CookieConfig { domain, pages })
    }
}

/// Whether a host, with a port or without one, is in a domain.
fn is_in(host: &str, domain: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Reads a host in the one form in which hosts are compared.
fn one_host<E: de::Error>(text: &str) -> Result<String, E> {
    let form = "a host name in ASCII such as \"wiki.example.org\", with a port unless it is 443";
    let host = Some(text).filter(|text| is_host(text)).and_then(host_of);
    host.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &form))
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Vec::<String>::deserialize(deserializer)?.iter().map(|text| one_host(text)).collect()
}

fn optional_host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    one_host(&String::deserialize(deserializer)?).map(Some)
}

fn dialect<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Dialect, D::Error> {
    text(deserializer, "\"nginx\", \"x-forwarded\" or \"envoy\"", Dialect::from_name)
}

/// Reads a domain. Browsers take no cookie for one without a dot.
fn domain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, "a domain such as \"example.org\"", |text| {
        let is_domain = is_host(text) && text.contains('.') && !text.contains([':', '[']);
        is_domain.then(|| Some(text.to_ascii_lowercase()))
    })
}

/// Reads a path that all programs understand alike.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let form = "a path such as \"/admin\", decoded and without a slash at its end";
    text(deserializer, form, |text| {
        (normalised(text).as_deref() == Some(text)).then(|| Some(text.to_owned()))
    })
}

fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Role>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let role = |name: &String| {
        let form = "\"owner\", \"admin\", \"moderator\", \"member\" or \"guest\"";
        Role::from_name(name).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(name), &form))
    };
    names.iter().map(role).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(forward: &str) -> Result<Forward, String> {
        toml::from_str(forward).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn checked(forward: &str) -> Result<(), String> {
        let text = format!(
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[web]\nurl = \"https://auth.example.org\"\n[forward]\n{forward}"
        );
        let config: Config = toml::from_str(&text).unwrap();
        config.forward.check(&config.server, &config.web).map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_have_one_form() {
        let read =
            read("hosts = [\"Wiki.Example.org\", \"git.example.org:8443\", \"a.example.org:443\"]").unwrap();
        assert_eq!(read.hosts, ["wiki.example.org", "git.example.org:8443", "a.example.org"]);
        assert!(read.is_on() && !Forward::default().is_on());
    }

    #[test]
    fn values_that_mean_nothing_are_refused_with_their_form() {
        for (line, part) in [
            ("hosts = [\"https://wiki.example.org\"]", "a host name"),
            ("hosts = [\"*.example.org\"]", "a host name"),
            ("dialect = \"haproxy\"", "x-forwarded"),
            ("cookie_domain = \".example.org\"", "a domain"),
            ("cookie_domain = \"localhost\"", "a domain"),
            ("[[rules]]\npath = \"admin\"", "a path"),
            ("[[rules]]\npath = \"/admin/\"", "a path"),
            ("[[rules]]\npath = \"/%61dmin\"", "a path"),
            ("[[rules]]\nroles = [\"root\"]", "moderator"),
            ("[[rules]]\nallow = true", "unknown field"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn what_can_not_work_together_is_refused() {
        let wiki = "hosts = [\"wiki.example.org\"]";
        for (forward, error) in [
            ("", None),
            (wiki, None),
            (&format!("{wiki}\ncookie_domain = \"example.org\""), None),
            (&format!("{wiki}\ncookie_domain = \"wiki.example.org\""), Some("auth.example.org is not in")),
            (
                "hosts = [\"wiki.badexample.org\"]\ncookie_domain = \"example.org\"",
                Some("wiki.badexample.org is not in"),
            ),
            (
                &format!("{wiki}\n[[forward.rules]]\nhost = \"git.example.org\""),
                Some("git.example.org is not in [forward]"),
            ),
        ] {
            let found = checked(forward);
            match error {
                None => assert_eq!(found, Ok(()), "{forward}"),
                Some(part) => {
                    assert!(found.as_ref().is_err_and(|found| found.contains(part)), "{forward}: {found:?}");
                }
            }
        }
        let config: Config =
            toml::from_str(&format!("[forward]\n{wiki}\ncookie_domain = \"example.org\"")).unwrap();
        let error = config.forward.check(&config.server, &config.web).unwrap_err().to_string();
        assert!(error.contains("trusted_proxies"), "{error}");
        let trusting: Server = toml::from_str("trusted_proxies = [\"127.0.0.1\"]").unwrap();
        for url in ["", "url = \"http://localhost:8080\""] {
            let web: Web = toml::from_str(url).unwrap();
            let error = config.forward.check(&trusting, &web).unwrap_err().to_string();
            assert!(error.contains("[web] url"), "{url}: {error}");
        }
    }
}
