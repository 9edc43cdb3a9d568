//! Directories: `[ldap.NAME]`, where NAME is what realms list among their backends.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use auth_core::{Password, Realm, Role};
use auth_engine::DirectoryRules;
use auth_ldap::{AttributeNames, BindMethod, DirectoryConfig, GroupRoles, NameLookup, RealmAccess, Server};
use serde::Deserialize;

use super::{Config, ConfigError, Span, plain_io};

/// A directory, and what it may do to accounts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Ldap {
    /// Its servers, in the order in which they are tried: `ldap://` for no TLS, `starttls://` for TLS that is asked
    /// for, `ldaps://` for TLS from the start.
    pub servers: Vec<String>,
    /// Certificates of the authorities that are believed, in PEM; the system's unless given.
    pub ca_file: Option<PathBuf>,
    /// How many connections are open at most.
    pub connections: u32,
    /// How long it may take to reach a server, TLS and all.
    pub connect_timeout: Span,
    /// How long a server may take over a request, and a log-in may wait for a connection.
    pub timeout: Span,
    /// The account that searches; nobody's unless given.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: Option<String>,
    /// A file that holds it in place of `bind_password`.
    pub bind_password_file: Option<PathBuf>,
    /// In place of an account that searches: the name to bind as, with `{user}` where the typed name goes.
    pub direct_bind: Option<String>,
    /// The name below which people are.
    pub base: String,
    /// What is asked of their entries besides.
    pub filter: String,
    /// Attributes that a typed name is looked for in; the user attribute alone unless given.
    pub search_attributes: Vec<String>,
    /// Whether a typed address is looked for in the e-mail attribute first.
    pub search_email: bool,
    /// The domain of all addresses.
    pub append_domain: Option<String>,
    /// What never changes and is nobody else's.
    pub id_attribute: String,
    /// The user name.
    pub user_attribute: String,
    /// The e-mail address; empty takes the user name for one.
    pub email_attribute: String,
    /// What people call it.
    pub full_name_attribute: String,
    /// Where `TRUE` or `YES` disables an entry.
    pub disabled_attribute: String,
    /// The attribute that lists the realms an entry may use.
    pub membership_attribute: String,
    /// By realm: maps of attributes and values, of which all of one must fit.
    pub access: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// The attribute that lists a person's groups.
    pub group_attribute: String,
    /// Where groups are looked for in place of that attribute.
    pub group_base: String,
    /// Which of them are a person's.
    pub group_filter: String,
    /// Groups by the role they make.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Whether whoever logs in for the first time gets an account.
    pub create: bool,
    /// Domains of addresses that new accounts may have.
    pub email_domains: Vec<String>,
    /// Whether an account of the same name that is no directory's becomes the entry's.
    pub merge_existing: bool,
    /// Whether the directory's accounts may also log in with a password that is stored here.
    pub local_passwords: bool,
    /// Whether names, address and role are written over at each log-in.
    pub sync_on_login: bool,
}

impl Default for Ldap {
    fn default() -> Self {
        let (names, attributes, groups) =
            (NameLookup::default(), AttributeNames::default(), GroupRoles::default());
        let rules = DirectoryRules::default();
        let directory = DirectoryConfig::new("", "");
        Self {
            servers: Vec::new(),
            ca_file: None,
            connections: u32::try_from(directory.connections).unwrap_or(u32::MAX),
            connect_timeout: Span(directory.connect_timeout),
            timeout: Span(directory.timeout),
            bind_dn: String::new(),
            bind_password: None,
            bind_password_file: None,
            direct_bind: None,
            base: String::new(),
            filter: String::new(),
            search_attributes: Vec::new(),
            search_email: names.search_email,
            append_domain: None,
            id_attribute: attributes.id,
            user_attribute: attributes.user,
            email_attribute: attributes.email,
            full_name_attribute: attributes.full_name,
            disabled_attribute: attributes.disabled,
            membership_attribute: String::new(),
            access: BTreeMap::new(),
            group_attribute: groups.attribute,
            group_base: groups.base,
            group_filter: groups.filter,
            roles: BTreeMap::new(),
            create: rules.create,
            email_domains: rules.email_domains,
            merge_existing: rules.merge_existing,
            local_passwords: rules.local_passwords,
            sync_on_login: rules.sync_on_login,
        }
    }
}

impl Config {
    /// The directories.
    ///
    /// # Errors
    /// [`ConfigError`] for what makes no sense, or a file that can't be read.
    pub(crate) fn directories(&self) -> Result<Vec<DirectoryConfig>, ConfigError> {
        self.ldap.iter().map(|(name, ldap)| ldap.directory(name)).collect()
    }

    /// What directories may do to accounts.
    pub(super) fn directory_rules(&self) -> BTreeMap<String, DirectoryRules> {
        let rules = |ldap: &Ldap| DirectoryRules {
            create: ldap.create,
            merge_existing: ldap.merge_existing,
            local_passwords: ldap.local_passwords,
            sync_on_login: ldap.sync_on_login,
            email_domains: ldap.email_domains.clone(),
        };
        self.ldap.iter().map(|(name, ldap)| (name.clone(), rules(ldap))).collect()
    }

    /// What is hardly meant.
    pub(super) fn directory_warnings(&self) -> impl Iterator<Item = String> {
        let in_the_clear = |server: &Server| {
            let host = server.host();
            let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            !server.uses_tls() && !here
        };
        self.ldap.iter().flat_map(move |(name, ldap)| {
            let servers = ldap.servers.iter().filter_map(|server| Server::parse(server).ok());
            servers.filter(in_the_clear).map(move |_| {
                format!(
                    "[ldap.{name}] servers: passwords travel in the clear; starttls:// or ldaps:// protects them"
                )
            })
        })
    }
}

impl Ldap {
    fn directory(&self, name: &str) -> Result<DirectoryConfig, ConfigError> {
        let at = |what: &dyn fmt::Display| ConfigError(format!("[ldap.{name}] {what}"));
        let name_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if name == Realm::LOCAL || name.is_empty() || !name.bytes().all(name_byte) {
            return Err(at(&"a directory's name is of lower-case letters, digits, - and _, and not `local`"));
        }
        let servers = self.servers.iter().map(|server| Server::parse(server)).collect::<Result<Vec<_>, _>>();
        let ca_certificates = match &self.ca_file {
            None => None,
            Some(path) => Some(
                std::fs::read(path)
                    .map_err(|error| at(&format_args!("ca_file {}: {}", path.display(), plain_io(&error))))?,
            ),
        };
        if self.connections == 0 {
            return Err(at(&"connections must be more than none"));
        }
        if self.connect_timeout.0.is_zero() || self.timeout.0.is_zero() {
            return Err(at(&"connect_timeout and timeout must be more than nothing"));
        }
        if self.append_domain.as_ref().is_some_and(|domain| domain.is_empty() || domain.contains('@')) {
            return Err(at(&"append_domain is written like example.org"));
        }
        let search_attributes = match self.search_attributes.as_slice() {
            [] => vec![self.user_attribute.clone()],
            given => given.to_vec(),
        };
        let directory = DirectoryConfig {
            servers: servers.map_err(|error| at(&error))?,
            ca_certificates,
            connections: self.connections as usize,
            connect_timeout: self.connect_timeout.0,
            timeout: self.timeout.0,
            bind: self.bind(name)?,
            filter: self.filter.clone(),
            names: NameLookup {
                search_attributes,
                append_domain: self.append_domain.clone(),
                search_email: self.search_email,
            },
            attributes: AttributeNames {
                id: self.id_attribute.clone(),
                user: self.user_attribute.clone(),
                email: self.email_attribute.clone(),
                full_name: self.full_name_attribute.clone(),
                disabled: self.disabled_attribute.clone(),
            },
            groups: GroupRoles {
                attribute: self.group_attribute.clone(),
                base: self.group_base.clone(),
                filter: self.group_filter.clone(),
                roles: self.roles().map_err(|error| at(&error))?,
            },
            access: RealmAccess {
                membership_attribute: self.membership_attribute.clone(),
                rules: self.access.clone(),
            },
            ..DirectoryConfig::new(name, self.base.as_str())
        };
        directory.validate().map_err(|error| at(&error))?;
        Ok(directory)
    }

    fn bind(&self, name: &str) -> Result<BindMethod, ConfigError> {
        let at = |what: &str| ConfigError(format!("[ldap.{name}] {what}"));
        let password = match (&self.bind_password, &self.bind_password_file) {
            (Some(_), Some(_)) => return Err(at("give either bind_password or bind_password_file")),
            (Some(password), None) => Password::new(password.as_str()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    at(&format!("bind_password_file {}: {}", path.display(), plain_io(&error)))
                })?;
                let text = zeroize::Zeroizing::new(text);
                Password::new(text.trim_end_matches(['\r', '\n']))
            }
            (None, None) => Password::new(""),
        };
        match &self.direct_bind {
            None => Ok(BindMethod::ServiceAccount { dn: self.bind_dn.clone(), password }),
            Some(template) if self.bind_dn.is_empty() => {
                Ok(BindMethod::Direct { template: template.clone() })
            }
            Some(_) => Err(at("give either bind_dn or direct_bind")),
        }
    }

    fn roles(&self) -> Result<Vec<(Role, String)>, &'static str> {
        let mut roles = Vec::new();
        for (name, groups) in &self.roles {
            let role = Role::from_name(name).ok_or("roles are owner, admin, moderator, member and guest")?;
            roles.extend(groups.iter().map(|group| (role, group.clone())));
        }
        Ok(roles)
    }
}

impl fmt::Debug for Ldap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ldap")
            .field("servers", &self.servers)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT;
    use super::*;

    fn read(text: &str) -> Result<Vec<DirectoryConfig>, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.directories().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_shown_is_what_there_is() {
        let (_, block) = DEFAULT.split_once("# [ldap.corp]").unwrap();
        let (block, _) = block.split_once("\n\n").unwrap();
        let plain: Vec<&str> = block.lines().skip(1).map(|line| line.strip_prefix("# ").unwrap()).collect();
        let shown: Ldap = toml::from_str(&plain.join("\n")).unwrap();
        let default = Ldap::default();
        let plain_ones = |ldap: &Ldap| {
            format!(
                "{:?}",
                [
                    (&ldap.id_attribute, &ldap.user_attribute, &ldap.email_attribute),
                    (&ldap.full_name_attribute, &ldap.disabled_attribute, &ldap.membership_attribute),
                    (&ldap.group_attribute, &ldap.group_base, &ldap.group_filter),
                ]
            ) + &format!(
                "{:?}",
                (
                    (ldap.connections, ldap.connect_timeout, ldap.timeout, ldap.search_email, ldap.create),
                    (ldap.merge_existing, ldap.local_passwords, ldap.sync_on_login, &ldap.email_domains),
                )
            )
        };
        assert_eq!(plain_ones(&shown), plain_ones(&default));
    }

    #[test]
    fn settings_are_read_or_refused_in_a_line() {
        let good = "[ldap.corp]\nservers = [\"ldaps://a\"]\nbase = \"dc=x\"\n";
        let directories =
            read(&format!("{good}user_attribute = \"cn\"\nroles = {{ guest = [\"cn=g\"] }}")).unwrap();
        assert_eq!(directories.len(), 1);
        assert_eq!(directories[0].names.search_attributes, ["cn"], "unless given");
        assert_eq!(directories[0].groups.roles, [(Role::Guest, "cn=g".to_owned())]);
        for (more, said) in [
            ("connections = 0", "[ldap.corp] connections must be more than none"),
            ("timeout = \"0s\"", "[ldap.corp] connect_timeout and timeout must be more than nothing"),
            ("append_domain = \"@x\"", "[ldap.corp] append_domain is written like example.org"),
            (
                "roles = { king = [\"cn=g\"] }",
                "[ldap.corp] roles are owner, admin, moderator, member and guest",
            ),
            ("bind_dn = \"cn=a\"", "[ldap.corp] the service account has no password"),
            (
                "bind_password = \"a\"\nbind_password_file = \"b\"",
                "[ldap.corp] give either bind_password or bind_password_file",
            ),
            ("direct_bind = \"uid=x\"", "[ldap.corp] the name to bind as has no {user} in it"),
            (
                "filter = \"(uid=x\"",
                "[ldap.corp] the filter of people is no LDAP filter such as (objectClass=person)",
            ),
            ("user_attribute = \"uid)(x\"", "[ldap.corp] the user name attribute is no name of an attribute"),
            ("acess = 1", "unknown field `acess`"),
        ] {
            let refused = read(&format!("{good}{more}")).unwrap_err();
            assert!(refused.starts_with(said) && !refused.contains('\n'), "{more}: {refused}");
        }
    }

    #[test]
    fn passwords_in_the_clear_are_warned_of() {
        for (server, warns) in [
            ("ldap://ldap.example.org", true),
            ("ldap://127.0.0.1", false),
            ("ldap://localhost:3890", false),
            ("ldap://[::1]", false),
            ("starttls://ldap.example.org", false),
            ("ldaps://ldap.example.org", false),
        ] {
            let config: Config = toml::from_str(&format!("[ldap.corp]\nservers = [\"{server}\"]")).unwrap();
            assert_eq!(config.directory_warnings().count() == 1, warns, "{server}");
        }
    }
}
