//! What the operator says of a directory.

use std::time::Duration;

use auth_core::{Password, Role};

use crate::access::Access;
use crate::{filter, tls};

/// A directory, and how people are found in it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct Settings {
    /// The name under which realms list it among their backends.
    pub name: String,
    /// The servers, in the order in which they are tried.
    pub servers: Vec<Server>,
    /// Certificates of the authorities that are believed, in PEM; `None` believes the system's.
    pub authorities: Option<Vec<u8>>,
    /// How many connections are open at most.
    pub connections: usize,
    /// How long it may take to reach a server, TLS and all.
    pub connect_timeout: Duration,
    /// How long a server may take over a request, and a log-in may wait for a connection.
    pub timeout: Duration,
    /// How entries are read, and passwords tried.
    pub bind: Bind,
    /// The name below which people are.
    pub base: String,
    /// What is asked of their entries besides, as in `(objectClass=person)`; empty asks nothing.
    pub filter: String,
    /// What people type.
    pub naming: Naming,
    /// Where entries say what.
    pub attributes: Attributes,
    /// Groups that make a role.
    pub groups: Groups,
    /// Which entries may use which realm.
    pub access: Access,
}

impl Settings {
    /// The ordinary settings for people below `base`. It has no server yet.
    #[must_use]
    pub fn new(name: impl Into<String>, base: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            servers: Vec::new(),
            authorities: None,
            connections: 8,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(5),
            bind: Bind::Service { dn: String::new(), password: Password::new("") },
            base: base.into(),
            filter: String::new(),
            naming: Naming::default(),
            attributes: Attributes::default(),
            groups: Groups::default(),
            access: Access::default(),
        }
    }

    /// Whether a directory can be opened with them.
    ///
    /// # Errors
    /// [`SettingsError`]: the first thing that is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        let Self { naming, attributes, groups, .. } = self;
        if let Some(pem) = &self.authorities {
            tls::config(Some(pem))?;
        }
        if self.servers.is_empty() {
            return Err(SettingsError::Server);
        }
        match &self.bind {
            Bind::Service { dn, password } if !dn.is_empty() && password.expose().is_empty() => {
                return Err(SettingsError::NoServicePassword);
            }
            Bind::Direct { template } if !template.contains(filter::USER) => {
                return Err(SettingsError::NoPlace("name to bind as"));
            }
            _ => {}
        }
        if !self.filter.is_empty() {
            filter::check(&self.filter, "filter of people")?;
        }
        if !groups.base.is_empty() {
            filter::check(&groups.filter, "filter of groups")?;
        }
        if naming.search.is_empty() {
            return Err(SettingsError::Missing("attribute that names are looked for in"));
        }
        let named = [
            (&attributes.id, "id attribute"),
            (&attributes.user, "user name attribute"),
            (&attributes.full_name, "full name attribute"),
            (&groups.attribute, "group attribute"),
        ];
        let searched = naming.search.iter().map(|name| (name, "searched attribute"));
        let optional =
            [(&attributes.email, "e-mail attribute"), (&attributes.disabled, "disabled attribute")];
        let optional = optional.into_iter().filter(|(name, _)| !name.is_empty());
        for (name, what) in named.into_iter().chain(searched).chain(optional) {
            filter::check_attribute(name, what)?;
        }
        self.access
            .attributes()
            .try_for_each(|name| filter::check_attribute(name, "attribute of access rules"))
    }
}

/// A directory's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address as ldap3 takes it.
    pub(crate) url: String,
    /// Whether TLS is asked for after the connection is made.
    pub(crate) starttls: bool,
}

impl Server {
    /// `ldap://` for no TLS, `starttls://` for TLS that is asked for, `ldaps://` for TLS from the start; a host, and
    /// a port where it isn't the usual one.
    ///
    /// # Errors
    /// [`SettingsError::Server`] for anything else.
    ///
    /// ```
    /// use auth_ldap::Server;
    /// assert!(Server::parse("ldaps://ldap.example.org:1636").is_ok());
    /// assert!(Server::parse("ldap.example.org").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let (scheme, authority) = text.split_once("://").ok_or(SettingsError::Server)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (scheme, starttls) = match scheme {
            "ldap" => ("ldap", false),
            "starttls" => ("ldap", true),
            "ldaps" => ("ldaps", false),
            _ => return Err(SettingsError::Server),
        };
        let (host, rest) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some(parts) => parts,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
        let is_host = !host.is_empty() && host.bytes().all(host_byte);
        let port = rest.strip_prefix(':').and_then(|port| port.parse::<u16>().ok());
        if !is_host || !(rest.is_empty() || port.is_some_and(|port| port != 0)) {
            return Err(SettingsError::Server);
        }
        Ok(Self { url: format!("{scheme}://{authority}"), starttls })
    }

    /// Whether passwords travel protected.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.starttls || self.url.starts_with("ldaps:")
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.url.split_once("://").map_or("", |(_, authority)| authority);
        match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, _)) => host,
            None => authority.split_once(':').map_or(authority, |(host, _)| host),
        }
    }
}

/// How entries are read, and passwords tried.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the server fills it in from its configuration")]
pub enum Bind {
    /// A service account searches; the entry that it finds is bound as. An empty name searches as nobody.
    Service {
        /// Its name.
        dn: String,
        /// Its password.
        password: Password,
    },
    /// The name to bind as is made of the typed one, in the place of `{user}`: a distinguished name, or a log-in
    /// name as Active Directory takes it (`{user}@example.org`).
    Direct {
        /// With `{user}` in it.
        template: String,
    },
}

/// What people type, and which entry that means (zulip.md 7).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct Naming {
    /// Attributes that a typed name is looked for in.
    pub search: Vec<String>,
    /// The domain of all addresses: an entry's is its user name in it, and a typed address means the user name
    /// before it.
    pub append_domain: Option<String>,
    /// Whether a typed address is looked for in the e-mail attribute first.
    pub by_email: bool,
}

impl Default for Naming {
    fn default() -> Self {
        Self { search: vec!["uid".into()], append_domain: None, by_email: true }
    }
}

/// Where entries say what.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct Attributes {
    /// What never changes and is nobody else's.
    pub id: String,
    /// The user name.
    pub user: String,
    /// The e-mail address; empty takes the user name for one.
    pub email: String,
    /// What people call it.
    pub full_name: String,
    /// `TRUE` or `YES` says that the entry is disabled; empty asks for none. Active Directory's
    /// `userAccountControl` is always looked at.
    pub disabled: String,
}

impl Default for Attributes {
    /// OpenLDAP's.
    fn default() -> Self {
        Self {
            id: "entryUUID".into(),
            user: "uid".into(),
            email: "mail".into(),
            full_name: "cn".into(),
            disabled: String::new(),
        }
    }
}

/// Groups that make a role.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct Groups {
    /// The attribute of a person's entry that lists its groups.
    pub attribute: String,
    /// Where groups are looked for instead; empty looks at the attribute alone.
    pub base: String,
    /// Which of them are a person's: `{dn}` is its entry's name, `{user}` its user name.
    pub filter: String,
    /// Names of groups and the role of whoever is in them; the most powerful counts. Without any, the directory
    /// has no say in roles.
    pub roles: Vec<(Role, String)>,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            attribute: "memberOf".into(),
            base: String::new(),
            filter: "(member={dn})".into(),
            roles: Vec::new(),
        }
    }
}

/// Why a directory can't be opened as told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No server, or none that can be read.
    #[error("a server is written like ldap://host:389, starttls://host or ldaps://host")]
    Server,
    /// A service account without a password: servers let anybody in who names one.
    #[error("the service account has no password")]
    NoServicePassword,
    /// A filter that can't be read.
    #[error("the {0} is no LDAP filter such as (objectClass=person)")]
    Filter(&'static str),
    /// The place of the name is missing.
    #[error("the {0} has no {{user}} in it")]
    NoPlace(&'static str),
    /// Something that must be said is empty.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// Something is no name of an attribute.
    #[error("the {0} is no name of an attribute")]
    Attribute(&'static str),
    /// The certificates can't be read, or there are none.
    #[error("the authorities' certificates can't be read: a file in PEM is expected")]
    Authorities,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_as_addresses() {
        for (text, url, starttls, host) in [
            ("ldap://ldap.example.org", "ldap://ldap.example.org", false, "ldap.example.org"),
            ("ldap://127.0.0.1:3890/", "ldap://127.0.0.1:3890", false, "127.0.0.1"),
            ("starttls://[::1]:3890", "ldap://[::1]:3890", true, "::1"),
            ("ldaps://dc_1.example.org", "ldaps://dc_1.example.org", false, "dc_1.example.org"),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!((server.url.as_str(), server.starttls, server.host()), (url, starttls, host));
            assert_eq!(server.is_protected(), !text.starts_with("ldap:"), "{text}");
        }
        for text in [
            "",
            "ldap.example.org",
            "ldap://",
            "ldap://:389",
            "ldap://a:0",
            "ldap://a:66000",
            "ldap://a:",
            "ldap://a/dc=x",
            "ldap://user@a",
            "ldap://a?b",
            "ldapi:///x",
            "http://a",
            "ldap://[::1]x",
        ] {
            assert_eq!(Server::parse(text), Err(SettingsError::Server), "{text}");
        }
    }
}
