//! Users, and accounts as a login reads them.

use std::fmt;
use std::sync::Arc;

use super::{LoginName, NameKind};
use crate::{Language, PasswordString, ProtocolName, RealmId, Timestamp, UserId};

/// A person or a bot of one realm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct User {
    /// The user's identifier, unique in the store.
    pub id: UserId,
    /// The realm that the user belongs to.
    pub realm: RealmId,
    /// The names by which the user may log in: the first of each kind is the user's own.
    pub names: Vec<LoginName>,
    /// The display name.
    pub full_name: String,
    /// What the user may do.
    pub role: Role,
    /// `Some` for a bot.
    pub bot: Option<BotKind>,
    /// The number at Zulip of the user of the realm who owns the bot: with the owner the bot is deactivated.
    pub bot_owner: Option<u64>,
    /// Whether the user may log in.
    pub active: bool,
    /// When the user was created.
    pub joined: Timestamp,
    /// Signed tokens issued before this moment are refused.
    pub valid_from: Timestamp,
    /// Whether a mailed code is asked for at login, once an address is verified.
    pub email_second_factor: bool,
    /// Whether clients shall ask for a new password after login.
    pub must_change_password: bool,
    /// The language of the user's mails; `None` where nobody has chosen one.
    pub language: Option<Language>,
    /// The ids under which protocols show the user, unique in the realm for each protocol.
    pub external_ids: ByProtocol<ExternalId>,
    /// The user's roles in a protocol's own words, where they don't follow from the [`Role`]. An empty list is a user
    /// without roles.
    pub external_roles: ByProtocol<Vec<String>>,
    /// Counts the changes of the record; a cached copy with another number is stale.
    pub version: u64,
}

impl User {
    /// The user name, where there is one.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.name(NameKind::UserName).map(|name| name.exact.as_str())
    }

    /// The e-mail address, where there is one.
    #[must_use]
    pub fn email(&self) -> Option<Email<'_>> {
        self.name(NameKind::Email).map(|name| Email { address: &name.exact, verified: name.verified })
    }

    /// Whether a mailed code is a second factor of the user: switched on, with a verified address.
    #[must_use]
    pub fn mails_codes(&self) -> bool {
        self.email_second_factor && self.email().is_some_and(|email| email.verified)
    }

    /// The first name of a kind.
    #[must_use]
    pub fn name(&self, kind: NameKind) -> Option<&LoginName> {
        self.names.iter().find(|name| name.kind == kind)
    }

    /// The number under which a protocol shows the user; 0 where it shows none.
    #[must_use]
    pub fn external_number(&self, protocol: ProtocolName) -> u64 {
        match self.external_ids.get(protocol) {
            Some(ExternalId::Number(number)) => *number,
            _ => 0,
        }
    }

    /// The text under which a protocol shows the user; empty where it shows none.
    #[must_use]
    pub fn external_text(&self, protocol: ProtocolName) -> &str {
        match self.external_ids.get(protocol) {
            Some(ExternalId::Text(text)) => text,
            _ => "",
        }
    }
}

/// An e-mail address of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Email<'a> {
    /// The address as stored.
    pub address: &'a str,
    /// Whether its owner has proved control of it, or a directory or an import vouches for it.
    pub verified: bool,
}

/// Values by protocol: at most one for each.
///
/// ```
/// use auth_core::{ByProtocol, ExternalId, ProtocolName};
///
/// let ids = ByProtocol::from([(ProtocolName::ZULIP, ExternalId::from(5))]);
/// assert_eq!(ids.get(ProtocolName::ZULIP), Some(&ExternalId::Number(5)));
/// assert_eq!(ids.get(ProtocolName::new("gitlab")), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByProtocol<T>(Vec<(ProtocolName, T)>);

impl<T> ByProtocol<T> {
    /// No value for any protocol.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A protocol's value.
    #[must_use]
    pub fn get(&self, protocol: ProtocolName) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == protocol).map(|(_, value)| value)
    }

    /// Sets a protocol's value in place of the one it may have.
    pub fn set(&mut self, protocol: ProtocolName, value: T) {
        match self.0.iter_mut().find(|(known, _)| *known == protocol) {
            Some((_, old)) => *old = value,
            None => {
                let at = self.0.partition_point(|(known, _)| *known < protocol);
                self.0.insert(at, (protocol, value));
            }
        }
    }

    /// The protocols with their values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (ProtocolName, &T)> {
        self.0.iter().map(|(protocol, value)| (*protocol, value))
    }

    /// Whether no protocol has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for ByProtocol<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> FromIterator<(ProtocolName, T)> for ByProtocol<T> {
    fn from_iter<I: IntoIterator<Item = (ProtocolName, T)>>(values: I) -> Self {
        let mut all = Self::new();
        for (protocol, value) in values {
            all.set(protocol, value);
        }
        all
    }
}

impl<T, const N: usize> From<[(ProtocolName, T); N]> for ByProtocol<T> {
    fn from(values: [(ProtocolName, T); N]) -> Self {
        values.into_iter().collect()
    }
}

/// An id under which a protocol shows a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "stores must know every form of an id")]
pub enum ExternalId {
    /// A number, such as Zulip's `user_id`; at most `i64::MAX`.
    Number(u64),
    /// A text, such as Rocket.Chat's `_id`.
    Text(String),
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<u64> for ExternalId {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for ExternalId {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for ExternalId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The id that a protocol wants for a new user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must know every way to choose an id")]
pub enum NewId {
    /// This id; another user must not have it.
    Exactly(ExternalId),
    /// This number, or the next after the realm's highest where another user has it.
    Preferably(u64),
    /// The next number after the realm's highest.
    Next,
}

/// What a user may do; protocols translate it into their own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "each protocol names every role in its own words")]
pub enum Role {
    /// Runs the realm.
    Owner,
    /// Administers the realm.
    Admin,
    /// Moderates.
    Moderator,
    /// Takes part.
    #[default]
    Member,
    /// Sees a part of the realm.
    Guest,
}

impl Role {
    /// Every role with the name that stores, imports and configurations use.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Owner, "owner"),
        (Self::Admin, "admin"),
        (Self::Moderator, "moderator"),
        (Self::Member, "member"),
        (Self::Guest, "guest"),
    ];

    /// The role's name in stores, imports and configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(role, _)| *role == self).map_or("", |(_, name)| name)
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }
}

/// What kind of bot a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Zulip numbers every kind")]
pub enum BotKind {
    /// May use the whole API with its key.
    Default,
    /// May only call webhooks: refused at the general API.
    IncomingWebhook,
    /// Is called by the server.
    OutgoingWebhook,
    /// Runs inside the server.
    Embedded,
    /// A Rocket.Chat app: never logs in.
    App,
}

impl BotKind {
    /// Every kind with the name that stores, imports and exports use.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Default, "default"),
        (Self::IncomingWebhook, "incoming-webhook"),
        (Self::OutgoingWebhook, "outgoing-webhook"),
        (Self::Embedded, "embedded"),
        (Self::App, "app"),
    ];

    /// The kind's name in stores, imports and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of that name; exports of earlier versions write `_` for `-`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// A user with what a login needs besides: one read of a store.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Account {
    /// The user.
    pub user: Arc<User>,
    /// The stored password, where there is one.
    pub password: Option<PasswordString>,
    /// Whether a TOTP device is enrolled and confirmed.
    pub totp: bool,
}

impl Account {
    /// Whether a password is stored. A text that begins with `!` is none: Django marks accounts without a password so.
    #[must_use]
    pub fn has_password(&self) -> bool {
        let is_one = |stored: &PasswordString| !matches!(stored.expose().as_bytes(), [] | [b'!', ..]);
        self.password.as_ref().is_some_and(is_one)
    }

    /// Whether a login takes a second step: an enrolled device, or a mailed code with an address to send it to.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.totp || self.mails_codes()
    }

    /// Whether a mailed code is a second factor of this account.
    #[must_use]
    pub fn mails_codes(&self) -> bool {
        self.user.mails_codes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::UserBuilder;

    #[test]
    fn mark_of_an_account_without_a_password_is_none() {
        let user = Arc::new(UserBuilder::new("ada").build());
        for (stored, has_one) in
            [(None, false), (Some(""), false), (Some("!Xy7"), false), (Some("argon2$x"), true)]
        {
            let password = stored.map(PasswordString::new);
            let account = Account { user: Arc::clone(&user), password, totp: false };
            assert_eq!(account.has_password(), has_one, "{stored:?}");
        }
    }
}
