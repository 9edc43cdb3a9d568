//! The operator's configuration of the protocol.

use std::collections::BTreeMap;

use auth_core::Exact;
use auth_pages::Brand;

use crate::decode::remote_user::RemoteUser;

/// The protocol's configuration. [`Config::default`] answers for every host name, as one organisation at the root: the realm
/// whose subdomain is empty. A realm without a subdomain, as an application makes it, is named in
/// [`default_realm`](Self::default_realm).
///
/// ```
/// use auth_proto_zulip::Config;
///
/// let config = Config { external_host: "zulip.example.org".into(), ..Config::default() };
/// assert_eq!((config.url_scheme.as_str(), config.feature_level), ("https", 470));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain keys that the server fills in")]
pub struct Config {
    /// The host under which organisations are found, with a port where clients need one: realms are its
    /// subdomains, the root realm is the host itself, also as `www`. Empty: every host is accepted and leads to the root
    /// realm, and answers that tell addresses, which are made of the host as sent, may not be cached.
    pub external_host: String,
    /// `http` or `https`: the scheme of the addresses in answers.
    pub url_scheme: String,
    /// The Zulip version that clients are told.
    pub version: String,
    /// The API feature level that clients are told. It also selects the form of some answers.
    pub feature_level: u32,
    /// Hosts outside `external_host`, in lower case and with a port where clients need one; each with its realm's
    /// subdomain.
    pub realm_hosts: BTreeMap<String, String>,
    /// Whether the root host is a landing page and no organisation: `server_settings` then asks for a subdomain.
    pub root_domain_landing_page: bool,
    /// Whether users may log in with a password where their realm lets them; clients are told.
    pub password_login: bool,
    /// Whether the development endpoints exist. Never on anything but loopback. Requests that a proxy forwarded, and those
    /// for a host that is neither `external_host`, nor below it, nor this machine's own, are answered as without them.
    pub development: bool,
    /// Whether the development endpoints let users in by name alone: Zulip's Dev backend.
    pub development_login: bool,
    /// The slug of the one realm that every host leads to.
    pub default_realm: Option<String>,
    /// Whether Zulip's own pages are served: log-in, sessions, the apps' flow.
    pub web: bool,
    /// How the pages are listed among the ways to log in that clients offer; `None` lists them not.
    pub web_method: Option<WebMethod>,
    /// Who is believed to name users whom they have authenticated themselves: `REMOTE_USER`.
    pub remote_user: Option<RemoteUser>,
    /// The origin of the pages on which people set up a second factor, where there are such pages.
    pub account_pages: Option<String>,
    /// What the pages look like.
    pub brand: Brand,
    /// The [points](crate::exact) in which the answers are as careless as those of the real server.
    pub exact: Exact,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            external_host: String::new(),
            url_scheme: "https".to_owned(),
            version: "12.0".to_owned(),
            feature_level: 470,
            realm_hosts: BTreeMap::new(),
            root_domain_landing_page: false,
            password_login: true,
            development: false,
            development_login: true,
            default_realm: None,
            web: false,
            web_method: None,
            remote_user: None,
            account_pages: None,
            brand: Brand::new("auth-server"),
            exact: Exact::default(),
        }
    }
}

/// The log-in page as a way to log in, which clients show beside those of other servers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain keys that the server fills in")]
pub struct WebMethod {
    /// The name by which clients tell the way from others.
    pub name: String,
    /// What is shown on its button.
    pub display_name: String,
    /// The absolute address of a picture for its button.
    pub display_icon: Option<String>,
    /// Its place: heavier ways come first. Zulip's own weigh from 10 (Apple) to 9999 (SAML).
    pub order: u32,
}

impl Default for WebMethod {
    fn default() -> Self {
        Self {
            name: "web".to_owned(),
            display_name: "Sign in on the web".to_owned(),
            display_icon: None,
            order: 1000,
        }
    }
}
