//! What a protocol sees of the inside, and what the outside sees of a protocol.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    ApiKey, CheckReply, CredentialCheck, Grant, InternalError, LoginAttempt, LoginReply, Passwords, Peer,
    PersonalTokens, Principal, Profile, ProtocolName, RateLimitStatus, Realm, SecondFactors, Sessions,
    Timestamp, TokenError, TokenForm,
};

/// Attempts to log in and checks of what was granted.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Judges an attempt. Refusals are outcomes.
    ///
    /// # Errors
    /// A [`InternalError`] when it could not be judged.
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError>;

    /// Tells who presents a credential.
    ///
    /// # Errors
    /// A [`InternalError`] when it could not be looked up.
    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError>;

    /// Gives a signed token in exchange for a good one: the same while less than a quarter of its life is over,
    /// then a new one (zettelstore.md 3).
    ///
    /// # Errors
    /// A [`InternalError`] when it could not be looked up.
    async fn renew(
        &self,
        presentation: CredentialCheck,
        form: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError>;

    /// Ends the credential that a principal presented; durable when it returns.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be ended.
    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError>;

    /// Counts a call against a protocol's limit per address and route, where it has one. Refused calls carry
    /// `retry_after` in their rate_limit.
    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus>;
}

/// What Zulip's clients do to accounts beside logging in.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Gives the principal's account a new Zulip key; the old one is refused from then on.
    ///
    /// # Errors
    /// A [`InternalError`] when the new key is not known to be stored.
    async fn regenerate_zulip_key(&self, principal: &Principal) -> Result<ApiKey, InternalError>;

    /// Active users of all realms, bots left out, ordered by e-mail address: for development servers
    /// (zulip.md 3). `None` when this server is not one.
    ///
    /// # Errors
    /// A [`InternalError`] when they could not be read.
    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError>;
}

/// Public facts of realms.
#[async_trait]
pub trait Realms: Send + Sync {
    /// The realm that is named so.
    ///
    /// # Errors
    /// A [`InternalError`] when it could not be looked up.
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError>;
}

/// The two names of a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RealmName<'a> {
    /// What configuration calls it.
    Slug(&'a str),
    /// Its part of a host name; `""` is the host itself.
    Subdomain(&'a str),
}

/// All that a protocol needs.
pub trait Services:
    Authenticator + Accounts + Sessions + PersonalTokens + SecondFactors + Passwords + Realms
{
}

impl<T> Services for T where
    T: Authenticator + Accounts + Sessions + PersonalTokens + SecondFactors + Passwords + Realms + ?Sized
{
}

/// A wire format: whole requests in, whole answers out. It renders and never decides.
#[async_trait]
pub trait Protocol: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> ProtocolName;

    /// What it says of a path (as sent, without the query).
    fn claim(&self, path: &str) -> RouteMatch;

    /// The largest body it reads, in bytes. Of a larger one it is given nothing, and the request carries
    /// [`BodyTooLarge`] among its extensions.
    fn body_limit(&self) -> usize;

    /// Answers a request. Whatever comes in, something sensible goes out.
    async fn answer(&self, request: http::Request<Bytes>, peer: &Peer) -> Answer;
}

/// What a protocol says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "routing needs no more")]
pub enum RouteMatch {
    /// Not one of its paths.
    None,
    /// Below one of its prefixes, but not documented.
    Prefix,
    /// One of its documented paths.
    Owned,
}

/// Marks a request whose body was larger than the protocol's limit and is not there.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a mark")]
pub struct BodyTooLarge;

/// An answer, and the moment before which it must not be sent.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it, servers take it apart")]
pub struct Answer {
    /// The answer.
    pub response: http::Response<Bytes>,
    /// The server, not the protocol, sleeps until then.
    pub not_before: Option<Timestamp>,
}

impl From<http::Response<Bytes>> for Answer {
    fn from(response: http::Response<Bytes>) -> Self {
        Self { response, not_before: None }
    }
}
