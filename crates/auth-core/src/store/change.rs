//! Changes of users: their attributes, and what a change revokes.

use crate::{CredentialId, CredentialKind, Language, LoginName, Role, Timestamp, User};

/// The attributes of a user that directories and owners change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it, stores take it apart")]
pub struct ProfileUpdate {
    /// The version of the user that the update was made from.
    pub version: u64,
    /// All names by which the user may log in.
    pub names: Vec<LoginName>,
    /// The display name.
    pub full_name: String,
    /// What the user may do.
    pub role: Role,
    /// The language of the user's mails.
    pub language: Option<Language>,
    /// Whether the user must choose a new password after the next login.
    pub must_change_password: bool,
}

impl ProfileUpdate {
    /// Gives a user other names, and leaves the rest as it is.
    #[must_use]
    pub fn with_names(user: &User, names: Vec<LoginName>) -> Self {
        Self {
            version: user.version,
            names,
            full_name: user.full_name.clone(),
            role: user.role,
            language: user.language,
            must_change_password: user.must_change_password,
        }
    }
}

/// The credentials that a change of an account revokes.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it, stores take it apart")]
pub struct Revocation<'a> {
    /// The valid-from stamp is moved to the later of this and one second after the old one, where this is set.
    pub valid_from: Option<Timestamp>,
    /// Credentials of these kinds are deleted.
    pub kinds: &'a [CredentialKind],
    /// The one that stays, such as the credential that asks for it.
    pub except: Option<CredentialId>,
}

impl Revocation<'_> {
    /// Nothing is revoked.
    pub const NOTHING: Self = Self { valid_from: None, kinds: &[], except: None };
}
