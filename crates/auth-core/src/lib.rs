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
//! name that the backend doesn't know as for one that it does. This one judges the passwords of accounts that are here:
//!
//! ```
//! use async_trait::async_trait;
//! use auth_core::{
//!     Accepted, BackendAnswer, FailureReason, InternalError, PasswordBackend, SecretInput, VerifyRequest,
//! };
//!
//! /// Asks an older system for passwords.
//! struct OldSystem;
//!
//! impl OldSystem {
//!     /// Whether it is the password of that name there.
//!     async fn is_password(&self, name: &str, password: &str) -> Result<bool, std::io::Error> {
//!         Ok(name == "ada" && password == "her password there")
//!     }
//! }
//!
//! #[async_trait]
//! impl PasswordBackend for OldSystem {
//!     fn name(&self) -> &str {
//!         "old-system"
//!     }
//!
//!     async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
//!         let SecretInput::Password(password) = request.secret else {
//!             // A client of Rocket.Chat has sent SHA-256 of the password.
//!             return BackendAnswer::Reject(FailureReason::DigestNotAccepted);
//!         };
//!         let typed = request.who.typed();
//!         // What was typed may be an address, or differ in case. Names without an account are asked for too.
//!         let name = request.account.and_then(|account| account.user.user_name()).unwrap_or(&typed);
//!         match self.is_password(name, password.expose()).await {
//!             Err(cause) => BackendAnswer::Unavailable(InternalError::unavailable(cause)),
//!             Ok(_) if request.account.is_none() => BackendAnswer::NotMine,
//!             Ok(true) => BackendAnswer::Accept(Accepted::new()),
//!             Ok(false) => BackendAnswer::Reject(FailureReason::WrongPassword),
//!         }
//!     }
//! }
//! # use std::task::{Context, Poll, Waker};
//! # use auth_core::{Identifier, Password, Peer, Realm, RealmId};
//! # let realm = Realm::new(RealmId::from_bytes([1; 16]), "main");
//! # let (who, peer) = (Identifier::user_name("nobody"), Peer::new([192, 0, 2, 1].into()));
//! # let secret = &SecretInput::Password(Password::new("a guess"));
//! # let request = VerifyRequest { realm: &realm, who: &who, account: None, secret, demand: None, peer: &peer };
//! # let answer = OldSystem.verify(&request).as_mut().poll(&mut Context::from_waker(Waker::noop()));
//! # assert!(matches!(answer, Poll::Ready(BackendAnswer::NotMine)));
//! ```
//!
//! Hand the backend to the engine (`EngineBuilder::backend`) and name it in the [`backends`](Realm::backends) of each realm that is
//! to ask it. A realm asks the backends that it lists, in their order, and no others; one that lists none asks for stored passwords
//! alone, which are the backend [`local`](Realm::LOCAL). No account is made for a name that has none: make it beforehand, without a
//! stored password, by an import line that has none or by `Engine::add_account`. [`Accepted::new`] is for the account of the request:
//! where there is none, it is an internal error.
//!
//! A backend that keeps people of its own is a directory. It says so ([`PasswordBackend::is_directory`]) and tells with
//! [`Accepted::entry`] whose the password is: the engine finds the account of that entry or, by default, makes it at the first
//! login. The front page of `auth-engine` has such a backend in a whole program, and what a directory may do.
//!
//! The traits of backends, stores and protocols have asynchronous methods by the crate
//! [`async-trait`](https://docs.rs/async-trait): write `#[async_trait]` above the implementation, and `async fn` in it.
//!
//! # To add a store
//!
//! Implement the narrow traits that make up [`Store`]. Methods are whole commands, "not there" is `Ok(None)`, and what
//! is acknowledged is durable. Run the battery of `auth-store-battery` against the store. [`forward_store!`] implements all of the
//! traits for a store around another.
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
/// For what [`forward_store!`] writes.
#[doc(hidden)]
pub use async_trait::async_trait as __async_trait;
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
