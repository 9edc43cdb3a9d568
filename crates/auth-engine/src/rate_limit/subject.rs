//! What limits count: clients, networks of clients, and accounts by their names or their ids.

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
    Typed([u8; 32]),
    /// A user name, from anywhere.
    UserName(RealmId, [u8; 32]),
    /// An account, from anywhere.
    Anywhere(UserId),
    /// An account, from the client keys that it has not logged in from.
    Strangers(UserId),
    /// An address, of which an account need not be known.
    Address([u8; 32]),
    /// Mails to an account with a credential of one kind.
    Mail(CredentialKind, UserId),
}

/// A name of a realm, whatever the spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameKey {
    realm: RealmId,
    kind: Option<NameKind>,
    name: [u8; 32],
}

impl NameKey {
    pub(super) fn new(realm: RealmId, who: &Identifier) -> Self {
        let kind = if let Identifier::Name { kind, .. } = who { Some(*kind) } else { None };
        Self { realm, kind, name: short(&fold(who.typed().trim())) }
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
        Some(Self::Typed(short(&password_login_name(attempt)?.typed())))
    }

    /// The user name that came with the password of an attempt; `None` without one.
    pub(super) fn typed_user_name_of(attempt: &LoginAttempt) -> Option<Self> {
        match password_login_name(attempt)? {
            Identifier::Name { kind: NameKind::UserName, typed } => {
                Some(Self::UserName(attempt.realm.id, short(&fold(typed))))
            }
            _ => None,
        }
    }

    /// An address to which a link is asked for: as typed, or whatever the spelling.
    pub(super) fn address(typed: &str, is_as_typed: bool) -> Self {
        if is_as_typed { Self::Address(short(typed)) } else { Self::Address(short(&fold(typed.trim()))) }
    }

    /// The user name of a user.
    pub(super) fn user_name_of(user: &User) -> Option<Self> {
        Some(Self::UserName(user.realm, short(&fold(user.user_name()?))))
    }

    /// The name under which the servers of a store count the subject together; `None` where each server counts alone.
    pub(super) fn shared_name(&self) -> Option<String> {
        match self {
            Self::Client(client) => Some(format!("network {client}")),
            Self::Network(network) => Some(format!("network {network}")),
            Self::Name(NameKey { realm, kind, name }, client) => {
                Some(format!("account name {realm} {kind:?} {} {client}", HEXLOWER.encode(name)))
            }
            Self::Account(user, client) => Some(format!("account user {user} {client}")),
            Self::Anywhere(user) => Some(format!("user {user} anywhere")),
            Self::Strangers(user) => Some(format!("user {user} strangers")),
            Self::Address(address) => Some(format!("address {}", HEXLOWER.encode(address))),
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

/// Names are as long as the client likes; keys are not.
fn short(name: &str) -> [u8; 32] {
    *digest(name).as_bytes()
}
