//! Realms.

use std::fmt;

use super::User;
use crate::RealmId;

/// An organisation: a set of users who log in under one name space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Realm {
    /// The realm's identifier.
    pub id: RealmId,
    /// The name that configurations and commands use: lower-case letters, digits, `-` and `_`.
    pub slug: String,
    /// The part of the host name before Zulip's `external_host`; `Some("")` is that host itself,
    /// `None` a realm that no host name leads to.
    pub subdomain: Option<String>,
    /// The display name.
    pub name: String,
    /// The address of its picture; may be empty.
    pub icon: String,
    /// The description as HTML; may be empty.
    pub description: String,
    /// Whether users may log in.
    pub active: bool,
    /// Whether users may log in with a password.
    pub password_login: bool,
    /// Whether new hashes are made so that Rocket.Chat clients may send SHA-256 of the password instead.
    pub digest_logins: bool,
    /// Whether people of the realm can log in with a password only if they have a second factor. On pages, one who has none
    /// sets one up.
    pub require_second_factor: bool,
    /// What a new password must fulfil, where it differs from the server's rule.
    pub strength: Option<StrengthRule>,
    /// The names of the password backends, in the order in which they are asked; empty means the local one alone.
    pub backends: Vec<String>,
}

impl Realm {
    /// The name of the backend of stored passwords.
    pub const LOCAL: &str = "local";

    /// An active realm with password logins and stored passwords, and nothing else set.
    #[must_use]
    pub fn new(id: RealmId, slug: impl Into<String>) -> Self {
        Self {
            id,
            slug: slug.into(),
            subdomain: None,
            name: String::new(),
            icon: String::new(),
            description: String::new(),
            active: true,
            password_login: true,
            digest_logins: false,
            require_second_factor: false,
            strength: None,
            backends: Vec::new(),
        }
    }

    /// Whether the realm demands a second factor of one of its users: of people, and of no bot.
    #[must_use]
    pub fn demands_second_factor_of(&self, user: &User) -> bool {
        self.require_second_factor && user.bot.is_none()
    }

    /// The names of the fields in which another state of the realm differs.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("subdomain", self.subdomain != other.subdomain),
            ("name", self.name != other.name),
            ("icon", self.icon != other.icon),
            ("description", self.description != other.description),
            ("active", self.active != other.active),
            ("password_login", self.password_login != other.password_login),
            ("digest_logins", self.digest_logins != other.digest_logins),
            ("require_second_factor", self.require_second_factor != other.require_second_factor),
            ("strength", self.strength != other.strength),
            ("backends", self.backends != other.backends),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }

    /// Whether stored passwords may be used to log in.
    #[must_use]
    pub fn asks_stored_passwords(&self) -> bool {
        self.backends.is_empty() || self.backends.iter().any(|backend| backend == Self::LOCAL)
    }

    /// Whether a backend beside the local one is asked: a directory.
    #[must_use]
    pub fn asks_a_directory(&self) -> bool {
        self.backends.iter().any(|backend| backend != Self::LOCAL)
    }
}

/// What is to be written of a realm: of one that is there what is named, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct RealmChange {
    /// The identifier, where the realm is new.
    pub id: RealmId,
    /// The name by which the realm is found.
    pub slug: String,
    /// [`Realm::subdomain`].
    pub subdomain: Option<Option<String>>,
    /// [`Realm::name`].
    pub name: Option<String>,
    /// [`Realm::icon`].
    pub icon: Option<String>,
    /// [`Realm::description`].
    pub description: Option<String>,
    /// [`Realm::active`].
    pub active: Option<bool>,
    /// [`Realm::password_login`].
    pub password_login: Option<bool>,
    /// [`Realm::digest_logins`].
    pub digest_logins: Option<bool>,
    /// [`Realm::require_second_factor`].
    pub require_second_factor: Option<bool>,
    /// [`StrengthRule::min_length`]; the rule goes where both are taken away.
    pub min_length: Option<Option<u32>>,
    /// [`StrengthRule::min_guesses`].
    pub min_guesses: Option<Option<u64>>,
    /// [`Realm::backends`].
    pub backends: Option<Vec<String>>,
}

impl RealmChange {
    /// A change of the realm of that slug that names nothing. A realm that is made has the slug as its name.
    #[must_use]
    pub fn new(id: RealmId, slug: impl Into<String>) -> Self {
        Self {
            id,
            slug: slug.into(),
            subdomain: None,
            name: None,
            icon: None,
            description: None,
            active: None,
            password_login: None,
            digest_logins: None,
            require_second_factor: None,
            min_length: None,
            min_guesses: None,
            backends: None,
        }
    }

    /// Checks what can be checked of a change alone. `has_backend` says whether a password backend has a name.
    ///
    /// # Errors
    /// [`BadRealm`] with what is wrong first.
    pub fn check(&self, has_backend: impl Fn(&str) -> bool) -> Result<(), BadRealm> {
        let is_host_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_slug_byte = |byte: u8| is_host_byte(byte) || byte == b'_';
        if self.slug.is_empty() || self.slug.len() > 64 || !self.slug.bytes().all(is_slug_byte) {
            return Err(BadRealm::Slug);
        }
        let subdomain = self.subdomain.as_ref().and_then(Option::as_ref);
        if subdomain.is_some_and(|name| name.len() > 63 || !name.bytes().all(is_host_byte)) {
            return Err(BadRealm::Subdomain);
        }
        if !self.backends.iter().flatten().all(|name| has_backend(name)) {
            return Err(BadRealm::Backends);
        }
        Ok(())
    }

    /// The realm with what is named: as it is known so far, or new.
    #[must_use]
    pub fn apply(self, known: Option<Realm>) -> Realm {
        let realm = known.unwrap_or_else(|| {
            let new = Realm::new(self.id, self.slug);
            Realm { name: new.slug.clone(), ..new }
        });
        let min_length = self.min_length.unwrap_or(realm.strength.map(|rule| rule.min_length));
        let min_guesses = self.min_guesses.unwrap_or(realm.strength.map(|rule| rule.min_guesses));
        let strength = (min_length.is_some() || min_guesses.is_some()).then(|| StrengthRule {
            min_length: min_length.unwrap_or(1),
            min_guesses: min_guesses.unwrap_or(0),
        });
        Realm {
            subdomain: self.subdomain.unwrap_or(realm.subdomain),
            name: self.name.unwrap_or(realm.name),
            icon: self.icon.unwrap_or(realm.icon),
            description: self.description.unwrap_or(realm.description),
            active: self.active.unwrap_or(realm.active),
            password_login: self.password_login.unwrap_or(realm.password_login),
            digest_logins: self.digest_logins.unwrap_or(realm.digest_logins),
            require_second_factor: self.require_second_factor.unwrap_or(realm.require_second_factor),
            strength,
            backends: self.backends.unwrap_or(realm.backends),
            ..realm
        }
    }
}

impl From<Realm> for RealmChange {
    /// A change that names everything.
    fn from(realm: Realm) -> Self {
        Self {
            id: realm.id,
            slug: realm.slug,
            subdomain: Some(realm.subdomain),
            name: Some(realm.name),
            icon: Some(realm.icon),
            description: Some(realm.description),
            active: Some(realm.active),
            password_login: Some(realm.password_login),
            digest_logins: Some(realm.digest_logins),
            require_second_factor: Some(realm.require_second_factor),
            min_length: Some(realm.strength.map(|rule| rule.min_length)),
            min_guesses: Some(realm.strength.map(|rule| rule.min_guesses)),
            backends: Some(realm.backends),
        }
    }
}

/// What is wrong with a realm that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadRealm {
    /// The slug is not one.
    Slug,
    /// The subdomain is not one.
    Subdomain,
    /// Another realm has the subdomain.
    SubdomainTaken,
    /// A backend is not configured.
    Backends,
}

impl fmt::Display for BadRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slug => "`realm` is not 1 to 64 lower-case letters, digits, - or _",
            Self::Subdomain => "`subdomain` is not up to 63 lower-case letters, digits or -",
            Self::SubdomainTaken => "another realm has this `subdomain`",
            Self::Backends => "`backends` names one that is not configured",
        })
    }
}

impl std::error::Error for BadRealm {}

/// What a new password must fulfil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two plain settings that operators write")]
pub struct StrengthRule {
    /// Fewest characters.
    pub min_length: u32,
    /// Fewest guesses by zxcvbn's estimate.
    pub min_guesses: u64,
}
