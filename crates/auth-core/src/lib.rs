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

mod account;
mod backend;
mod client;
mod error;
mod exact;
mod id;
mod login;
mod nodes;
mod outcome;
mod permission;
mod policy;
mod protocol;
mod random;
mod rate_limit;
mod record;
mod sealed;
mod secret;
mod store;
mod time;

pub use account::{
    ActionError, Caller, Done, Enrolment, Passwords, PersonalToken, PersonalTokens, SecondFactorProof,
    SecondFactors, Sessions,
};
pub use backend::{Accepted, BackendAnswer, Entry, PasswordBackend, SecretInput, VerifyRequest};
pub use client::{ClientKey, Peer};
pub use error::{InternalError, InternalErrorKind};
pub use exact::{Exact, ExactPoint};
pub use id::{CredentialId, MailId, NotAnId, RealmId, UserId};
pub use login::{
    CredentialCheck, GrantKind, Identifier, LoginAttempt, LoginMethod, PresentedCredential, ProtocolName,
    SecondStep, TokenForm,
};
pub use nodes::{ChangeFeed, ChangeListener, SharedAttempts};
pub use outcome::{
    Challenge, CheckReply, FactorMethod, FailureReason, Grant, Granted, LoginError, LoginOutcome, LoginReply,
    MailedChallenge, Principal, Profile, RateLimitStatus, TokenError,
};
pub use permission::Permission;
pub use policy::{PasswordPolicy, PolicyRule};
pub use protocol::{
    Accounts, Answer, Authenticator, BodyTooLarge, Protocol, RealmName, Realms, RouteMatch, Services,
};
pub use random::{Rng, SeededRng};
pub use rate_limit::{Quota, RateLimiter, SlidingWindow};
pub use record::{
    Account, BotKind, Credential, CredentialKind, Digest, Email, ExternalIds, LoginName, NameKind, Realm,
    Role, Scope, StrengthRule, User, fold,
};
pub use sealed::SealedStore;
pub use secret::{ApiKey, OneTimeCode, Password, PasswordDigest, PasswordString, Token, TotpSecret};
pub use store::{
    AttemptRecord, AttemptStore, Conflict, CredentialStore, ImportError, ImportMode, Imported, Lookup,
    MetaStore, NewRecord, NewUser, Outbox, OutgoingMail, ProfileUpdate, RealmStore, Records, Revocation,
    Store, StoreError, UserStore, resolve,
};
pub use time::{Clock, ManualClock, Stopwatch, Timestamp};
