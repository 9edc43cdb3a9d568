//! The configuration of a directory.

use std::time::Duration;

use auth_core::{Password, Role};
use auth_outbound::client_config;

use crate::access::RealmAccess;
use crate::error::ConfigError;
use crate::filter;
use crate::server::Server;

/// The configuration of a [`Directory`](crate::Directory): its servers, and how it finds and reads entries.
///
/// ```
/// use auth_ldap::{ConfigError, DirectoryConfig, Server};
///
/// let mut config = DirectoryConfig::new("corp", "ou=people,dc=example,dc=org");
/// assert_eq!(config.validate(), Err(ConfigError::InvalidServer));
///
/// config.servers.push(Server::parse("starttls://ldap.example.org")?);
/// config.filter = "(objectClass=inetOrgPerson)".into();
/// config.validate()?;
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct DirectoryConfig {
    /// The name under which realms list the directory among their backends.
    pub name: String,
    /// The servers, in the order in which they are tried. At least one is required.
    pub servers: Vec<Server>,
    /// The certificates to trust, in PEM: authorities, or servers' own, which are pinned. `None` trusts the system's.
    pub ca_certificates: Option<Vec<u8>>,
    /// The most connections that are open at once.
    pub connections: usize,
    /// The time limit for connecting to a server, including the TLS handshake.
    pub connect_timeout: Duration,
    /// The time limit for each request to a server, and for the wait for a free connection.
    pub timeout: Duration,
    /// How entries are searched for and passwords are tried.
    pub bind: BindMethod,
    /// The distinguished name below which people are searched for.
    pub base: String,
    /// A filter that people's entries must match, such as `(objectClass=person)`; empty matches all.
    pub filter: String,
    /// How a typed name leads to an entry.
    pub names: NameLookup,
    /// Which attributes of an entry are read.
    pub attributes: AttributeNames,
    /// Which groups give which role.
    pub groups: GroupRoles,
    /// Which groups are carried over, with their members.
    pub carried: CarriedGroups,
    /// Which entries may log in to which realm.
    pub access: RealmAccess,
}

impl DirectoryConfig {
    /// The default configuration for people below the distinguished name `base`: eight connections, limits of three
    /// seconds to connect and five for a request, an anonymous search, and OpenLDAP's attributes. It has no server.
    #[must_use]
    pub fn new(name: impl Into<String>, base: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            servers: Vec::new(),
            ca_certificates: None,
            connections: 8,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(5),
            bind: BindMethod::ServiceAccount { dn: String::new(), password: Password::new("") },
            base: base.into(),
            filter: String::new(),
            names: NameLookup::default(),
            attributes: AttributeNames::default(),
            groups: GroupRoles::default(),
            carried: CarriedGroups::default(),
            access: RealmAccess::default(),
        }
    }

    /// Checks that a directory can be opened with this configuration. Makes no connection.
    ///
    /// # Errors
    /// The first mistake, as a [`ConfigError`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        let Self { names, attributes, groups, carried, .. } = self;
        if let Some(pem) = &self.ca_certificates {
            client_config(Some(pem))?;
        }
        if self.servers.is_empty() {
            return Err(ConfigError::InvalidServer);
        }
        match &self.bind {
            BindMethod::ServiceAccount { dn, password } if !dn.is_empty() && password.expose().is_empty() => {
                return Err(ConfigError::NoServicePassword);
            }
            BindMethod::Direct { template } if !template.contains(filter::USER) => {
                return Err(ConfigError::NoUserPlaceholder("name to bind as"));
            }
            _ => {}
        }
        if !self.filter.is_empty() {
            filter::check(&self.filter, "filter of people")?;
        }
        if !groups.base.is_empty() {
            filter::check(&groups.filter, "filter of groups")?;
        }
        if !carried.base.is_empty() {
            filter::check(&carried.filter, "filter of groups that are carried over")?;
            filter::check_attribute(&carried.name, "name attribute of groups")?;
            filter::check_attribute(&carried.members, "members attribute of groups")?;
        }
        if names.search_attributes.is_empty() {
            return Err(ConfigError::Missing("attribute that names are looked for in"));
        }
        let required = [
            (&attributes.id, "id attribute"),
            (&attributes.user, "user name attribute"),
            (&attributes.full_name, "full name attribute"),
            (&groups.attribute, "group attribute"),
        ];
        let searched = names.search_attributes.iter().map(|name| (name, "searched attribute"));
        let optional =
            [(&attributes.email, "e-mail attribute"), (&attributes.disabled, "disabled attribute")];
        let optional = optional.into_iter().filter(|(name, _)| !name.is_empty());
        for (name, what) in required.into_iter().chain(searched).chain(optional) {
            filter::check_attribute(name, what)?;
        }
        self.access
            .attributes()
            .try_for_each(|name| filter::check_attribute(name, "attribute of access rules"))
    }
}

/// How entries are searched for and passwords are tried.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the server fills it in from its configuration")]
pub enum BindMethod {
    /// A service account searches for the entry of the typed name, then the password is tried on that entry. An empty
    /// `dn` searches anonymously.
    ServiceAccount {
        /// The distinguished name of the service account.
        dn: String,
        /// The password of the service account.
        password: Password,
    },
    /// The password is tried on a name made from the typed one, then that entry is read with its own rights. The
    /// name is a distinguished name, or a login name as Active Directory takes it, such as `{user}@example.org`.
    Direct {
        /// The name to bind as, with the placeholder `{user}` for the typed user name.
        template: String,
    },
}

/// How a typed name leads to an entry (docs/contract/zulip.md, section 7).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct NameLookup {
    /// The attributes that are searched for a typed name. At least one is required.
    pub search_attributes: Vec<String>,
    /// The domain of all e-mail addresses. An entry's address is then its user name in this domain, and a typed
    /// address means the user name before the `@`.
    pub append_domain: Option<String>,
    /// Whether a typed address is searched for in the e-mail attribute first.
    pub search_email: bool,
}

impl Default for NameLookup {
    fn default() -> Self {
        Self { search_attributes: vec!["uid".into()], append_domain: None, search_email: true }
    }
}

/// The names of the attributes that describe a person.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct AttributeNames {
    /// An identifier that is unique and never changes.
    pub id: String,
    /// The user name.
    pub user: String,
    /// The e-mail address. If empty, a user name that contains `@` is the address.
    pub email: String,
    /// The full name, as shown to others.
    pub full_name: String,
    /// An attribute that disables the entry if its value is `TRUE`, `YES` or `1`; empty for none. Active Directory's
    /// `userAccountControl` is always read as well.
    pub disabled: String,
}

impl Default for AttributeNames {
    /// The attributes of OpenLDAP.
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

/// Which groups give which role.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct GroupRoles {
    /// The attribute of a person's entry that lists the person's groups. It is read only if `base` is empty.
    pub attribute: String,
    /// The distinguished name below which groups are searched for; empty reads `attribute` instead.
    pub base: String,
    /// The filter for a person's groups. `{dn}` stands for the distinguished name of the person's entry, `{user}` for
    /// the user name.
    pub filter: String,
    /// Roles, each with the distinguished name of the group that gives it. A person in several groups gets the most
    /// powerful role. If empty, the directory does not set roles.
    pub roles: Vec<(Role, String)>,
}

impl Default for GroupRoles {
    fn default() -> Self {
        Self {
            attribute: "memberOf".into(),
            base: String::new(),
            filter: "(member={dn})".into(),
            roles: Vec::new(),
        }
    }
}

/// Which groups are carried over: made in the store, with the people of the directory who are in them.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct CarriedGroups {
    /// The distinguished name below which groups are searched for; empty for none.
    pub base: String,
    /// The filter that groups' entries must match.
    pub filter: String,
    /// The attribute of a group's name.
    pub name: String,
    /// The attribute that lists a group's members.
    pub members: String,
    /// By what members are listed.
    pub member: MemberForm,
    /// Groups that people's own entries list ([`GroupRoles::attribute`]): each by its distinguished name, with the name that it
    /// gets.
    pub named: Vec<(String, String)>,
}

/// By what a group lists its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server fills it in from its configuration")]
pub enum MemberForm {
    /// By the distinguished names of their entries, as in `member`.
    EntryName,
    /// By their user names, as in `memberUid`.
    UserName,
}

impl CarriedGroups {
    /// Whether any group is carried over.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.base.is_empty() || !self.named.is_empty()
    }
}

impl Default for CarriedGroups {
    /// No groups; where a base is set, OpenLDAP's attributes.
    fn default() -> Self {
        Self {
            base: String::new(),
            filter: "(objectClass=groupOfNames)".into(),
            name: "cn".into(),
            members: "member".into(),
            member: MemberForm::EntryName,
            named: Vec::new(),
        }
    }
}
