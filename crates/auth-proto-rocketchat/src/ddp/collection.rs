//! A client's copy of the collection `users`: filled at a login, kept up to date, and emptied at a logout.

use super::message::Message;
use super::user_document::{UserDocument, UserFields};

/// The collection.
const USERS: &str = "users";

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
    use crate::ddp::user_document::Email;

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
