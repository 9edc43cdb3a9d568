//! What an operator decides about the protocol.

use std::collections::BTreeMap;

use auth_core::Exact;

/// Settings of the protocol. [`Config::default`] answers for every host name, as one organisation at the root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain settings that the server fills in")]
pub struct Config {
    /// The host under which organisations are found, with a port where clients need one: realms are its
    /// subdomains, the root realm is the host itself. Empty: every host is accepted and leads to the root realm.
    pub external_host: String,
    /// `http` or `https`: what the addresses in answers begin with.
    pub url_scheme: String,
    /// The Zulip version that clients are told.
    pub version: String,
    /// The upstream commit that clients are told; may be empty.
    pub merge_base: String,
    /// The API feature level that clients are told. It also sets the form of some answers (zulip.md 0).
    pub feature_level: u32,
    /// Hosts outside `external_host`, in lower case and with a port where clients need one; each with its realm's
    /// subdomain.
    pub realm_hosts: BTreeMap<String, String>,
    /// Subdomains of `external_host` that mean the host itself.
    pub root_aliases: Vec<String>,
    /// Whether the root host is a landing page and no organisation: `server_settings` then asks for a subdomain.
    pub root_domain_landing_page: bool,
    /// Whether a password is a way in, where the realm lets it be one; clients are told.
    pub password_login: bool,
    /// Whether the development endpoints are there. Never on anything but loopback.
    pub development: bool,
    /// Whether they let anybody in: Zulip's Dev backend.
    pub development_login: bool,
    /// The slug of the one realm that every host leads to.
    pub default_realm: Option<String>,
    /// Where the answers are as careless as the real server's.
    pub exact: Exact,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            external_host: String::new(),
            url_scheme: "https".to_owned(),
            version: "11.0-dev+git".to_owned(),
            merge_base: String::new(),
            feature_level: 387,
            realm_hosts: BTreeMap::new(),
            root_aliases: vec!["www".to_owned()],
            root_domain_landing_page: false,
            password_login: true,
            development: false,
            development_login: true,
            default_realm: None,
            exact: Exact::default(),
        }
    }
}
