//! Why a command of an operator did nothing.

use std::fmt;

use auth_core::{
    BadRealm, FailureReason, InternalError, NameError, NameKind, ProtocolName, Role, StoreError,
};
use auth_crypto::password::StoredPasswordError;
use auth_crypto::pool::OverBudget;
use auth_engine::{AccountError, MOST_NAMED, PasswordError};

/// Why a command of an operator did nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum AdminError {
    /// The store can't do it.
    Store(StoreError),
    /// The engine can't do it now.
    Internal(InternalError),
    /// No realm has that name.
    NoRealm,
    /// No user has that name.
    NoUser,
    /// More than one realm has a user of that name.
    SeveralRealms,
    /// The password was not set, and why.
    Password(PasswordError),
    /// The hashing queue is full.
    Busy,
    /// No entry of a directory can have that id.
    BadEntry,
    /// The realm asks no directory.
    NoDirectory,
    /// No directory of the realm shows an entry that has a name of the account.
    NoEntry,
    /// The two directories of these names show an entry that has the name of the account.
    SeveralEntries(String, String),
    /// The directory of that name knows the name of the account and shows no entry, and why.
    EntryRefused(String, FailureReason),
    /// The directory of that name can't be asked.
    DirectoryUnavailable(String, InternalError),
    /// Another account belongs to the entry of that id.
    EntryOfAnother,
    /// The account has no e-mail address.
    NoAddress,
    /// The account's password is kept in a directory.
    OfDirectory,
    /// The account is deactivated.
    Inactive,
    /// The name of an app password is empty, or has control characters.
    BadName,
    /// A new user name, e-mail address or full name, as the text says, can't be one.
    NotAName(&'static str),
    /// What the text names, of a user, can't be it, and why.
    BadLoginName(&'static str, NameError),
    /// Another account of the realm has the name.
    Taken,
    /// No role has that name.
    NoRole(String),
    /// No kind of bot has that name.
    NoBotKind(String),
    /// Mails are not in that language.
    NoLanguage(String),
    /// No protocol has that name.
    NoProtocol(String),
    /// No act has that name.
    NoAct(String),
    /// The account has an app password of that name.
    AppPasswordThere,
    /// The end of something is in the past.
    InThePast,
    /// The secret of a device is not base 32.
    BadDevice,
    /// The code of a device is wrong.
    WrongCode,
    /// There is a realm of that slug.
    RealmThere,
    /// The realm can't be written, and why.
    BadRealm(BadRealm),
    /// The realm has users.
    RealmHasUsers,
    /// Two accounts can't become one, and why.
    NotMerged(&'static str),
    /// Both accounts of a merge have an id of that protocol, and each id is in use.
    BothHaveId(ProtocolName),
    /// The account was sent as many mails as it may be sent in an hour.
    TooManyMails,
    /// No group of the realm has that name.
    NoGroup,
    /// There is a group of that name.
    GroupThere,
    /// The group is kept in a directory.
    GroupOfDirectory,
    /// The text is no network, or that of all addresses.
    BadNetwork,
    /// There are as many bans and allowances as there may be.
    TooManyNetworks,
    /// There are as many keys for administration as there may be.
    TooManyKeys,
    /// The place at which a list is to go on is none.
    BadCursor,
    /// The arguments of an operation can't be read, and why.
    BadArguments(String),
    /// No operation has that name.
    NoOperation,
    /// The operator's scope is not enough for the operation of that name.
    NotPermitted(&'static str),
    /// The role, which the account has or would get, is above the operator's.
    RoleAbove(Role),
    /// A key for administration would do more, or in more realms, than the operator who makes it.
    KeyAbove,
    /// There is a key for administration of that name.
    KeyThere,
    /// The account has as many app passwords as it may have.
    TooManyAppPasswords,
    /// An app password of a person is not for a protocol that can ask for a code.
    HasSecondStep(ProtocolName),
    /// The account has no password here, or one that can't be verified, and why.
    NoPassword(StoredPasswordError),
    /// The account's password needs more memory than the hashing pool has, and how much.
    OverBudget(OverBudget),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the store can't do it"),
            Self::Internal(_) => f.write_str("it can't be done now"),
            Self::NoRealm => f.write_str("there is no such realm"),
            Self::NoUser => f.write_str("there is no such user"),
            Self::SeveralRealms => f.write_str("several realms have a user of that name: say which"),
            Self::Password(error) => error.fmt(f),
            Self::Busy => f.write_str("the hashing queue is full"),
            Self::BadEntry => {
                f.write_str("that is no id of an entry, such as `auth-server ldap check` shows it")
            }
            Self::NoDirectory => f.write_str("the realm asks no directory: name the entry by its id"),
            Self::NoEntry => f.write_str(
                "no directory of the realm shows an entry of the account's name: name the entry by its id, as \
                 `auth-server ldap check` shows it",
            ),
            Self::SeveralEntries(one, other) => write!(
                f,
                "the directories {one} and {other} both have an entry of the account's name: name the entry by its id"
            ),
            Self::EntryRefused(directory, FailureReason::AmbiguousEntry) => write!(
                f,
                "the directory {directory} has several entries of the account's name: name the entry by its id"
            ),
            Self::EntryRefused(directory, reason) => write!(
                f,
                "the entry of the account's name in the directory {directory} can't log in to the realm: {}",
                reason.as_str()
            ),
            Self::DirectoryUnavailable(directory, _) => {
                write!(f, "the directory {directory} can't be asked now; `auth-server ldap check` shows more")
            }
            Self::EntryOfAnother => f.write_str(
                "another account belongs to that entry: `auth-server user show` finds it by the id",
            ),
            Self::NoAddress => f.write_str("the account has no e-mail address"),
            Self::OfDirectory => f.write_str("the account is a directory's: change it there"),
            Self::Inactive => f.write_str("the account is deactivated: `auth-server user activate` first"),
            Self::BadName => f.write_str("the name is empty, or has control characters"),
            Self::NotAName(what) => write!(f, "that can't be the {what}"),
            Self::BadLoginName(what, why) => write!(f, "the {what} {why}"),
            Self::Taken => f.write_str("another user of the realm has that name"),
            Self::NoRole(name) => write!(
                f,
                "there is no role `{}`: it is owner, admin, moderator, member or guest",
                name.escape_debug()
            ),
            Self::NoBotKind(name) => write!(
                f,
                "there is no kind of bot `{}`: it is default, incoming-webhook, outgoing-webhook, embedded or app",
                name.escape_debug()
            ),
            Self::NoLanguage(tag) => write!(f, "there are no mails in the language `{}`", tag.escape_debug()),
            Self::NoProtocol(name) => write!(f, "there is no protocol `{}`", name.escape_debug()),
            Self::NoAct(name) => {
                write!(f, "there is no act `{}`: docs/audit.md lists them", name.escape_debug())
            }
            Self::AppPasswordThere => f.write_str("there is an app password of that name already"),
            Self::InThePast => f.write_str("the end is in the past"),
            Self::BadDevice => f.write_str("the secret of the device is not base32"),
            Self::WrongCode => f.write_str("the code is wrong: nothing was changed"),
            Self::RealmThere => f.write_str("there is a realm of that name already"),
            Self::BadRealm(why) => why.fmt(f),
            Self::NotMerged(why) => write!(f, "the two accounts can't become one: {why}"),
            Self::BothHaveId(protocol) => {
                write!(
                    f,
                    "the two accounts can't become one: both have an id of the {protocol} protocol that is in use"
                )
            }
            Self::RealmHasUsers => f.write_str("the realm has users: delete them first"),
            Self::TooManyMails => f.write_str("the account was sent too many mails: try again in an hour"),
            Self::NoGroup => f.write_str("there is no such group"),
            Self::GroupThere => f.write_str("there is a group of that name already"),
            Self::GroupOfDirectory => f.write_str("the group is a directory's: change it there"),
            Self::BadNetwork => f.write_str(
                "that is no network: it is an address, or CIDR such as 192.0.2.0/24, and never all addresses",
            ),
            Self::TooManyNetworks => {
                f.write_str("there are too many bans and allowances: `auth-server limits release` some first")
            }
            Self::TooManyKeys => {
                f.write_str("there are too many keys: `auth-server key revoke` those that nothing uses")
            }
            Self::BadCursor => f.write_str("`after` is not what the part before gave as `next`"),
            Self::BadArguments(why) => write!(f, "the arguments can't be read: {why}"),
            Self::NoOperation => f.write_str("there is no such operation"),
            Self::NotPermitted(name) => write!(f, "the operation {name} is not permitted"),
            Self::RoleAbove(role) => {
                write!(f, "the role {} is above what the operator may change", role.as_str())
            }
            Self::KeyAbove => {
                f.write_str("no key may do more, or in more realms, than the operator who makes it")
            }
            Self::KeyThere => f.write_str("there is a key of that name already"),
            Self::TooManyAppPasswords => {
                write!(f, "the account has {MOST_NAMED} app passwords: revoke one first")
            }
            Self::HasSecondStep(protocol) => write!(
                f,
                "the {protocol} protocol can ask for a second factor: there only bots have app passwords"
            ),
            Self::NoPassword(_) => f.write_str("the password can't be tried"),
            Self::OverBudget(_) => {
                f.write_str("the stored password needs more memory than [passwords] memory_budget_mib allows")
            }
        }
    }
}

impl AdminError {
    /// The error in a word, which programs may tell apart.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Internal(_) => "internal",
            Self::NoRealm => "no-realm",
            Self::NoUser => "no-user",
            Self::SeveralRealms => "several-realms",
            Self::Password(_) => "bad-password",
            Self::Busy => "busy",
            Self::BadEntry => "bad-entry",
            Self::NoDirectory => "no-directory",
            Self::NoEntry => "no-entry",
            Self::SeveralEntries(..) => "several-entries",
            Self::EntryRefused(..) => "entry-refused",
            Self::DirectoryUnavailable(..) => "directory-unavailable",
            Self::EntryOfAnother => "entry-of-another",
            Self::NoAddress => "no-address",
            Self::OfDirectory => "of-directory",
            Self::Inactive => "inactive",
            Self::BadName | Self::NotAName(_) | Self::BadLoginName(..) => "bad-name",
            Self::Taken => "taken",
            Self::NoRole(_) => "no-role",
            Self::NoBotKind(_) => "no-bot-kind",
            Self::NoLanguage(_) => "no-language",
            Self::NoProtocol(_) => "no-protocol",
            Self::NoAct(_) => "no-act",
            Self::AppPasswordThere => "app-password-there",
            Self::InThePast => "in-the-past",
            Self::BadDevice => "bad-device",
            Self::WrongCode => "wrong-code",
            Self::RealmThere => "realm-there",
            Self::BadRealm(_) => "bad-realm",
            Self::RealmHasUsers => "realm-has-users",
            Self::NotMerged(_) => "not-merged",
            Self::BothHaveId(_) => "both-have-id",
            Self::TooManyMails => "too-many-mails",
            Self::NoGroup => "no-group",
            Self::GroupThere => "group-there",
            Self::GroupOfDirectory => "group-of-directory",
            Self::BadNetwork => "bad-network",
            Self::TooManyNetworks => "too-many-networks",
            Self::TooManyKeys => "too-many-keys",
            Self::BadCursor => "bad-cursor",
            Self::BadArguments(_) => "bad-arguments",
            Self::NoOperation => "no-operation",
            Self::NotPermitted(_) => "not-permitted",
            Self::RoleAbove(_) => "role-above",
            Self::KeyAbove => "key-above",
            Self::KeyThere => "key-there",
            Self::TooManyAppPasswords => "too-many-app-passwords",
            Self::HasSecondStep(_) => "has-second-step",
            Self::NoPassword(_) => "no-password",
            Self::OverBudget(_) => "over-budget",
        }
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Internal(error) | Self::DirectoryUnavailable(_, error) => Some(error),
            Self::Password(error) => error.source(),
            Self::NoPassword(error) => Some(error),
            Self::OverBudget(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<InternalError> for AdminError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<AccountError> for AdminError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::BadRealm(why) => Self::BadRealm(why),
            AccountError::BadName(NameKind::Email, why) => Self::BadLoginName("e-mail address", why),
            AccountError::BadName(_, why) => Self::BadLoginName("user name", why),
            AccountError::Taken => Self::Taken,
            AccountError::Password(why) => why.into(),
            AccountError::Store(error) => error.into(),
            _ => Self::NoRealm,
        }
    }
}

impl From<PasswordError> for AdminError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::NoRealm => Self::NoRealm,
            PasswordError::NoUser => Self::NoUser,
            other => Self::Password(other),
        }
    }
}
