//! The operator's configuration of the protocol.

use auth_core::Role;
use ipnet::IpNet;

/// The protocol's configuration.
///
/// ```
/// use auth_proto_forward::{Config, Dialect};
///
/// let config = Config { hosts: vec!["wiki.example.org".to_owned()], ..Config::new("main", Dialect::Envoy) };
/// assert!(config.cookie.is_none() && !config.takes_passwords);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct Config {
    /// The slug of the realm whose users are let through.
    pub realm: String,
    /// The proxies that are believed what was asked for, and answered at all.
    pub trusted_proxies: Vec<IpNet>,
    /// How the proxies say what was asked for.
    pub dialect: Dialect,
    /// The hosts that are asked about, in lower case, each with its port unless that is 443. Others are refused.
    pub hosts: Vec<String>,
    /// The cookie for browsers, and where they get it. Without it, nobody is led to a page.
    pub cookie: Option<CookieConfig>,
    /// Whether the passwords of accounts are taken, beside keys and app passwords.
    pub takes_passwords: bool,
    /// Who may go where: the first rule that matches decides. Where none does, every account of the realm may.
    pub rules: Vec<Rule>,
}

impl Config {
    /// The configuration for one realm and one dialect, without any host or proxy.
    #[must_use]
    pub fn new(realm: impl Into<String>, dialect: Dialect) -> Self {
        Self {
            realm: realm.into(),
            trusted_proxies: Vec::new(),
            dialect,
            hosts: Vec::new(),
            cookie: None,
            takes_passwords: false,
            rules: Vec::new(),
        }
    }
}

/// How a proxy says what its client asked for. Headers of other dialects are never believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server prints a configuration for each")]
pub enum Dialect {
    /// `X-Original-URL` and `X-Original-Method`, as the snippet for nginx sets them.
    Nginx,
    /// `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`: Caddy, Traefik, and our action for HAProxy.
    XForwarded,
    /// The question itself: its method, its `Host`, and its path behind the prefix.
    Envoy,
}

impl Dialect {
    /// Every dialect with the name that configurations use.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Nginx, "nginx"), (Self::XForwarded, "x-forwarded"), (Self::Envoy, "envoy")];

    /// The dialect of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(dialect, _)| *dialect)
    }

    /// The dialect's name in configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(dialect, _)| *dialect == self).map_or("", |(_, name)| name)
    }
}

/// The cookie for browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct CookieConfig {
    /// The domain that all hosts are in, and the pages too.
    pub domain: String,
    /// The origin of the pages, without a slash at its end.
    pub pages: String,
}

/// Who may go to some places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct Rule {
    /// The host, as in [`Config::hosts`]; every host where there is none.
    pub host: Option<String>,
    /// The path, as [`decode::path::normalised`](crate::decode::path::normalised) gives it, and all below it; every path
    /// where there is none.
    pub path: Option<String>,
    /// The roles that may go there.
    pub roles: Vec<Role>,
    /// The groups whose members may go there. Without roles and groups, every account of the realm may.
    pub groups: Vec<String>,
}
