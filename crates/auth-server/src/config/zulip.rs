//! Section `[zulip]`: the Zulip protocol.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use auth_core::Exact;
use auth_crypto::assertion::AssertionConfig;
use auth_crypto::jwt::Algorithm;
use auth_engine::rules::ASSERTION_WITHOUT_END;
use auth_proto_zulip::EXACT_POINTS;
use http::{HeaderName, Uri};
use ipnet::IpNet;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::server::proxies;
use super::value::{host, is_host, no_point, optional_slug, text};
use super::{ConfigError, ExactPoints, Limit, SecretFile};

/// The shortest key of JSON web tokens that is long enough, in bytes: the length of HS256's digest.
const LONG_KEY: usize = 32;

/// Section `[zulip]`: the Zulip protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Zulip {
    /// Whether the server speaks the protocol.
    pub enabled: bool,
    /// The points in which the server does as the real Zulip does, although that is less safe.
    pub exact: ExactPoints,
    /// The host name, of which realms are subdomains. Empty for one realm under any host name.
    #[serde(deserialize_with = "external_host")]
    pub external_host: String,
    /// The slug of the realm that every host name leads to.
    #[serde(deserialize_with = "optional_slug")]
    pub realm: Option<String>,
    /// `http` or `https`: the scheme of the server's own URLs.
    #[serde(deserialize_with = "url_scheme")]
    pub url_scheme: String,
    /// Host names outside `external_host`, and the subdomain that each stands for.
    #[serde(deserialize_with = "realm_hosts")]
    pub realm_hosts: BTreeMap<String, String>,
    /// Whether `external_host` itself shows a landing page and leads to no realm.
    pub root_domain_landing_page: bool,
    /// The version that the server reports.
    #[serde(deserialize_with = "version")]
    pub version: String,
    /// The feature level that the server reports.
    pub feature_level: u32,
    /// Login attempts per account.
    pub login_limit: Limit,
    /// Calls per user.
    pub api_limit: Limit,
    /// Whether links for new passwords are limited: two in an hour and five in a day to an address, five in a day from a client.
    pub reset_limits: bool,
    /// Whether users log in by password, where their realm allows it.
    pub password_login: bool,
    /// Whether there are development endpoints, which log in by name alone: on loopback addresses only, and for requests
    /// that no proxy forwarded and that are for this machine, `external_host` or a name below it.
    pub development: bool,
    /// Whether the development endpoints log users in, or only list them.
    pub development_login: bool,
    /// Whether Zulip's own pages are served: log-in, sessions, and the flow of its apps.
    pub web: bool,
    /// How the log-in page is listed among the ways to log in that clients offer; not at all without this table.
    pub web_method: Option<WebMethod>,
    /// Fronts that authenticate users themselves and name them in a header; none without this table.
    pub remote_user: Option<RemoteUser>,
    /// Other systems whose JSON web tokens are accepted, by the realm's slug.
    pub jwt: BTreeMap<String, Jwt>,
}

/// Section `[zulip.remote_user]`: fronts that authenticate users themselves and name them in a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RemoteUser {
    /// The header. The fronts must set it or drop it in every request that they pass on.
    #[serde(deserialize_with = "header_name")]
    pub header: HeaderName,
    /// The fronts, by the address or network of their connections. From anybody else the header means nothing, also from
    /// the proxies that are trusted to name clients.
    #[serde(deserialize_with = "proxies")]
    pub proxies: Vec<IpNet>,
    /// What follows the name and `@` in an address, where the fronts name users without it.
    #[serde(default, deserialize_with = "append_domain")]
    pub append_domain: Option<String>,
    /// Whether it is the only way in, so that browsers are led there at once.
    #[serde(default)]
    pub only: bool,
}

/// Section `[zulip.web_method]`: the log-in page as a way to log in that clients offer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct WebMethod {
    /// The name by which clients tell the way from others.
    #[serde(deserialize_with = "method_name")]
    pub name: String,
    /// What is shown on its button.
    #[serde(deserialize_with = "shown_name")]
    pub display_name: String,
    /// The absolute address of a picture for its button, which clients load as it stands.
    #[serde(deserialize_with = "picture")]
    pub display_icon: Option<String>,
    /// Its place: heavier ways come first.
    pub order: u32,
}

impl Default for WebMethod {
    fn default() -> Self {
        let auth_proto_zulip::WebMethod { name, display_name, display_icon, order } =
            auth_proto_zulip::WebMethod::default();
        Self { name, display_name, display_icon, order }
    }
}

/// Section `[zulip.jwt.REALM]`: another system whose JSON web tokens are accepted.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Jwt {
    /// The key that is shared with the other system.
    pub key: Option<String>,
    /// A file that holds the key in place of `key`.
    pub key_file: Option<SecretFile>,
    /// The algorithms that the other system may sign with: `HS256`, `HS384`, `HS512`.
    pub algorithms: Vec<String>,
}

impl Default for Zulip {
    /// The protocol's defaults, and those of the server's own keys.
    fn default() -> Self {
        let protocol = auth_proto_zulip::Config::default();
        Self {
            enabled: true,
            exact: ExactPoints::default(),
            external_host: protocol.external_host,
            realm: protocol.default_realm,
            url_scheme: protocol.url_scheme,
            realm_hosts: protocol.realm_hosts,
            root_domain_landing_page: protocol.root_domain_landing_page,
            version: protocol.version,
            feature_level: protocol.feature_level,
            login_limit: Limit::per(5, 1800),
            api_limit: Limit::per(200, 60),
            reset_limits: true,
            password_login: protocol.password_login,
            development: protocol.development,
            development_login: protocol.development_login,
            web: protocol.web,
            web_method: None,
            remote_user: None,
            jwt: BTreeMap::new(),
        }
    }
}

impl Zulip {
    /// Takes relative paths as paths in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.jwt.values_mut().filter_map(|jwt| jwt.key_file.as_mut()).for_each(|file| file.resolve(folder));
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(name) = self.exact.unknown(&EXACT_POINTS) {
            return Err(no_point("[zulip]", name, &EXACT_POINTS));
        }
        if self.web && self.external_host.is_empty() {
            return Err(ConfigError::new(
                "[zulip] web needs external_host: links in pages are never made of the host that a request names",
            ));
        }
        if self.remote_user.as_ref().is_some_and(|remote_user| remote_user.proxies.is_empty()) {
            return Err(ConfigError::new(
                "[zulip.remote_user] proxies is empty: name the fronts whose header is believed",
            ));
        }
        self.assertions().map(drop)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.enabled && self.external_host.is_empty() {
            warnings.push(
                "[zulip] external_host is empty: clients are told addresses of whatever host a request names"
                    .to_owned(),
            );
        }
        if !self.exact_points().is_empty() {
            warnings.push(
                "[zulip] exact: the server is only as safe as the real Zulip, see docs/exact.md".to_owned(),
            );
        }
        if self.web_method.is_some() && !self.web {
            warnings.push("[zulip.web_method] has no effect without [zulip] web = true".to_owned());
        }
        if self.remote_user.is_some() && !self.web {
            warnings.push("[zulip.remote_user] has no effect without [zulip] web = true".to_owned());
        }
        for (realm, config) in self.assertions().unwrap_or_default() {
            if config.key.len() < LONG_KEY {
                warnings.push(format!("[zulip.jwt.{realm}] key: shorter than {LONG_KEY} bytes"));
            }
        }
        warnings
    }

    /// The exact points that are switched on.
    pub(crate) fn exact_points(&self) -> Exact {
        self.exact.of(&EXACT_POINTS)
    }

    /// How the log-in page is listed.
    pub(crate) fn web_method(&self) -> Option<auth_proto_zulip::WebMethod> {
        self.web_method.clone().map(|method| {
            let WebMethod { name, display_name, display_icon, order } = method;
            auth_proto_zulip::WebMethod { name, display_name, display_icon, order }
        })
    }

    /// Who is believed to name users in a header.
    pub(crate) fn remote_user(&self) -> Option<auth_proto_zulip::RemoteUser> {
        self.remote_user.clone().map(|remote_user| {
            let RemoteUser { header, proxies, append_domain, only } = remote_user;
            auth_proto_zulip::RemoteUser { header, proxies, append_domain, only }
        })
    }

    /// The engine's configuration for this protocol.
    ///
    /// # Errors
    /// [`ConfigError`] when the key of JSON web tokens can't be read.
    pub(super) fn engine(&self) -> Result<auth_engine::ZulipConfig, ConfigError> {
        Ok(auth_engine::ZulipConfig {
            exact: self.exact_points(),
            login_limit: self.login_limit.quota(),
            api_limit: self.api_limit.quota(),
            reset_limits: self.reset_limits,
            assertions: self.assertions()?,
            password_login: self.password_login,
            development: self.enabled && self.development && self.development_login,
        })
    }

    /// The systems whose JSON web tokens are accepted, by the realm's slug.
    fn assertions(&self) -> Result<BTreeMap<String, AssertionConfig>, ConfigError> {
        let require_exp = !self.exact_points().has(ASSERTION_WITHOUT_END);
        let assertion = |(realm, jwt): (&String, &Jwt)| {
            let (key, algorithms) = jwt.key_and_algorithms(&format!("[zulip.jwt.{realm}]"))?;
            Ok((realm.clone(), AssertionConfig { key, algorithms, require_exp }))
        };
        self.jwt.iter().map(assertion).collect()
    }
}

impl Jwt {
    /// The key and the algorithms. `at` names the section in errors.
    fn key_and_algorithms(&self, at: &str) -> Result<(Zeroizing<Vec<u8>>, Vec<Algorithm>), ConfigError> {
        let key = match (&self.key, &self.key_file) {
            (Some(key), None) => Zeroizing::new(key.clone().into_bytes()),
            (None, Some(file)) => file.read(&format!("{at} key_file"))?,
            _ => return Err(ConfigError::new(format!("{at} needs either key or key_file"))),
        };
        if key.is_empty() {
            return Err(ConfigError::new(format!("{at} the key is empty")));
        }
        let algorithm = |name: &String| {
            Algorithm::from_name(name).ok_or_else(|| {
                ConfigError::new(format!(
                    "{at} algorithms: {name:?} is not \"HS256\", \"HS384\" or \"HS512\""
                ))
            })
        };
        let algorithms = self.algorithms.iter().map(algorithm).collect::<Result<Vec<_>, _>>()?;
        if algorithms.is_empty() {
            return Err(ConfigError::new(format!("{at} algorithms is empty: name one, such as \"HS256\"")));
        }
        Ok((key, algorithms))
    }
}

/// Reads a host name, or an empty text.
fn external_host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = String::deserialize(deserializer)?;
    if given.is_empty() { Ok(given) } else { host(given.into_deserializer()) }
}

/// Reads a table of host names and subdomains. Requests' hosts are compared in lower case.
fn realm_hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(transparent)]
    struct HostName(#[serde(deserialize_with = "host")] String);
    let hosts = BTreeMap::<HostName, String>::deserialize(deserializer)?;
    Ok(hosts.into_iter().map(|(HostName(host), subdomain)| (host.to_ascii_lowercase(), subdomain)).collect())
}

/// Reads the name of a header. Those that every client sends, or that name clients, are none in which a user is named.
fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderName, D::Error> {
    const TAKEN: [&str; 6] =
        ["authorization", "cookie", "forwarded", "host", "user-agent", "x-forwarded-for"];
    text(deserializer, "the name of a header such as \"X-Remote-User\"", |text| {
        text.parse().ok().filter(|name: &HeaderName| !TAKEN.contains(&name.as_str()))
    })
}

/// Reads a domain, without `@`.
fn append_domain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let form = "a domain such as \"example.org\"";
    text(deserializer, form, |text| (is_host(text) && !text.contains(':')).then(|| Some(text.to_owned())))
}

fn url_scheme<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_scheme = |text: &str| matches!(text, "http" | "https");
    text(deserializer, "\"http\" or \"https\"", |text| is_scheme(text).then(|| text.to_owned()))
}

fn method_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte))
    };
    text(deserializer, "letters, digits, \"-\", \"_\" and \":\"", |text| {
        is_name(text).then(|| text.to_owned())
    })
}

fn shown_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, "a text that is shown on a button", |text| {
        let is_shown = !text.trim().is_empty() && !text.contains(char::is_control);
        is_shown.then(|| text.to_owned())
    })
}

fn picture<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(
        deserializer,
        "the absolute address of a picture, such as \"https://chat.example.org/icon.png\"",
        |text| {
            let url: Uri = text.parse().ok()?;
            let is_absolute = matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some();
            is_absolute.then(|| Some(text.to_owned()))
        },
    )
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_version = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    text(deserializer, "a version such as \"12.0\"", |text| is_version(text).then(|| text.to_owned()))
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use auth_engine::rules::{LIMIT_BY_TYPED_NAME, RESET_LIMIT_BY_TYPED_ADDRESS, STATE_BEFORE_PASSWORD};

    use super::*;

    #[test]
    fn points_that_the_engine_heeds_are_points_of_the_protocol() {
        for point in
            [STATE_BEFORE_PASSWORD, LIMIT_BY_TYPED_NAME, RESET_LIMIT_BY_TYPED_ADDRESS, ASSERTION_WITHOUT_END]
        {
            assert!(EXACT_POINTS.contains(&point), "{point}");
        }
    }

    #[test]
    fn way_through_the_pages_is_named_by_plain_words_and_an_absolute_picture() {
        let read = |text: &str| {
            toml::from_str::<Zulip>(
                &format!("web = true\n[zulip.web_method]\n{text}").replace("[zulip.", "["),
            )
            .map(|zulip| zulip.web_method().unwrap())
        };
        let standard = read("").unwrap();
        assert_eq!((standard.name.as_str(), standard.order), ("web", 1000));
        let own = read(
            "name = \"own\"\ndisplay_name = \"Password and code\"\ndisplay_icon = \"https://a.example/b.png\"\norder = 5",
        );
        assert_eq!(own.unwrap().display_icon.as_deref(), Some("https://a.example/b.png"));
        for bad in [
            "name = \"a b\"",
            "name = \"\"",
            "display_name = \" \"",
            "display_icon = \"/b.png\"",
            "display_icon = \"javascript:a\"",
            "login_url = \"/x\"",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn remote_users_are_believed_of_named_fronts_alone() {
        let read = |text: &str| toml::from_str::<Zulip>(&format!("[remote_user]\n{text}"));
        let good = "header = \"X-Remote-User\"\nproxies = [\"127.0.0.1\"]\nappend_domain = \"zulip.com\"";
        let remote_user = read(good).unwrap().remote_user().unwrap();
        assert_eq!(remote_user.header.as_str(), "x-remote-user");
        assert_eq!(remote_user.proxies, ["127.0.0.1/32".parse().unwrap()]);
        assert_eq!((remote_user.append_domain.as_deref(), remote_user.only), (Some("zulip.com"), false));
        for bad in [
            "header = \"X-Remote-User\"",
            "proxies = [\"127.0.0.1\"]",
            "header = \"X Remote User\"\nproxies = [\"127.0.0.1\"]",
            "header = \"X-Forwarded-For\"\nproxies = [\"127.0.0.1\"]",
            "header = \"X-Remote-User\"\nproxies = [\"0.0.0.0/0\"]",
            "header = \"X-Remote-User\"\nproxies = [\"127.0.0.1\"]\nappend_domain = \"@zulip.com\"",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let nobody = read("header = \"X-Remote-User\"\nproxies = []").unwrap();
        assert!(nobody.check().is_err());
    }

    #[test]
    fn exact_is_all_points_or_none_or_those_that_are_named() {
        let read = |text: &str| toml::from_str::<Zulip>(&format!("exact = {text}")).unwrap().exact_points();
        assert!(EXACT_POINTS.iter().all(|point| read("true").has(*point)));
        assert!(read("false").is_empty());
        let one = read("[\"assertion-without-end\"]");
        assert!(EXACT_POINTS.iter().all(|point| one.has(*point) == (*point == ASSERTION_WITHOUT_END)));
    }
}
