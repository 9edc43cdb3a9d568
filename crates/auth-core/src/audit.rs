//! The audit log: who changed which account, realm or key, when, and from where.

use crate::{ClientKey, CredentialId, ProtocolName, RealmId, Timestamp, UserId};

/// A row of the audit log. It outlives the user and the realm that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the services build it, stores take it apart")]
pub struct AuditRecord {
    /// When the act was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The credential by which a signed-in user does it, or on which it rests. A store does no act whose credential is gone, so that what was
    /// revoked makes no successor; it doesn't keep the id.
    pub by: Option<CredentialId>,
    /// What was done.
    pub act: Act,
    /// The realm that it was done to, or in; `None` for the server as a whole.
    pub realm: Option<RealmId>,
    /// The user to whom it was done; `None` where it was done to no single user.
    pub user: Option<UserId>,
    /// What the act needs beside: the name of a token, the id of a key, a number of records. Never a secret.
    pub detail: String,
    /// The client that asked for it; `None` for a command.
    pub client: Option<ClientKey>,
    /// The protocol by which it was asked for; `None` for a command.
    pub protocol: Option<ProtocolName>,
    /// The id of the request, as it stands in the log lines; empty where there was none.
    pub request_id: String,
}

impl AuditRecord {
    /// The row for a bot that is deactivated with its owner, of whom this is the row.
    #[must_use]
    pub fn of_bot(&self, bot: UserId) -> Self {
        let actor = match (&self.actor, self.user) {
            (Actor::Owner, Some(owner)) => Actor::User(owner),
            (actor, _) => actor.clone(),
        };
        let detail = self.user.map(|owner| format!("with its owner {owner}")).unwrap_or_default();
        Self { actor, by: None, act: Act::Deactivated, user: Some(bot), detail, ..self.clone() }
    }
}

/// Who does an act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store must know every actor")]
pub enum Actor {
    /// The user to whom it is done, signed in.
    Owner,
    /// Another user, signed in.
    User(UserId),
    /// Somebody with a link that was mailed to the user.
    MailedLink,
    /// The directory of that name.
    Directory(String),
    /// Whoever may run commands on the server.
    Operator,
    /// Whoever holds the admin key of that name.
    AdminKey(String),
    /// The user of that name of the operating system, who runs a command on the server.
    UnixUser(String),
}

impl Actor {
    /// The kind of actor in a word.
    ///
    /// ```
    /// assert_eq!(auth_core::Actor::MailedLink.as_str(), "mailed-link");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::User(_) => "user",
            Self::MailedLink => "mailed-link",
            Self::Directory(_) => "directory",
            Self::Operator => "operator",
            Self::AdminKey(_) => "admin-key",
            Self::UnixUser(_) => "unix-user",
        }
    }

    /// The id of another user; `None` for any other actor.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(*user),
            _ => None,
        }
    }

    /// The name of a directory, an admin key or a user of the operating system; `None` for any other actor.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Directory(name) | Self::AdminKey(name) | Self::UnixUser(name) => Some(name),
            _ => None,
        }
    }

    /// The actor of a word, with the user or the name that belongs to it; `None` where they don't fit.
    #[must_use]
    pub fn from_parts(word: &str, user: Option<UserId>, name: Option<String>) -> Option<Self> {
        Some(match (word, user, name) {
            ("user", Some(user), None) => Self::User(user),
            ("directory", None, Some(name)) => Self::Directory(name),
            ("admin-key", None, Some(name)) => Self::AdminKey(name),
            ("unix-user", None, Some(name)) => Self::UnixUser(name),
            ("owner", None, None) => Self::Owner,
            ("mailed-link", None, None) => Self::MailedLink,
            ("operator", None, None) => Self::Operator,
            _ => return None,
        })
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $word:literal,)*) => {
        /// What an act is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Act {
            $($(#[$doc])* $act,)*
        }

        impl Act {
            /// Every act with its word.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$act, $word),)*];

            /// The act in words, as stores write it.
            ///
            /// ```
            /// use auth_core::Act;
            ///
            /// assert_eq!(Act::DeviceEnrolled.as_str(), "device-enrolled");
            /// assert_eq!(Act::from_name("device-enrolled"), Some(Act::DeviceEnrolled));
            /// ```
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$act => $word,)*
                }
            }

            /// The act of these words.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().find(|(_, word)| *word == name).map(|(act, _)| *act)
            }
        }
    };
}

acts! {
    /// A user was created.
    UserCreated = "user-created",
    /// Names, full name or role were updated.
    ProfileUpdated = "profile-updated",
    /// An account was given to a directory, which judges its password from then on.
    AccountLinked = "account-linked",
    /// An account of a directory was given to another of its entries.
    AccountRelinked = "account-relinked",
    /// An operator set the account's password.
    PasswordSet = "password-set",
    /// A password was changed by its owner.
    PasswordChanged = "password-changed",
    /// A lost password was set anew with a mailed link.
    PasswordReset = "password-reset",
    /// An operator made a link for a new password.
    ResetLinkMade = "reset-link-made",
    /// The owner gave the account its user name.
    UserNameChosen = "user-name-chosen",
    /// An address was proved to be the user's: with a mailed link, or by an operator's word.
    AddressVerified = "address-verified",
    /// The account got another address, which its owner proved with a mailed link.
    AddressChanged = "address-changed",
    /// The owner changed the display name.
    FullNameChanged = "full-name-changed",
    /// The owner chose the language of mails.
    LanguageChosen = "language-chosen",
    /// A user was deactivated.
    Deactivated = "deactivated",
    /// A user was activated again.
    Activated = "activated",
    /// A user was deleted.
    Deleted = "deleted",
    /// The other sessions of the caller were ended.
    OtherSessionsEnded = "other-sessions-ended",
    /// All sessions were ended.
    SessionsEnded = "sessions-ended",
    /// A login token was made without a login, with the operator's secret.
    SessionMade = "session-made",
    /// All tokens were revoked.
    TokensRevoked = "tokens-revoked",
    /// A token was revoked, with those that go back to the same login.
    TokenRevoked = "token-revoked",
    /// The Zulip key was replaced.
    ZulipKeyRenewed = "zulip-key-renewed",
    /// A personal token was made.
    PersonalTokenMade = "personal-token-made",
    /// A personal token was replaced.
    PersonalTokenRenewed = "personal-token-renewed",
    /// A personal token was removed.
    PersonalTokenRemoved = "personal-token-removed",
    /// An app password was made.
    AppPasswordMade = "app-password-made",
    /// An app password was revoked.
    AppPasswordRevoked = "app-password-revoked",
    /// A TOTP device was enrolled.
    DeviceEnrolled = "device-enrolled",
    /// The TOTP device was removed.
    DeviceRemoved = "device-removed",
    /// The TOTP device was removed with all tokens.
    DeviceReset = "device-reset",
    /// A help desk asked for the removal of the TOTP device, which is held for a day.
    DeviceRemovalHeld = "device-removal-held",
    /// A removal of the TOTP device that was held is not to be: the owner showed the device, or somebody who may said so.
    DeviceRemovalStopped = "device-removal-stopped",
    /// The backup codes were replaced.
    BackupCodesRenewed = "backup-codes-renewed",
    /// Mailed codes are asked for from then on.
    MailedCodesRequired = "mailed-codes-required",
    /// Mailed codes are asked for no more.
    MailedCodesWaived = "mailed-codes-waived",
    /// An account was made of two; the detail names the one that is gone.
    UsersMerged = "users-merged",
    /// A realm was removed.
    RealmRemoved = "realm-removed",
    /// A person was given the data that is kept of them.
    DataExported = "data-exported",
    /// A link for a new password was mailed to its user on behalf of an operator.
    ResetLinkMailed = "reset-link-mailed",
    /// A group was made.
    GroupAdded = "group-added",
    /// A group got another name.
    GroupRenamed = "group-renamed",
    /// A group was removed.
    GroupRemoved = "group-removed",
    /// A user became a member of a group.
    GroupJoined = "group-joined",
    /// A user is a member of a group no more.
    GroupLeft = "group-left",
    /// A network was banned.
    NetworkBanned = "network-banned",
    /// A network was exempted from bans.
    NetworkAllowed = "network-allowed",
    /// The ban or the allowance of a network was removed.
    NetworkRuleRemoved = "network-rule-removed",
    /// A key for administration was made.
    AdminKeyAdded = "admin-key-added",
    /// A key for administration was revoked.
    AdminKeyRevoked = "admin-key-revoked",
    /// What was counted against a limit was forgotten.
    LimitLifted = "limit-lifted",
    /// A realm was created, or written over.
    RealmWritten = "realm-written",
    /// Several realms and users were written.
    Imported = "imported",
    /// A key was added to the key ring.
    KeyAdded = "key-added",
    /// A key became the active one of the key ring.
    KeyPromoted = "key-promoted",
    /// A key was removed from the key ring.
    KeyRetired = "key-retired",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_act_has_words_of_its_own_in_kebab_case() {
        let mut words = BTreeSet::new();
        for &(act, word) in Act::ALL {
            assert_eq!((act.as_str(), Act::from_name(word)), (word, Some(act)));
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{word}");
            assert!(words.insert(word), "{word} stands for two acts");
        }
        assert_eq!(Act::from_name("danced"), None);
    }

    #[test]
    fn every_actor_reads_back_and_parts_that_do_not_fit_are_none() {
        let id = UserId::from_bytes([7; 16]);
        let actors = [
            Actor::Owner,
            Actor::User(id),
            Actor::MailedLink,
            Actor::Directory("corp".into()),
            Actor::Operator,
            Actor::AdminKey("backup".into()),
            Actor::UnixUser("root".into()),
        ];
        for actor in actors {
            let (user, name) = (actor.user(), actor.name().map(str::to_owned));
            assert_eq!(Actor::from_parts(actor.as_str(), user, name), Some(actor));
        }
        for (word, user, name) in [
            ("user", None, None),
            ("directory", None, None),
            ("admin-key", None, None),
            ("unix-user", Some(id), None),
            ("owner", Some(id), None),
            ("operator", None, Some("corp".to_owned())),
            ("user", Some(id), Some("corp".to_owned())),
            ("king", None, None),
        ] {
            assert_eq!(Actor::from_parts(word, user, name), None, "{word}");
        }
    }
}
