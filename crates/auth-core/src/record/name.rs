//! Login names, and how spellings meet.

/// A name somebody may log in with. One resolver serves all protocols: the exact form, else the only one that
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

/// The form under which names that differ only in case meet: lower case, where that can be undone.
///
/// A letter that merely turns into another one's lower case, as the Kelvin sign K does into k, stays what it is:
/// it is no spelling of that letter, and nobody shall be taken for somebody else by it.
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
