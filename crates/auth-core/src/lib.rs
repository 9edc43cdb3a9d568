//! The words and traits of a login server.
//!
//! Records ([`Realm`], [`User`], [`Credential`]), secrets ([`Password`], [`Token`]), questions
//! ([`LoginAttempt`], [`CredentialCheck`]), answers ([`LoginOutcome`], [`LoginError`], [`Grant`]), and the traits
//! between the layers. This crate does no I/O, asks no clock, draws no random numbers and knows no cipher.
//!
//! ```text
//! bytes → Protocol → Authenticator → PasswordBackend, stores → Authenticator → Protocol → bytes
//! ```
//!
//! # A running example
//!
//! ```
//! use std::time::Duration;
//! use auth_core::{RateLimiter, Quota, Timestamp};
//!
//! let mut limiter = RateLimiter::new(Quota { attempts: 2, window: Duration::from_secs(60) }, 1000);
//! let now = Timestamp::from_secs(1_700_000_000);
//! assert_eq!(limiter.reserve(&"iago", now).remaining, 1);
//! assert_eq!(limiter.reserve(&"iago", now).remaining, 0);
//! assert!(limiter.reserve(&"iago", now).retry_after.is_some());
//! ```
//!
//! # To add a password backend
//!
//! Implement [`PasswordBackend`]: one method that answers accept, reject, not mine or unavailable. Do the same
//! work for a name you don't know as for one you do. Hand it to the engine under its name; realms list the
//! names of the backends they ask, in order. One that keeps people of its own, a directory, says with
//! [`Accepted::entry`] whose the password is.
//!
//! # To add a store
//!
//! Implement the nine narrow traits that make up [`Store`]. Methods are whole commands, "not there" is
//! `Ok(None)`, and what is acknowledged is durable. Run the battery of `auth-store` against it.
//!
//! # To add a protocol
//!
//! Write a crate that knows this one alone and implement [`Protocol`]: decode the request into a [`LoginAttempt`]
//! or a [`CredentialCheck`], ask the [`Services`], render every [`LoginError`] and [`InternalErrorKind`] in the protocol's own
//! bytes. A protocol decides nothing: rules about who may log in are the engine's. Give it a [`ProtocolName`].
//!
//! # To add a kind of credential
//!
//! Add a [`CredentialKind`]: stores keep it without a change. Say in the engine how it is made and checked, and
//! what ends it; where a protocol presents it, add a form of [`PresentedCredential`].

mod backend;
mod client;
mod credential_check;
mod error;
mod exact;
mod id;
mod login;
mod name;
mod permission;
mod policy;
mod protocol;
mod random;
mod rate_limit;
mod record;
mod secret;
mod service;
mod store;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod time;

pub use backend::{Accepted, BackendAnswer, Entry, PasswordBackend, VerifyRequest};
pub use client::{ClientKey, Peer};
pub use credential_check::{
    CheckReply, CredentialCheck, PresentedCredential, Principal, TokenError, TokenPlace,
};
pub use error::{InternalError, InternalErrorKind};
pub use exact::Exact;
pub use id::{CredentialId, MailId, NotAnId, RealmId, UserId};
pub use login::{
    Challenge, FactorMethod, FailureReason, Grant, GrantKind, Identifier, Login, LoginAttempt, LoginError,
    LoginMethod, LoginReply, MailedChallenge, Profile, SecondStep, SecretInput, TokenForm,
};
pub use name::{CredentialKind, ExactPoint, ProtocolName};
pub use permission::Permission;
pub use policy::{PasswordPolicy, PolicyRule};
pub use protocol::{
    Answer, AttemptCounting, BodyTooLarge, LoginQuotas, Protocol, ProtocolRules, Route, RouteMatch,
    TokenPolicy,
};
pub use random::{Rng, SeededRng};
pub use rate_limit::{Quota, RateLimitStatus, RateLimiter, SlidingWindow};
pub use record::{
    Account, BotKind, ByProtocol, Credential, Digest, Email, ExternalId, LoginName, NameKind, NewId, Realm,
    Role, Scope, StrengthRule, User, fold,
};
pub use secret::{ApiKey, OneTimeCode, Password, PasswordDigest, PasswordString, Token, TotpSecret};
pub use service::{
    ActionError, ApiKeys, Authenticator, Caller, DevelopmentUsers, Enrolment, PasswordReset, PersonalToken,
    PersonalTokens, PresentedFactor, RealmName, Realms, RequestLimits, SecondFactors, Sessions, TokenRenewal,
};
pub use store::{
    AttemptRecord, AttemptStore, ChangeFeed, ChangeListener, Conflict, CredentialStore, ImportError,
    ImportMode, Imported, Lookup, MetaStore, NewRecord, NewUser, Outbox, OutgoingMail, ProfileUpdate,
    RealmStore, Records, Revocation, SealedStore, SharedAttempts, Store, StoreError, UserStore, resolve,
};
pub use time::{Clock, ManualClock, Stopwatch, Timestamp, UtcDateTime};
