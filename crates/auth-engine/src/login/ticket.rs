//! Tickets: a client whose password was right goes on at the second factor, without the password.
//!
//! A ticket says whose password was right, and of which directory's entry. It is worth nothing once the account's password
//! has changed, and after ten minutes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Entry, RealmId, Role, TextPurpose, Timestamp, Token, User, UserId};
use data_encoding::HEXLOWER;

use crate::sealed_texts::SealedTextService;

/// How long a ticket is good.
const LIFETIME: Duration = Duration::from_secs(600);

/// Makes and reads tickets.
pub(crate) struct Tickets {
    pub(crate) texts: Arc<SealedTextService>,
}

/// What a ticket says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) user: UserId,
    /// The user's stamp when the password was right.
    pub(crate) valid_from: Timestamp,
    /// The directory that accepted the password, and the entry whose password it was.
    pub(crate) entry: Option<(String, Entry)>,
}

impl Tickets {
    /// A ticket for a user whose password was right.
    pub(crate) fn issue(&self, user: &User, entry: Option<&(String, Entry)>) -> Token {
        let ticket = Ticket { user: user.id, valid_from: user.valid_from, entry: entry.cloned() };
        let until = self.texts.now() + LIFETIME;
        self.texts.seal(TextPurpose::LoginTicket, &user.realm.to_string(), &ticket.encode(), until)
    }

    /// Reads a ticket for a realm; `None` when it is not good.
    pub(crate) fn open(&self, realm: RealmId, ticket: &Token) -> Option<Ticket> {
        Ticket::decode(&self.texts.open(TextPurpose::LoginTicket, &realm.to_string(), ticket)?)
    }
}

impl Ticket {
    /// Lines: the user, the stamp, and for an entry the directory and its attributes, each in hexadecimal behind a sign, or
    /// empty where there is none.
    fn encode(&self) -> String {
        let mut lines = vec![HEXLOWER.encode(self.user.as_bytes()), self.valid_from.as_millis().to_string()];
        if let Some((directory, entry)) = &self.entry {
            // Groups are followed when the password is judged, not when the factor is.
            let Entry { id, user_name, email, full_name, role, groups: _ } = entry;
            let role = role.map(|role| role.as_str().to_owned());
            let fields = [
                Some(directory.clone()),
                Some(id.clone()),
                user_name.clone(),
                email.clone(),
                full_name.clone(),
                role,
            ];
            lines.extend(fields.into_iter().map(|field| {
                field.map(|text| format!("={}", HEXLOWER.encode(text.as_bytes()))).unwrap_or_default()
            }));
        }
        lines.join("\n")
    }

    fn decode(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let user: [u8; 16] = HEXLOWER.decode(lines.next()?.as_bytes()).ok()?.try_into().ok()?;
        let valid_from = Timestamp::from_millis(lines.next()?.parse().ok()?);
        let fields: Vec<Option<String>> = lines.map(field).collect::<Option<_>>()?;
        let entry = match <[Option<String>; 6]>::try_from(fields) {
            Ok([Some(directory), Some(id), user_name, email, full_name, role]) => {
                let role = match role {
                    Some(role) => Some(Role::from_name(&role)?),
                    None => None,
                };
                Some((directory, Entry { id, user_name, email, full_name, role, groups: None }))
            }
            Err(none) if none.is_empty() => None,
            _ => return None,
        };
        Some(Self { user: UserId::from_bytes(user), valid_from, entry })
    }
}

/// A field of an entry: `Some(None)` where the entry has none, `None` where the line is none.
#[expect(clippy::option_option, reason = "no line, and a line for an attribute that is not there")]
fn field(line: &str) -> Option<Option<String>> {
    match line.strip_prefix('=') {
        None if line.is_empty() => Some(None),
        None => None,
        Some(digits) => String::from_utf8(HEXLOWER.decode(digits.as_bytes()).ok()?).ok().map(Some),
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ticket_has_the_lines_of_an_entry_or_none_and_each_with_its_sign() {
        let user = "07".repeat(16);
        let is_ticket = |lines: &str| Ticket::decode(&format!("{user}\n1700000000000{lines}")).is_some();
        assert!(is_ticket("") && is_ticket("\n=61\n=62\n\n=63\n\n"));
        for (lines, why) in [
            ("\n", "one line of an entry"),
            ("\n=61\n=62\n=63\n=64\n=65", "five lines"),
            ("\n=61\n=62\n=63\n=64\n=65\n=member\n", "seven lines"),
            ("\n=61\n=62\n63\n\n\n", "a user name without its sign"),
            ("\n\n=62\n\n\n\n", "no directory"),
            ("\n=61\n=6\n\n\n\n", "half a byte"),
        ] {
            assert!(!is_ticket(lines), "{why}");
        }
    }

    proptest! {
        #[test]
        fn tickets_are_read_as_they_were_written(
            user in any::<[u8; 16]>(),
            valid_from in any::<i32>(),
            directory in ".{0,20}",
            attributes in any::<[Option<String>; 3]>(),
            id in ".{0,20}",
            has_entry in any::<bool>(),
            is_admin in any::<bool>(),
        ) {
            let [user_name, email, full_name] = attributes;
            let role = is_admin.then_some(Role::Admin);
            let entry = Entry { id, user_name, email, full_name, role, groups: None };
            let ticket = Ticket {
                user: UserId::from_bytes(user),
                valid_from: Timestamp::from_millis(valid_from.into()),
                entry: has_entry.then_some((directory, entry)),
            };
            prop_assert_eq!(Ticket::decode(&ticket.encode()), Some(ticket));
        }

        #[test]
        fn other_texts_are_no_tickets(text in "[0-9a-f=\n]{0,80}") {
            let _ = Ticket::decode(&text);
        }
    }
}
