//! The records and traits of a login server.
//!
//! Records ([`Realm`], [`User`], [`Credential`]), secrets ([`Password`], [`Token`]), what protocols ask
//! ([`LoginAttempt`], [`CredentialCheck`]) and are answered ([`Login`], [`LoginError`], [`Grant`]), and the traits between
//! the layers. This crate does no I/O and knows no cipher. It asks no clock and draws no random numbers but by the types of the
//! feature `system`, which a program hands over where a [`Clock`] or an [`Rng`] is asked for.
//!
//! ```text
//! bytes → Protocol → services → PasswordBackend, stores → services → Protocol → bytes
//! ```
//!
//! # A running example
//!
//! ```
//! use std::time::Duration;
//! use auth_core::{Quota, RateLimiter, Timestamp};
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
//! Implement [`PasswordBackend`]: one method that answers accept, reject, not mine or unavailable. Do the same work for a
//! name that the backend doesn't know as for one that it does. Hand the backend to the engine under its name; realms list
//! the names of the backends that they ask, in order. A backend that keeps people of its own, a directory, says with
//! [`Accepted::entry`] whose the password is.
//!
//! The traits of backends, stores and protocols have asynchronous methods by the crate
//! [`async-trait`](https://docs.rs/async-trait): write `#[async_trait]` above the implementation, and `async fn` in it.
//!
//! # To add a store
//!
//! Implement the narrow traits that make up [`Store`]. Methods are whole commands, "not there" is `Ok(None)`, and what
//! is acknowledged is durable. Run the battery of `auth-store-battery` against the store.
//!
//! # To add a protocol
//!
//! No crate of this project changes. Write a crate that knows this one alone:
//!
//! 1. Make a [`ProtocolName`] with [`ProtocolName::new`], and a [`CredentialKind`] for the tokens that the protocol issues.
//! 2. Implement [`Protocol`]: decode a request into a [`LoginAttempt`] or a [`CredentialCheck`], ask the services that the
//!    protocol needs ([`Authenticator`], [`Realms`], …), and render every [`LoginError`] and [`TokenError`] in the protocol's
//!    own bytes. A protocol decides nothing: who may log in is the engine's to say.
//! 3. Implement [`ProtocolRules`] where the protocol demands anything of the login pipeline: ids of its own, limits, a
//!    delay, accounts that it refuses, how long its tokens live. Its careless points are [`ExactPoint`]s of its own.
//! 4. Hand the rules to the engine when it is built, and mount the protocol in the server.
//!
//! # To add a kind of credential
//!
//! Make a [`CredentialKind`] with [`CredentialKind::new`]: stores keep it without a change. A protocol asks for tokens of the
//! kind with [`GrantKind::Token`] and presents them with [`PresentedCredential::Token`].
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `system` | the operating system's clock, stopwatch and random numbers: `SystemClock`, `SystemStopwatch`, `SystemRng` |
//! | `test-util` | `testing`: builders for records, a fake of every service, and a store in memory; `SeededRng`, which is predictable |
//!
//! None is on by default.

mod agent;
mod audit;
mod backend;
mod client;
mod credential_check;
mod error;
mod event;
mod exact;
mod host;
mod id;
mod language;
mod login;
mod name;
mod permission;
mod policy;
mod profile_memo;
mod protocol;
mod random;
mod rate_limit;
mod record;
mod request;
mod request_id;
mod secret;
mod service;
mod store;
#[cfg(feature = "system")]
mod system;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod text;
mod time;

pub use agent::program_and_system;
pub use audit::{Act, Actor, AuditRecord};
pub use backend::{Accepted, BackendAnswer, Entry, EntryGroup, PasswordBackend, VerifyRequest};
pub use client::{ClientKey, ClientNetwork, Peer};
pub use credential_check::{
    CheckReply, CredentialCheck, PresentedCredential, Principal, TokenError, TokenPlace,
};
pub use error::{InternalError, InternalErrorKind};
pub use event::Event;
pub use exact::Exact;
pub use host::is_this_machine;
pub use id::{AdminKeyId, CredentialId, GroupId, MailId, NotAnId, RealmId, UserId};
pub use language::Language;
pub use login::{
    Challenge, FactorMethod, FailureReason, Grant, GrantKind, Identifier, Login, LoginAttempt, LoginError,
    LoginMethod, LoginReply, MailedChallenge, Profile, SecondStep, SecretInput, TokenForm,
};
pub use name::{CredentialKind, ExactPoint, ProtocolName};
pub use permission::Permission;
pub use policy::{PasswordPolicy, PolicyRule};
pub use profile_memo::ProfileMemo;
pub use protocol::{
    Answer, AttemptCounting, BodyRule, BodyTooLarge, LoginQuotas, Protocol, ProtocolRules, RequestError,
    Route, RouteMatch, TokenPolicy,
};
pub use random::Rng;
#[cfg(any(test, feature = "test-util"))]
pub use random::SeededRng;
pub use rate_limit::{Quota, RateLimitStatus, RateLimiter, SlidingWindow};
pub use record::{
    Account, BadRealm, BotKind, ByProtocol, Credential, Digest, Email, ExternalId, LoginName, NameError,
    NameKind, NewId, Origin, Realm, RealmChange, Role, Scope, StrengthRule, User, check_login_name, fold,
};
pub use request::{forwarding_header, is_loopback_host, merge_slashes, merged_path};
pub use request_id::RequestId;
pub use secret::{ApiKey, OneTimeCode, Password, PasswordDigest, PasswordString, Token, TotpSecret};
pub use service::{
    ActionError, AddressVerification, ApiKeys, Authenticator, Caller, DevelopmentUsers, Enrolment,
    ForwardSessions, Memberships, NamedSecrets, NewAppPassword, OwnAccount, OwnChange, OwnCredential,
    OwnCredentials, PasswordReply, PasswordReset, PersonalToken, PersonalTokens, PresentedFactor, RealmName,
    Realms, RequestLimits, ResetLinkReply, ResetLinkRequest, ResetLinks, SealedTexts, SecondFactors,
    SecretCheck, SecretReply, Sessions, TextPurpose, TokenRenewal,
};
pub use store::{
    Activity, ActivityStore, AdminKey, AdminKeyStore, AttemptFilter, AttemptRecord, AttemptRow, AttemptStore,
    AuditFilter, AuditRow, AuditStore, ChangeFeed, ChangeListener, Conflict, CredentialStore, FullCounter,
    Group, GroupSource, GroupStore, ImportError, ImportMark, ImportMarkStore, ImportMode, ImportNote,
    ImportNotes, Imported, ImportedChange, KNOWN_CLIENTS, LeftOut, LogOrder, LogPage, Lookup, MarkKey,
    MarkedUser, MetaStore, NetworkRule, NetworkRuleKind, NetworkRuleStore, NewRecord, NewUser, NotAPlace,
    OnConflict, Outbox, OutgoingMail, Place, ProfileUpdate, RealmRemoval, RealmStore, RealmWritten, Records,
    Revocation, SealedStore, SharedAttempts, SharedCounter, SpentStore, Store, StoreError, Unseen, UserStore,
    resolve,
};
#[cfg(feature = "system")]
pub use system::{SystemClock, SystemRng, SystemStopwatch, cores};
pub use text::{fill, is_control, is_invisible, without_byte_order_mark};
pub use time::{Clock, ManualClock, Stopwatch, Timestamp, UtcDateTime, retry_after_seconds};
