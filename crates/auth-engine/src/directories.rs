//! Which accounts belong to a directory, and what directories may do to accounts.

use std::collections::BTreeMap;

use auth_core::{Account, NameKind, Realm};

use crate::config::DirectoryConfig;

/// The configured directories, by name.
#[derive(Clone, Debug, Default)]
pub struct Directories(BTreeMap<String, DirectoryConfig>);

impl Directories {
    pub(crate) fn new(directories: BTreeMap<String, DirectoryConfig>) -> Self {
        Self(directories)
    }

    /// The rights of a directory; `None` where a backend of that name is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&DirectoryConfig> {
        self.0.get(name)
    }

    /// The names of the directories that a realm lists, in its order.
    pub(crate) fn names_of<'a>(&'a self, realm: &'a Realm) -> impl Iterator<Item = &'a str> {
        realm.backends.iter().filter(|name| self.0.contains_key(*name)).map(String::as_str)
    }

    /// The rights of the directories that a realm lists.
    pub fn of<'a>(&'a self, realm: &'a Realm) -> impl Iterator<Item = &'a DirectoryConfig> {
        realm.backends.iter().filter_map(|name| self.0.get(name))
    }

    /// Whether a directory of the realm judges an account's password.
    #[must_use]
    pub fn judge_password_of(&self, realm: &Realm, account: &Account) -> bool {
        account.user.name(NameKind::Directory).is_some() && self.of(realm).next().is_some()
    }

    /// Whether an account may log in with its stored password, if it has one.
    #[must_use]
    pub fn accept_stored_password(&self, realm: &Realm, account: &Account) -> bool {
        !self.judge_password_of(realm, account) || self.of(realm).any(|directory| directory.local_passwords)
    }
}
