//! The user of a socket as a document of the collection `users`.

use auth_core::{NameKind, ProtocolName, User};
use serde::Serialize;

/// The fields that Meteor shows to every user of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct UserFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) emails: Option<Vec<Email>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Email {
    pub(super) address: String,
    pub(super) verified: bool,
}

impl UserFields {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference to a reference")]
    pub(super) fn is_empty(fields: &&Self) -> bool {
        **fields == Self::default()
    }
}

/// A user as a client's copy of the collection has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserDocument {
    pub(super) id: String,
    pub(super) fields: UserFields,
}

impl UserDocument {
    pub(super) fn of(user: &User) -> Self {
        let emails = user.names.iter().filter(|name| name.kind == NameKind::Email);
        let emails: Vec<_> =
            emails.map(|name| Email { address: name.exact.clone(), verified: name.verified }).collect();
        Self {
            id: user.external_text(ProtocolName::ROCKETCHAT).to_owned(),
            fields: UserFields {
                username: user.user_name().map(str::to_owned),
                emails: Some(emails).filter(|emails| !emails.is_empty()),
            },
        }
    }
}
