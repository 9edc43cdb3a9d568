//! What is shown of the names by which users log in.

use auth_core::{LoginName, NameKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name by which a user can log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct NameView {
    /// `user-name`, `email` or `directory`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// Whether it is an address that its owner has proved to read.
    pub verified: bool,
}

impl NameView {
    /// What is shown of a name.
    #[must_use]
    pub fn of(name: &LoginName) -> Self {
        let kind = match name.kind {
            NameKind::UserName => "user-name",
            NameKind::Email => "email",
            _ => "directory",
        };
        Self { kind: kind.to_owned(), name: name.exact.clone(), verified: name.verified }
    }
}
