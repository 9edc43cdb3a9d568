//! The services that protocols ask, split by need: a protocol is bound by those that it uses.

mod account;
mod forward;
mod reset;
mod web;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    ApiKey, CheckReply, CredentialCheck, Grant, InternalError, LoginAttempt, LoginReply, Peer, Principal,
    Profile, ProtocolName, RateLimitStatus, Realm, TokenError, TokenForm,
};

pub use account::{
    ActionError, AddressVerification, Caller, Enrolment, OwnAccount, OwnChange, PasswordReply, PersonalToken,
    PersonalTokens, PresentedFactor, SecondFactors, Sessions,
};
pub use forward::{ForwardSessions, Memberships, NamedSecrets, SecretCheck, SecretReply};
pub use reset::{PasswordReset, ResetLinkReply, ResetLinkRequest, ResetLinks};
pub use web::{NewAppPassword, OwnCredential, OwnCredentials, SealedTexts, TextPurpose};

/// Logs users in and checks what was granted to them.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Judges an attempt to log in.
    async fn log_in(&self, attempt: LoginAttempt) -> LoginReply;

    /// Finds the owner of a presented credential.
    async fn check(&self, check: CredentialCheck) -> CheckReply;

    /// Revokes the credential that a principal presented. The revocation is durable when this returns.
    ///
    /// # Errors
    /// An [`InternalError`] when the credential may not have been revoked.
    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError>;
}

/// Exchanges signed tokens for newer ones.
#[async_trait]
pub trait TokenRenewal: Send + Sync {
    /// Gives a signed token in exchange for a good one: the same one while less than a quarter of its life is over,
    /// then a new one.
    ///
    /// # Errors
    /// A [`TokenError`] when the presented token is refused.
    async fn renew(&self, check: CredentialCheck, form: TokenForm) -> Result<Grant, TokenError>;
}

/// Limits calls by client key and route, and by user.
pub trait RequestLimits: Send + Sync {
    /// Counts a call against the protocol's limit, where it has one. A refused call carries `retry_after`.
    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus>;

    /// Counts a call of a user against the protocol's limit, where it has one. A refused call carries `retry_after`. The
    /// check of an API key counts by itself.
    fn admit_user(&self, protocol: ProtocolName, principal: &Principal) -> Option<RateLimitStatus>;
}

/// Replaces API keys.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Gives the caller's account a new API key in place of the one presented, which is refused from then on.
    ///
    /// # Errors
    /// An [`ActionError`] when the new key may not have been stored.
    async fn regenerate_api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError>;
}

/// Lists users on development servers.
#[async_trait]
pub trait DevelopmentUsers: Send + Sync {
    /// Active users of all realms, bots left out, ordered by e-mail address.
    ///
    /// # Errors
    /// [`ActionError::NotOffered`] when this is no development server.
    async fn development_users(&self) -> Result<Vec<Profile>, ActionError>;
}

/// Finds realms.
#[async_trait]
pub trait Realms: Send + Sync {
    /// The realm of that name.
    ///
    /// # Errors
    /// An [`InternalError`] when the realm could not be looked up.
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError>;
}

/// The two names of a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RealmName<'a> {
    /// The name that configurations use.
    Slug(&'a str),
    /// The realm's part of a host name; `""` is the host itself.
    Subdomain(&'a str),
}
