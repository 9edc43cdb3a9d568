//! What a protocol asks of the engine: a log-in attempt, or the check of a presented credential.

use crate::{ApiKey, NameKind, OneTimeCode, Password, PasswordDigest, Peer, RealmId, Token};

/// Which wire format a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolName {
    /// Zulip's API.
    Zulip,
    /// Rocket.Chat's API.
    RocketChat,
    /// Zettelstore's API.
    Zettelstore,
}

impl ProtocolName {
    /// Every protocol with the name that configuration, logs and stores use.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Zulip, "zulip"), (Self::RocketChat, "rocketchat"), (Self::Zettelstore, "zettelstore")];

    /// The protocol's name in configuration, logs and stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(protocol, _)| *protocol == self).map_or("", |(_, name)| name)
    }

    /// The protocol of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(protocol, _)| *protocol)
    }
}

/// A try to log in.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct LoginAttempt {
    /// The protocol it came in by.
    pub protocol: ProtocolName,
    /// The realm it is for.
    pub realm: RealmId,
    /// What is offered to be let in.
    pub proof: LoginMethod,
    /// Whether the protocol has a second step, and the code that came along.
    pub second_step: SecondStep,
    /// What is asked for on success.
    pub grant: GrantKind,
    /// Where it comes from.
    pub peer: Peer,
}

/// What is offered to be let in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoginMethod {
    /// A name and a password.
    Password {
        /// Who it is said to be.
        who: Identifier,
        /// The password as sent.
        password: Password,
    },
    /// A name and SHA-256 of the password (Rocket.Chat alone).
    Digest {
        /// Who it is said to be.
        who: Identifier,
        /// The digest as sent.
        digest: PasswordDigest,
    },
    /// A log-in token issued earlier (Rocket.Chat's `resume`).
    Resume(Token),
    /// A JSON web token by another system that names the user (zulip.md 5.5).
    Assertion(Token),
    /// Nothing but a name: development servers on loopback alone (zulip.md 3).
    Development {
        /// Who it is said to be.
        who: Identifier,
    },
}

/// Who somebody is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identifier {
    /// A login name of one kind, as typed.
    Name {
        /// The name space to look in.
        kind: NameKind,
        /// As typed.
        typed: String,
    },
    /// The id under which the protocol shows the user.
    ExternalId(String),
}

impl Identifier {
    /// An e-mail address.
    #[must_use]
    pub fn email(typed: impl Into<String>) -> Self {
        Self::Name { kind: NameKind::Email, typed: typed.into() }
    }

    /// A user name.
    #[must_use]
    pub fn user_name(typed: impl Into<String>) -> Self {
        Self::Name { kind: NameKind::UserName, typed: typed.into() }
    }

    /// The text as typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        match self {
            Self::Name { typed, .. } | Self::ExternalId(typed) => typed,
        }
    }
}

/// Whether a protocol can ask for a second factor.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a protocol either has a second step or not")]
pub enum SecondStep {
    /// It can't: accounts with a second factor are refused, unless the operator allows them.
    NotOffered,
    /// It can; the code, where one came along.
    Offered(Option<OneTimeCode>),
}

/// What a log-in is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantKind {
    /// The account's Zulip API key.
    ZulipKey,
    /// A new Rocket.Chat log-in token.
    RocketChatToken,
    /// A signed Zettelstore token.
    ZettelstoreToken(TokenForm),
}

/// The two forms of a Zettelstore token (zettelstore.md 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever issues tokens must know every form")]
pub enum TokenForm {
    /// A JSON web token with HS512, as up to 0.12.
    Jwt,
    /// A signed list with HMAC-SHA384, from 0.13 on.
    List,
}

/// A credential that came with a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct CredentialCheck {
    /// The protocol it came in by.
    pub protocol: ProtocolName,
    /// The realm the request is for.
    pub realm: RealmId,
    /// The credential.
    pub credential: PresentedCredential,
    /// Where it comes from.
    pub peer: Peer,
}

/// A credential as presented.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PresentedCredential {
    /// A Zulip API key with the e-mail address of its owner (zulip.md 5.1).
    ZulipKey {
        /// The address; compared without case.
        email: String,
        /// The key.
        key: ApiKey,
    },
    /// A Rocket.Chat token, log-in or personal, with the id of its owner (rocketchat.md 3.1).
    RocketChatToken {
        /// Rocket.Chat's `_id`.
        user_id: String,
        /// The token.
        token: Token,
    },
    /// A signed Zettelstore token of either form (zettelstore.md 5).
    ZettelstoreToken(Token),
    /// The same from the cookie of Zettelstore's web pages, whose tokens are of another kind (zettelstore.md 5).
    ZettelstoreCookie(Token),
}
