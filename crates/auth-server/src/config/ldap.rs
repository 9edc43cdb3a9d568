//! Sections `[ldap.NAME]`: LDAP directories. Realms list NAME among their backends.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use auth_core::{Password, Realm, Role, is_this_machine};
use auth_ldap::{
    AttributeNames, BindMethod, CarriedGroups, DirectoryConfig, GroupRoles, MemberForm, NameLookup,
    RealmAccess, Server,
};
use serde::Deserialize;

use super::files::{self, SecretFile};
use super::value::{positive, positive_span};
use super::{ConfigError, Span};

/// Section `[ldap.NAME]`: an LDAP directory, and its rights over accounts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Ldap {
    /// The servers, in the order in which they are tried: `ldap://` for no TLS, `starttls://` for TLS on request,
    /// `ldaps://` for TLS from the start.
    pub servers: Vec<String>,
    /// A file with the certificates that are trusted, in PEM, in place of the system's: authorities', or the servers' own.
    pub ca_file: Option<PathBuf>,
    /// The most connections that are open at once.
    #[serde(deserialize_with = "positive")]
    pub connections: u32,
    /// The time limit for connecting to a server, including the TLS handshake.
    #[serde(deserialize_with = "positive_span")]
    pub connect_timeout: Span,
    /// The time limit for each request to a server, and for the wait for a free connection.
    #[serde(deserialize_with = "positive_span")]
    pub timeout: Span,
    /// The distinguished name of the service account that searches; empty to search anonymously.
    pub bind_dn: String,
    /// The password of the service account.
    pub bind_password: Option<String>,
    /// A file that holds the password in place of `bind_password`.
    pub bind_password_file: Option<SecretFile>,
    /// In place of a service account: the name to bind as, with `{user}` for the typed name.
    pub direct_bind: Option<String>,
    /// The distinguished name below which people are searched for.
    pub base: String,
    /// A filter that people's entries must match; empty matches all.
    pub filter: String,
    /// The attributes that are searched for a typed name; `user_attribute` if empty.
    pub search_attributes: Vec<String>,
    /// Whether a typed address is searched for in the e-mail attribute first; it is by default. Without effect beside
    /// `append_domain`.
    pub search_email: Option<bool>,
    /// The domain of all addresses, so that an address is searched for by its name there.
    pub append_domain: Option<String>,
    /// The attribute of an identifier that is unique and never changes.
    pub id_attribute: String,
    /// The attribute of the user name.
    pub user_attribute: String,
    /// The attribute of the e-mail address. If empty, the user name is the address.
    pub email_attribute: String,
    /// The attribute of the full name.
    pub full_name_attribute: String,
    /// An attribute that disables an entry if its value is `TRUE` or `YES`.
    pub disabled_attribute: String,
    /// The attribute that lists the realms of an entry, by subdomain.
    pub membership_attribute: String,
    /// The entries that may log in, by realm: alternative rules, each of attributes and values that must all match.
    pub access: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// The attribute that lists a person's groups.
    pub group_attribute: String,
    /// The distinguished name below which groups are searched for, in place of that attribute.
    pub group_base: String,
    /// The filter for a person's groups.
    pub group_filter: String,
    /// The groups that give a role, by role.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The groups that are carried over.
    pub groups: LdapGroups,
    /// Whether people who log in for the first time get an account.
    pub create: bool,
    /// The domains of addresses that new accounts may have; empty for any.
    pub email_domains: Vec<String>,
    /// Whether an account of the same name that belongs to no directory becomes the entry's.
    pub merge_existing: bool,
    /// Whether an account that belongs to another entry becomes that of the entry with its user name, such as one that was
    /// deleted and made again.
    pub relink_by_name: bool,
    /// Whether the directory's accounts may also log in with a password that is stored here.
    pub local_passwords: bool,
    /// Whether names, address and role are updated at each login.
    pub sync_on_login: bool,
}

/// Section `[ldap.NAME.groups]`: the groups that are carried over, with their members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LdapGroups {
    /// The distinguished name below which groups are searched for; empty for none.
    pub base: String,
    /// The filter that groups' entries must match.
    pub filter: String,
    /// The attribute of a group's name.
    pub name: String,
    /// The attribute that lists a group's members.
    pub members: String,
    /// Whether members are listed by their user names, not by the distinguished names of their entries.
    pub by_user_name: bool,
    /// Groups that `group_attribute` of people's own entries lists: the names that they get, by distinguished name.
    pub named: BTreeMap<String, String>,
}

impl Default for LdapGroups {
    fn default() -> Self {
        let CarriedGroups { base, filter, name, members, .. } = CarriedGroups::default();
        Self { base, filter, name, members, by_user_name: false, named: BTreeMap::new() }
    }
}

impl LdapGroups {
    fn carried(&self) -> CarriedGroups {
        CarriedGroups {
            base: self.base.clone(),
            filter: self.filter.clone(),
            name: self.name.clone(),
            members: self.members.clone(),
            member: if self.by_user_name { MemberForm::UserName } else { MemberForm::EntryName },
            named: self.named.clone().into_iter().collect(),
        }
    }
}

impl Default for Ldap {
    fn default() -> Self {
        let (attributes, groups) = (AttributeNames::default(), GroupRoles::default());
        let rights = auth_engine::DirectoryConfig::default();
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
            search_email: None,
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
            groups: LdapGroups::default(),
            create: rights.create,
            email_domains: rights.email_domains,
            merge_existing: rights.merge_existing,
            relink_by_name: rights.relink_by_name,
            local_passwords: rights.local_passwords,
            sync_on_login: rights.sync_on_login,
        }
    }
}

impl Ldap {
    /// Takes relative paths as paths in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.ca_file = self.ca_file.take().map(|path| folder.join(path));
        if let Some(file) = &mut self.bind_password_file {
            file.resolve(folder);
        }
    }

    /// The directory. `name` is that of the section.
    ///
    /// # Errors
    /// [`ConfigError`] when a value can't be used, or a file can't be read.
    pub(super) fn directory(&self, name: &str) -> Result<DirectoryConfig, ConfigError> {
        let failed = |reason: &dyn fmt::Display| ConfigError::new(format!("[ldap.{name}] {reason}"));
        let is_name_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if name == Realm::LOCAL || name.is_empty() || !name.bytes().all(is_name_byte) {
            return Err(failed(
                &"the name of a directory consists of lower-case letters, digits, - and _, and is not `local`",
            ));
        }
        let servers = self.servers.iter().map(|server| Server::parse(server)).collect::<Result<Vec<_>, _>>();
        let ca_certificates = match &self.ca_file {
            None => None,
            Some(path) => Some(files::certificates(&format!("[ldap.{name}] ca_file"), path)?),
        };
        if self.append_domain.as_ref().is_some_and(|domain| domain.is_empty() || domain.contains('@')) {
            return Err(failed(&"append_domain is written like example.org"));
        }
        let search_attributes = match self.search_attributes.as_slice() {
            [] => vec![self.user_attribute.clone()],
            given => given.to_vec(),
        };
        let directory = DirectoryConfig {
            servers: servers.map_err(|error| failed(&error))?,
            ca_certificates,
            connections: self.connections as usize,
            connect_timeout: self.connect_timeout.0,
            timeout: self.timeout.0,
            bind: self.bind(name)?,
            filter: self.filter.clone(),
            names: NameLookup {
                search_attributes,
                append_domain: self.append_domain.clone(),
                search_email: self.search_email.unwrap_or(NameLookup::default().search_email),
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
                roles: self.roles().map_err(|error| failed(&error))?,
            },
            carried: self.groups.carried(),
            access: RealmAccess {
                membership_attribute: self.membership_attribute.clone(),
                rules: self.access.clone(),
            },
            ..DirectoryConfig::new(name, self.base.as_str())
        };
        directory.validate().map_err(|error| failed(&error))?;
        Ok(directory)
    }

    /// The engine's configuration for the directory: its rights over accounts.
    pub(super) fn engine(&self) -> auth_engine::DirectoryConfig {
        auth_engine::DirectoryConfig {
            create: self.create,
            merge_existing: self.merge_existing,
            relink_by_name: self.relink_by_name,
            local_passwords: self.local_passwords,
            sync_on_login: self.sync_on_login,
            email_domains: self.email_domains.clone(),
        }
    }

    /// Warnings; `name` is that of the section.
    pub(super) fn warnings(&self, name: &str) -> impl Iterator<Item = String> {
        let without_effect = match (&self.append_domain, self.email_attribute.as_str()) {
            (Some(_), _) => Some("append_domain says what every address is"),
            (None, "") => Some("email_attribute is empty"),
            _ => None,
        };
        let search_email = without_effect
            .filter(|_| self.search_email == Some(true))
            .map(|why| format!("[ldap.{name}] search_email has no effect: {why}"));
        let is_exposed = |server: &Server| !server.uses_tls() && !is_this_machine(server.host());
        let servers = self.servers.iter().filter_map(|server| Server::parse(server).ok());
        let exposed = servers.filter(is_exposed).map(move |_| {
            format!(
                "[ldap.{name}] servers: passwords are sent in clear text; starttls:// or ldaps:// protects them"
            )
        });
        exposed.chain(search_email)
    }

    fn bind(&self, name: &str) -> Result<BindMethod, ConfigError> {
        let section = format!("[ldap.{name}]");
        let (given, file) = (self.bind_password.as_deref(), self.bind_password_file.as_ref());
        let password = files::secret(&section, "bind_password", given, file)?.unwrap_or_default();
        let password = Password::new(password.as_str());
        match &self.direct_bind {
            None => Ok(BindMethod::ServiceAccount { dn: self.bind_dn.clone(), password }),
            Some(_) if self.relink_by_name => Err(ConfigError::new(format!(
                "{section} relink_by_name: looks whether the former entry is gone, which needs a service account \
                 (bind_dn), not direct_bind"
            ))),
            Some(template) if self.bind_dn.is_empty() => {
                Ok(BindMethod::Direct { template: template.clone() })
            }
            Some(_) => {
                Err(ConfigError::new(format!("{section} set either bind_dn or direct_bind, not both")))
            }
        }
    }

    fn roles(&self) -> Result<Vec<(Role, String)>, String> {
        let mut roles = Vec::new();
        for (name, groups) in &self.roles {
            let role = Role::from_name(name)
                .ok_or_else(|| format!("roles: {name:?} is not owner, admin, moderator, member or guest"))?;
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
    use super::super::{Config, DEFAULT};
    use super::*;

    fn read(text: &str) -> Result<Vec<DirectoryConfig>, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.directories().map_err(|error| error.to_string())
    }

    #[test]
    fn section_that_is_printed_has_the_defaults() {
        let (_, block) = DEFAULT.split_once("# [ldap.corp]").unwrap();
        let (block, _) = block.split_once("\n\n").unwrap();
        let lines: Vec<&str> = block.lines().skip(1).map(|line| line.strip_prefix("# ").unwrap()).collect();
        let shown: Ldap = toml::from_str(&lines.join("\n")).unwrap();
        let default = Ldap::default();
        let compared = |ldap: &Ldap| {
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
                    (ldap.connections, ldap.connect_timeout, ldap.timeout, ldap.create),
                    ldap.search_email.unwrap_or(true),
                    (
                        ldap.merge_existing,
                        ldap.relink_by_name,
                        ldap.local_passwords,
                        ldap.sync_on_login,
                        &ldap.email_domains
                    ),
                )
            )
        };
        assert_eq!(compared(&shown), compared(&default));
    }

    #[test]
    fn section_is_read_or_refused_in_one_line() {
        let good = "[ldap.corp]\nservers = [\"ldaps://a\"]\nbase = \"dc=x\"\n";
        let directories =
            read(&format!("{good}user_attribute = \"cn\"\nroles = {{ guest = [\"cn=g\"] }}")).unwrap();
        assert_eq!(directories.len(), 1);
        assert_eq!(directories[0].names.search_attributes, ["cn"], "the default");
        assert_eq!(directories[0].groups.roles, [(Role::Guest, "cn=g".to_owned())]);
        for (more, said) in [
            ("connections = 0", "invalid value: integer `0`, expected a number greater than zero"),
            ("timeout = \"0s\"", "invalid value: string \"0s\", expected a duration longer than nothing"),
            ("append_domain = \"@x\"", "[ldap.corp] append_domain is written like example.org"),
            (
                "roles = { king = [\"cn=g\"] }",
                "[ldap.corp] roles: \"king\" is not owner, admin, moderator, member or guest",
            ),
            ("bind_dn = \"cn=a\"", "[ldap.corp] the service account has no password"),
            (
                "bind_password = \"a\"\nbind_password_file = \"b\"",
                "[ldap.corp] set either bind_password or bind_password_file, not both",
            ),
            ("direct_bind = \"uid=x\"", "[ldap.corp] the name to bind as has no {user} in it"),
            (
                "direct_bind = \"uid={user},dc=x\"\nrelink_by_name = true",
                "[ldap.corp] relink_by_name: looks whether the former entry is gone, which needs a service account",
            ),
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
    fn search_email_without_effect_is_warned_of_where_it_is_set() {
        let appended = "append_domain = \"example.org\"";
        let no_attribute = "email_attribute = \"\"";
        for (lines, why) in [
            (&["search_email = true", appended][..], Some("append_domain says what every address is")),
            (&["search_email = true", no_attribute], Some("email_attribute is empty")),
            (
                &["search_email = true", appended, no_attribute],
                Some("append_domain says what every address is"),
            ),
            (&["search_email = true"], None),
            (&["search_email = false", appended], None),
            (&[appended], None),
            (&[no_attribute], None),
            (&[], None),
        ] {
            let text =
                format!("[ldap.corp]\nservers = [\"ldaps://a\"]\nbase = \"dc=x\"\n{}", lines.join("\n"));
            let config: Config = toml::from_str(&text).unwrap();
            let warned: Vec<String> = config.ldap["corp"].warnings("corp").collect();
            let expected = why.map(|why| format!("[ldap.corp] search_email has no effect: {why}"));
            assert_eq!(warned, Vec::from_iter(expected), "{lines:?}");
        }
    }

    #[test]
    fn passwords_in_clear_text_are_warned_of() {
        for (server, warns) in [
            ("ldap://ldap.example.org", true),
            ("ldap://127.0.0.1", false),
            ("ldap://localhost:3890", false),
            ("ldap://[::1]", false),
            ("starttls://ldap.example.org", false),
            ("ldaps://ldap.example.org", false),
        ] {
            let config: Config = toml::from_str(&format!("[ldap.corp]\nservers = [\"{server}\"]")).unwrap();
            assert_eq!((config.ldap["corp"].warnings("corp").count() == 1), warns, "{server}");
        }
    }
}
