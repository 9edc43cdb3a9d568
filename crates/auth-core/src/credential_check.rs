//! The check of a credential that came with a request.

use std::fmt;
use std::sync::Arc;

use crate::{
    ApiKey, CredentialId, CredentialKind, ExternalId, InternalError, Password, Peer, Profile, ProtocolName,
    RateLimitStatus, Realm, StoreError, Timestamp, Token,
};

/// A credential that came with a request, to be checked.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct CredentialCheck {
    /// The protocol by which the request came.
    pub protocol: ProtocolName,
    /// The realm that the request is for; `None` where its host leads to no realm.
    pub realm: Option<Arc<Realm>>,
    /// The credential.
    pub credential: PresentedCredential,
    /// Where the request comes from.
    pub peer: Peer,
}

/// A credential as presented.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PresentedCredential {
    /// An API key with the e-mail address of its owner.
    ApiKey {
        /// The address; compared without case.
        email: String,
        /// The key.
        key: ApiKey,
    },
    /// An app password with a name of its owner.
    AppPassword {
        /// The user name or the e-mail address; compared without case.
        name: String,
        /// The app password.
        password: Password,
    },
    /// An opaque token of one of these kinds, with the id of its owner where the protocol sends one.
    Token {
        /// The kinds of credentials that the protocol takes here.
        kinds: &'static [CredentialKind],
        /// The id under which the protocol shows the owner.
        owner: Option<ExternalId>,
        /// The token.
        token: Token,
    },
    /// A signed token.
    SignedToken {
        /// The token.
        token: Token,
        /// Where the token was found: tokens of one place are not good at the other.
        place: TokenPlace,
    },
}

/// Where a signed token was found in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two kinds of tokens that Zettelstore signs")]
pub enum TokenPlace {
    /// In the `Authorization` header.
    Header,
    /// In the cookie of the web pages.
    Cookie,
}

/// The answer to the check of a credential.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct CheckReply {
    /// The owner of the credential, or why the credential is refused.
    pub result: Result<Box<Principal>, TokenError>,
    /// The protocol's limit for calls, where it has one and it was evaluated.
    pub rate_limit: Option<RateLimitStatus>,
}

impl CheckReply {
    /// Creates the reply for a refused credential, without a rate-limit status.
    #[must_use]
    pub fn refused(error: TokenError) -> Self {
        Self { result: Err(error), rate_limit: None }
    }
}

/// The owner of a credential that was presented and found good.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Principal {
    /// The user.
    pub profile: Profile,
    /// The stored credential that was presented.
    pub credential: Option<CredentialId>,
    /// The kind of the stored credential.
    pub kind: Option<CredentialKind>,
    /// The credential that the stored one came from. What the user makes with it comes from that one too.
    pub parent: Option<CredentialId>,
    /// When the credential was issued.
    pub issued: Timestamp,
    /// When the credential ends.
    pub expires: Option<Timestamp>,
    /// Whether the credential satisfies routes that ask for a second factor.
    pub bypass_second_factor: bool,
}

/// Why a presented credential was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The credential is unknown, expired or revoked, or belongs to another account than the request names.
    Invalid,
    /// The realm of its owner is deactivated.
    RealmInactive,
    /// Its owner is deactivated.
    UserInactive,
    /// Its owner belongs to another realm.
    OtherRealm,
    /// Its owner is a bot that may only call webhooks.
    WebhookBot,
    /// Too many calls; the rate limit says until when.
    Limited,
    /// The credential could not be looked up.
    Internal(InternalError),
}

impl TokenError {
    /// The error in a word, for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::RealmInactive => "realm-inactive",
            Self::UserInactive => "user-inactive",
            Self::OtherRealm => "other-realm",
            Self::WebhookBot => "webhook-bot",
            Self::Limited => "limited",
            Self::Internal(_) => "internal-error",
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credential refused: {}", self.as_str())
    }
}

impl std::error::Error for TokenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Internal(error) => Some(error),
            _ => None,
        }
    }
}

impl From<InternalError> for TokenError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}
