/// A name somebody may log in with. One resolver serves all doors: the exact form, else the only one that
/// folds alike, else nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct LoginName {
    /// What kind of name it is.
    pub kind: NameKind,
    /// As written.
    pub exact: String,
    /// For an e-mail address: whether its owner has shown to read its mail.
    pub verified: bool,
}

/// The name spaces of a realm. A name is unique in its exact form within its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NameKind {
    /// A user name: Rocket.Chat's `username`, Zettelstore's `user-id`.
    UserName,
    /// An e-mail address: Zulip's login name.
    Email,
    /// The name of an entry in a directory.
    Directory,
}

impl NameKind {
    /// Every kind, in the order stores number them.
    pub const ALL: [Self; 3] = [Self::UserName, Self::Email, Self::Directory];
}

/// The form under which names that differ only in case meet: Unicode lower case.
#[must_use]
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}
