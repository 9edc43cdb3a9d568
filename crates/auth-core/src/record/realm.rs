//! Realms.

use crate::RealmId;

/// An organisation: a set of users who log in under one name space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Realm {
    /// Its identifier.
    pub id: RealmId,
    /// What configuration files and commands call it: lower-case letters, digits, `-` and `_`.
    pub slug: String,
    /// The part of the host name before the Zulip protocol's `external_host`; `Some("")` is that host itself,
    /// `None` a realm that no host name leads to.
    pub subdomain: Option<String>,
    /// What people call it.
    pub name: String,
    /// Address of its picture; may be empty.
    pub icon: String,
    /// Its description as HTML; may be empty.
    pub description: String,
    /// Whether anybody may log in.
    pub active: bool,
    /// Whether a password is a way in.
    pub password_login: bool,
    /// Whether new hashes are made so that Rocket.Chat clients may send SHA-256 of the password instead.
    pub digest_logins: bool,
    /// What a new password must fulfil, where it differs from the server's rule.
    pub strength: Option<StrengthRule>,
    /// Names of the password backends, in the order they are asked; empty means the local one alone.
    pub backends: Vec<String>,
}

impl Realm {
    /// The name of the backend of stored passwords.
    pub const LOCAL: &str = "local";

    /// A realm where nothing is set: active, with password log-in, asked of stored passwords alone.
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
            strength: None,
            backends: Vec::new(),
        }
    }

    /// Whether passwords that are stored here count.
    #[must_use]
    pub fn asks_stored_passwords(&self) -> bool {
        self.backends.is_empty() || self.backends.iter().any(|backend| backend == Self::LOCAL)
    }

    /// Whether somebody else is asked for passwords: a directory.
    #[must_use]
    pub fn asks_a_directory(&self) -> bool {
        self.backends.iter().any(|backend| backend != Self::LOCAL)
    }
}

/// What a new password must fulfil (zulip.md 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two plain settings that operators write")]
pub struct StrengthRule {
    /// Fewest characters.
    pub min_length: u32,
    /// Fewest guesses by zxcvbn's estimate.
    pub min_guesses: u64,
}
