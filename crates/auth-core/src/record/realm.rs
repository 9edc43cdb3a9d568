//! Realms.

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
            strength: None,
            backends: Vec::new(),
        }
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

/// What a new password must fulfil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two plain settings that operators write")]
pub struct StrengthRule {
    /// Fewest characters.
    pub min_length: u32,
    /// Fewest guesses by zxcvbn's estimate.
    pub min_guesses: u64,
}
