//! The user of a socket in the collection `users`, which clients copy: sent at a login, kept up to date, and taken back.

use auth_core::{NameKind, ProtocolName, User};
use serde::Serialize;

use super::message::Message;

/// The collection.
const USERS: &str = "users";

/// The fields that Meteor shows to every user of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct UserFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Vec<Email>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Email {
    address: String,
    verified: bool,
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
    id: String,
    fields: UserFields,
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

/// The frames that make a client's copy of one document into another; none where they are the same.
pub(super) fn difference(old: Option<&UserDocument>, new: Option<&UserDocument>) -> Vec<String> {
    let removed = |old: &UserDocument| Message::Removed { collection: USERS, id: &old.id }.encode();
    let added =
        |new: &UserDocument| Message::Added { collection: USERS, id: &new.id, fields: &new.fields }.encode();
    match (old, new) {
        (Some(old), Some(new)) if old == new => Vec::new(),
        (Some(old), Some(new)) if old.id == new.id => vec![changed(new, &old.fields)],
        (old, new) => old.map(removed).into_iter().chain(new.map(added)).collect(),
    }
}

/// The frame with the fields that differ.
fn changed(new: &UserDocument, old: &UserFields) -> String {
    let UserFields { username, emails } = &new.fields;
    let fields = UserFields {
        username: username.clone().filter(|_| *username != old.username),
        emails: emails.clone().filter(|_| *emails != old.emails),
    };
    let gone = [
        ("username", old.username.is_some() && username.is_none()),
        ("emails", old.emails.is_some() && emails.is_none()),
    ];
    let cleared = gone.into_iter().filter(|(_, is_gone)| *is_gone).map(|(name, _)| name).collect();
    Message::Changed { collection: USERS, id: &new.id, fields: &fields, cleared }.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(username: Option<&str>, address: Option<(&str, bool)>) -> UserDocument {
        let email = |(address, verified): (&str, bool)| vec![Email { address: address.to_owned(), verified }];
        UserDocument {
            id: "u1".into(),
            fields: UserFields { username: username.map(str::to_owned), emails: address.map(email) },
        }
    }

    #[test]
    fn differences_are_these_bytes() {
        let ada = document(Some("ada"), Some(("ada@example.org", false)));
        fn check(old: Option<&UserDocument>, new: Option<&UserDocument>, expected: &[&str]) {
            assert_eq!(difference(old, new), expected);
        }
        check(None, None, &[]);
        check(Some(&ada), Some(&ada), &[]);
        check(
            None,
            Some(&ada),
            &[
                r#"{"msg":"added","collection":"users","id":"u1","fields":{"username":"ada","emails":[{"address":"ada@example.org","verified":false}]}}"#,
            ],
        );
        check(Some(&ada), None, &[r#"{"msg":"removed","collection":"users","id":"u1"}"#]);
        check(
            Some(&ada),
            Some(&document(Some("ada"), Some(("ada@example.org", true)))),
            &[
                r#"{"msg":"changed","collection":"users","id":"u1","fields":{"emails":[{"address":"ada@example.org","verified":true}]}}"#,
            ],
        );
        check(
            Some(&ada),
            Some(&document(None, Some(("ada@example.org", false)))),
            &[r#"{"msg":"changed","collection":"users","id":"u1","cleared":["username"]}"#],
        );
        let other = UserDocument { id: "u2".into(), ..document(Some("bob"), None) };
        check(
            Some(&ada),
            Some(&other),
            &[
                r#"{"msg":"removed","collection":"users","id":"u1"}"#,
                r#"{"msg":"added","collection":"users","id":"u2","fields":{"username":"bob"}}"#,
            ],
        );
    }
}
