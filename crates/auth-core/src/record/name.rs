//! Login names, and how spellings are matched.

/// A name by which a user may log in. One rule finds users for all protocols: the exact form, else the only one that folds
/// alike, else no user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct LoginName {
    /// The kind of name.
    pub kind: NameKind,
    /// The name as written.
    pub exact: String,
    /// For an e-mail address: whether its owner has proved control of it, or a directory or an import vouches for it.
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

/// The form in which names that differ only in case are equal: lower case, where that can be undone.
///
/// A letter that merely has another letter's lower case, as the Kelvin sign K has k, stays as it is: it is no spelling of
/// that letter, and must not lead to another user's account.
///
/// ```
/// use auth_core::fold;
/// assert_eq!(fold("Zoë.ÄGIR@Example.COM"), "zoë.ägir@example.com");
/// assert_ne!(fold("\u{212A}ing"), "king");
/// ```
#[must_use]
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.chars()
        .map(|letter| match (letter.to_lowercase().next(), letter.to_lowercase().count()) {
            (Some(lower), 1) if lower.to_uppercase().eq([letter]) => lower,
            _ => letter,
        })
        .collect()
}
