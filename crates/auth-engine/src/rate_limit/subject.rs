//! What limits count: clients, networks of clients, and accounts by their names or their ids.

use std::fmt;

use auth_core::{
    ClientKey, ClientNetwork, CredentialKind, Identifier, LoginAttempt, LoginMethod, NameKind, RealmId, User,
    UserId, fold,
};
use auth_crypto::opaque::digest;
use data_encoding::HEXLOWER;

/// What a counter counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A client key.
    Client(ClientKey),
    /// A network around a client key.
    Network(ClientNetwork),
    /// A name, whatever the spelling, from one client key.
    Name(NameKey, ClientKey),
    /// An account, whatever the name, from one client key.
    Account(UserId, ClientKey),
    /// A name as typed, from anywhere.
    Typed(TextKey),
    /// A user name, from anywhere.
    UserName(RealmId, TextKey),
    /// An account, from anywhere.
    Anywhere(UserId),
    /// An account, from the client keys that it has not logged in from.
    Strangers(UserId),
    /// An address, of which an account need not be known.
    Address(TextKey),
    /// Mails to an account with a credential of one kind.
    Mail(CredentialKind, UserId),
}

/// A name of a realm, whatever the spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameKey {
    realm: RealmId,
    kind: Option<NameKind>,
    name: TextKey,
}

/// The bytes of a text that are kept for an operator to read.
const BEGINNING: usize = 64;

/// A text that a client sent, as a key: texts are as long as the client likes, keys are not. Two are equal when their digests
/// are, since the beginning follows from the same text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct TextKey {
    digest: [u8; 32],
    beginning: Box<str>,
}

impl TextKey {
    fn of(text: &str) -> Self {
        Self { digest: *digest(text).as_bytes(), beginning: beginning(text).into() }
    }

    /// Whether it begins like a name, whatever the spelling: as far as it is kept.
    fn folds_like(&self, name: &str) -> bool {
        beginning(&fold(self.beginning.trim())) == beginning(&fold(name))
    }
}

impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.digest))
    }
}

/// The beginning of a text, cut between two characters.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BEGINNING)).unwrap_or_default()
}

impl NameKey {
    pub(super) fn new(realm: RealmId, who: &Identifier) -> Self {
        let kind = if let Identifier::Name { kind, .. } = who { Some(*kind) } else { None };
        Self { realm, kind, name: TextKey::of(&fold(who.typed().trim())) }
    }
}

impl Subject {
    /// The name that came with the password of an attempt, from its client; `None` without one.
    pub(super) fn name_of(attempt: &LoginAttempt) -> Option<Self> {
        let who = password_login_name(attempt)?;
        Some(Self::Name(NameKey::new(attempt.realm.id, who), attempt.peer.client_key()))
    }

    /// The name that came with the password of an attempt, as typed; `None` without one.
    pub(super) fn typed_of(attempt: &LoginAttempt) -> Option<Self> {
        Some(Self::Typed(TextKey::of(&password_login_name(attempt)?.typed())))
    }

    /// The user name that came with the password of an attempt; `None` without one.
    pub(super) fn typed_user_name_of(attempt: &LoginAttempt) -> Option<Self> {
        match password_login_name(attempt)? {
            Identifier::Name { kind: NameKind::UserName, typed } => {
                Some(Self::UserName(attempt.realm.id, TextKey::of(&fold(typed))))
            }
            _ => None,
        }
    }

    /// An address to which a link is asked for: as typed, or whatever the spelling.
    pub(super) fn address(typed: &str, is_as_typed: bool) -> Self {
        if is_as_typed {
            Self::Address(TextKey::of(typed))
        } else {
            Self::Address(TextKey::of(&fold(typed.trim())))
        }
    }

    /// The user name of a user.
    pub(super) fn user_name_of(user: &User) -> Option<Self> {
        Some(Self::UserName(user.realm, TextKey::of(&fold(user.user_name()?))))
    }

    /// The name under which the servers of a store count the subject together; `None` where each server counts alone.
    pub(super) fn shared_name(&self) -> Option<String> {
        match self {
            Self::Client(client) => Some(format!("network {client}")),
            Self::Network(network) => Some(format!("network {network}")),
            Self::Name(NameKey { realm, kind, name }, client) => {
                Some(format!("account name {realm} {kind:?} {} {client}", HEXLOWER.encode(&name.digest)))
            }
            Self::Account(user, client) => Some(format!("account user {user} {client}")),
            Self::Anywhere(user) => Some(format!("user {user} anywhere")),
            Self::Strangers(user) => Some(format!("user {user} strangers")),
            Self::Address(address) => Some(format!("address {}", HEXLOWER.encode(&address.digest))),
            Self::Mail(kind, user) => Some(format!("mail {} user {user}", kind.as_str())),
            Self::Typed(_) | Self::UserName(..) => None,
        }
    }

    /// Whom the subject is, for people to read. Names are left out: a password may have been typed in the wrong field.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Client(client) => format!("client {client}"),
            Self::Network(network) => format!("network {network}"),
            Self::Name(_, client) => format!("name from client {client}"),
            Self::Account(_, client) => format!("account from client {client}"),
            Self::Anywhere(_) => "account from anywhere".into(),
            Self::Strangers(_) => "account from unknown clients".into(),
            Self::Address(_) => "address".into(),
            Self::Mail(kind, _) => format!("account, mails with {}", kind.as_str()),
            Self::Typed(_) | Self::UserName(..) => "name".into(),
        }
    }

    /// The name that was typed, as far as it is kept; `None` for a subject that is none. Only operators read it.
    pub(super) fn typed_name(&self) -> Option<&str> {
        match self {
            Self::Name(NameKey { name, .. }, _)
            | Self::Typed(name)
            | Self::UserName(_, name)
            | Self::Address(name) => Some(&name.beginning),
            _ => None,
        }
    }

    /// Whether it counts a user, by the id or by one of the names.
    pub(super) fn is_of(&self, user: &User) -> bool {
        let has = |text: &TextKey| user.names.iter().any(|name| text.folds_like(&name.exact));
        match self {
            Self::Account(id, _) | Self::Anywhere(id) | Self::Strangers(id) | Self::Mail(_, id) => {
                *id == user.id
            }
            Self::Name(NameKey { realm, name, .. }, _) => *realm == user.realm && has(name),
            Self::UserName(realm, name) => *realm == user.realm && has(name),
            Self::Typed(text) | Self::Address(text) => has(text),
            Self::Client(_) | Self::Network(_) => false,
        }
    }

    /// Whether all that it counts is of one name or account.
    pub(crate) fn is_one_name(&self) -> bool {
        !matches!(self, Self::Client(_) | Self::Network(_))
    }

    /// The account, where the subject is one.
    pub(super) fn user(&self) -> Option<UserId> {
        match self {
            Self::Account(user, _) | Self::Anywhere(user) | Self::Strangers(user) | Self::Mail(_, user) => {
                Some(*user)
            }
            _ => None,
        }
    }
}

/// The name that came with a password; `None` for an attempt without a password.
pub(crate) fn password_login_name(attempt: &LoginAttempt) -> Option<&Identifier> {
    match &attempt.method {
        LoginMethod::Password { who, .. } => Some(who),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use auth_core::testing::UserBuilder;

    use super::*;
    use crate::rate_limit::networks;

    const OTHER: UserId = UserId::from_bytes([9; 16]);
    const OTHER_REALM: RealmId = RealmId::from_bytes([8; 16]);

    fn name(realm: RealmId, typed: &str, client: ClientKey) -> Subject {
        Subject::Name(NameKey::new(realm, &Identifier::user_name(typed)), client)
    }

    fn user_name(realm: RealmId, typed: &str) -> Subject {
        Subject::UserName(realm, TextKey::of(&fold(typed)))
    }

    #[test]
    fn a_subject_is_of_the_user_whose_id_or_name_it_has_in_the_users_realm() {
        let user = UserBuilder::new("Iago").email("iago@Zulip.com").build();
        let client = ClientKey::of("2001:db8::1".parse().unwrap());
        let network = networks::around(client).next().unwrap();
        for (subject, is_of_user, is_one_name, typed) in [
            (Subject::Client(client), false, false, None),
            (Subject::Network(network), false, false, None),
            (Subject::Account(user.id, client), true, true, None),
            (Subject::Account(OTHER, client), false, true, None),
            (Subject::Anywhere(user.id), true, true, None),
            (Subject::Anywhere(OTHER), false, true, None),
            (Subject::Strangers(user.id), true, true, None),
            (Subject::Strangers(OTHER), false, true, None),
            (Subject::Mail(CredentialKind::MAILED_CODE, user.id), true, true, None),
            (Subject::Mail(CredentialKind::MAILED_CODE, OTHER), false, true, None),
            (name(user.realm, " IAGO ", client), true, true, Some("iago")),
            (name(user.realm, "IAGO@zulip.com", client), true, true, Some("iago@zulip.com")),
            (name(user.realm, "othello", client), false, true, Some("othello")),
            (name(OTHER_REALM, "iago", client), false, true, Some("iago")),
            (name(OTHER_REALM, "othello", client), false, true, Some("othello")),
            (user_name(user.realm, "IAGO"), true, true, Some("iago")),
            (user_name(user.realm, "othello"), false, true, Some("othello")),
            (user_name(OTHER_REALM, "iago"), false, true, Some("iago")),
            (user_name(OTHER_REALM, "othello"), false, true, Some("othello")),
            (Subject::Typed(TextKey::of(" IAGO")), true, true, Some(" IAGO")),
            (Subject::Typed(TextKey::of("othello")), false, true, Some("othello")),
            (Subject::address("Iago@zulip.com", true), true, true, Some("Iago@zulip.com")),
            (Subject::address("Iago@zulip.com ", false), true, true, Some("iago@zulip.com")),
            (Subject::address("othello@zulip.com", false), false, true, Some("othello@zulip.com")),
        ] {
            let told = (subject.is_of(&user), subject.is_one_name(), subject.typed_name());
            assert_eq!(told, (is_of_user, is_one_name, typed), "{}", subject.label());
        }
    }

    #[test]
    fn of_a_long_name_64_bytes_are_kept_and_texts_of_one_beginning_are_two_keys() {
        let long = "\u{e9}".repeat(100);
        let of = |text: &str| Subject::Typed(TextKey::of(text));
        assert_eq!(of(&long).typed_name(), Some("\u{e9}".repeat(32).as_str()));
        assert_eq!(of(&format!("a{long}")).typed_name(), Some(format!("a{}", "\u{e9}".repeat(31)).as_str()));
        assert!(of(&long).is_of(&UserBuilder::new(&long).build()));
        assert!(of(&long) == of(&long) && of(&long) != of(&format!("{long}\u{e9}")));
    }
}
