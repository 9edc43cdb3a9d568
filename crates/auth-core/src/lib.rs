//! The words and traits of a login server.
//!
//! Records ([`Realm`], [`User`], [`Credential`]), secrets ([`Password`], [`Token`]), questions
//! ([`LoginAttempt`], [`Presentation`]), answers ([`LoginOutcome`], [`Refusal`], [`Grant`]), and the traits
//! between the layers. This crate does no I/O, asks no clock, draws no random numbers and knows no cipher.
//!
//! ```text
//! bytes → Door → Authenticator → PasswordBackend, stores → Authenticator → Door → bytes
//! ```
//!
//! # A running example
//!
//! ```
//! use std::time::Duration;
//! use auth_core::{Limiter, Rule, Timestamp};
//!
//! let mut limiter = Limiter::new(Rule { attempts: 2, window: Duration::from_secs(60) }, 1000);
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
//! # To add a door
//!
//! Write a crate that knows this one alone and implement [`Door`]: decode the request into a [`LoginAttempt`]
//! or a [`Presentation`], ask the [`Inside`], render every [`Refusal`] and [`FaultKind`] in the door's own
//! bytes. A door decides nothing: rules about who may log in are the engine's. Give it a [`DoorKind`].
//!
//! # To add a kind of credential
//!
//! Add a [`CredentialKind`]: stores keep it without a change. Say in the engine how it is made and checked, and
//! what ends it; where a door presents it, add a form of [`Presented`].

mod account;
mod attempt;
mod backend;
mod door;
mod exact;
mod fault;
mod id;
mod limit;
mod network;
mod nodes;
mod outcome;
mod permission;
mod policy;
mod random;
mod record;
mod sealed;
mod secret;
mod store;
mod time;

pub use account::{
    Caller, Denial, Done, Enrolment, Passwords, PersonalToken, PersonalTokens, SecondFactorProof,
    SecondFactors, Sessions,
};
pub use attempt::{
    DoorKind, GrantKind, Identifier, LoginAttempt, Presentation, Presented, Proof, SecondStep, TokenForm,
};
pub use backend::{Accepted, BackendAnswer, Entry, PasswordBackend, PresentedSecret, Question};
pub use door::{Accounts, Answer, Authenticator, BodyTooLarge, Claim, Door, Inside, RealmName, Realms};
pub use exact::{Exact, ExactPoint};
pub use fault::{Fault, FaultKind};
pub use id::{CredentialId, MailId, NotAnId, RealmId, UserId};
pub use limit::{Limiter, Rule, Window};
pub use network::{Network, Peer};
pub use nodes::{ChangeFeed, ChangeListener, SharedTries};
pub use outcome::{
    Cause, Challenge, CheckRefusal, CheckReply, FactorMethod, Grant, Granted, LoginOutcome, LoginReply,
    MailedChallenge, Principal, Profile, Refusal, Standing,
};
pub use permission::Permission;
pub use policy::{PasswordPolicy, PolicyRule};
pub use random::{Rng, SeededRng};
pub use record::{
    Account, BotKind, Credential, CredentialKind, Digest, DoorIds, Email, LoginName, NameKind, Realm, Role,
    Scope, StrengthRule, User, fold,
};
pub use sealed::SealedStore;
pub use secret::{ApiKey, OneTimeCode, Password, PasswordDigest, PasswordString, Token, TotpSecret};
pub use store::{
    AttemptRecord, AttemptStore, Conflict, CredentialStore, Ending, ImportError, ImportMode, Imported,
    Lookup, MetaStore, NewRecord, NewUser, Outbox, OutgoingMail, RealmStore, Records, Store, StoreError,
    UserFacts, UserStore, resolve,
};
pub use time::{Clock, ManualClock, Stopwatch, Timestamp};
