//! Users, and accounts as a log-in reads them.

use super::{LoginName, NameKind};
use crate::{PasswordString, RealmId, Timestamp, UserId};

/// A person or a bot of one realm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct User {
    /// Its identifier, unique in the store.
    pub id: UserId,
    /// The realm it belongs to.
    pub realm: RealmId,
    /// The names it may log in with: at most one user name and one e-mail address come first in their kind.
    pub names: Vec<LoginName>,
    /// What people call it.
    pub full_name: String,
    /// What it may do.
    pub role: Role,
    /// `Some` for a bot.
    pub bot: Option<BotKind>,
    /// Whether it may log in.
    pub active: bool,
    /// When it was created.
    pub joined: Timestamp,
    /// Signed tokens issued before this moment are refused.
    pub valid_from: Timestamp,
    /// Whether a mailed code is asked for at log-in, once an address is verified.
    pub email_second_factor: bool,
    /// Whether clients shall ask for a new password after log-in.
    pub must_change_password: bool,
    /// What each protocol calls it.
    pub protocols: ExternalIds,
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

    /// The first name of a kind.
    #[must_use]
    pub fn name(&self, kind: NameKind) -> Option<&LoginName> {
        self.names.iter().find(|name| name.kind == kind)
    }
}

/// An e-mail address of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Email<'a> {
    /// The address as stored.
    pub address: &'a str,
    /// Whether its owner has shown to read its mail.
    pub verified: bool,
}

/// What a user may do; the protocols translate it into their own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "each protocol names every role in its own words")]
pub enum Role {
    /// Runs the realm.
    Owner,
    /// Administers it.
    Admin,
    /// Moderates.
    Moderator,
    /// Takes part.
    #[default]
    Member,
    /// Is let in to some of it.
    Guest,
}

impl Role {
    /// Every role with the name that stores, imports and configuration use.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Owner, "owner"),
        (Self::Admin, "admin"),
        (Self::Moderator, "moderator"),
        (Self::Member, "member"),
        (Self::Guest, "guest"),
    ];

    /// The role's name in stores, imports and configuration.
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
#[expect(clippy::exhaustive_enums, reason = "the Zulip protocol numbers every kind")]
pub enum BotKind {
    /// May use the whole API with its key.
    Default,
    /// May only call webhooks: refused at the general API (zulip.md 5.1).
    IncomingWebhook,
    /// Is called by the server.
    OutgoingWebhook,
    /// Runs inside the server.
    Embedded,
    /// A Rocket.Chat app: never logs in (rocketchat.md 1.8).
    App,
}

/// What each protocol calls a user. Each id is unique within the realm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct ExternalIds {
    /// Zulip's `user_id`: positive.
    pub zulip: i64,
    /// Rocket.Chat's `_id`: 17 characters when we made it.
    pub rocketchat: String,
    /// Rocket.Chat's roles, where they don't follow from the [`Role`]; an empty list is a user without any.
    pub rocketchat_roles: Option<Vec<String>>,
    /// The 14-digit id of the Zettelstore user zettel.
    pub zettelstore: u64,
    /// Zettelstore's `user-role`, where it doesn't follow from the [`Role`].
    pub zettelstore_role: Option<String>,
}

/// A user with what a log-in needs besides: one read of a store.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Account {
    /// The user.
    pub user: User,
    /// The stored password, where there is one.
    pub password: Option<PasswordString>,
    /// Whether a TOTP device is enrolled and confirmed.
    pub totp: bool,
}

impl Account {
    /// Whether log-in takes a second step: an enrolled device, or a mailed code with an address to send it to.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.totp || self.mails_codes()
    }

    /// Whether a mailed code is a second factor of this account: switched on, with a verified address.
    #[must_use]
    pub fn mails_codes(&self) -> bool {
        self.user.email_second_factor && self.user.email().is_some_and(|email| email.verified)
    }
}
