//! The login pipeline of auth-server: one set of rules behind every protocol.
//!
//! [`Engine`] implements [`Authenticator`](auth_core::Authenticator), [`Accounts`](auth_core::Accounts) and
//! [`Realms`](auth_core::Realms) from a store, password backends, a hashing pool and a key ring. A log-in goes
//! one way:
//!
//! ```text
//! reserve a try → resolve the user → backends verify → account state → second factor → grant
//! ```
//!
//! Where a directory accepts a password, the account is found by its entry, linked with it or made.
//!
//! It renders no byte of an answer and reads none of a request; it asks no clock and draws no randomness but
//! those it was given; it opens no file and no socket.
//!
//! [`Engine::import`] and [`export`](Engine::export) read and write the JSON lines in which users move in
//! and out, [`keys`] exchanges and rotates the key ring, and [`operator`] has what commands do to accounts.

mod accounts;
mod app_passwords;
mod authority;
mod backup_codes;
mod check;
mod config;
mod confirm;
mod directory;
mod engine;
mod enrolment;
mod factor;
mod failure_grid;
mod grant;
pub mod keys;
mod known;
mod limits;
mod local;
mod login;
mod mail;
pub mod operator;
mod personal_tokens;
mod priority;
mod realms;
mod reset;
mod schemes;
mod sessions;
mod shared_tries;
pub mod transfer;
mod upkeep;
mod waiting;

pub use config::{
    Config, DirectoryRules, FailureGrid, PasswordConfig, RocketChatRules, SharedLimits, ZettelstoreRules,
    ZulipRules,
};
pub use directory::EntryFate;
pub use engine::{Engine, OpenError, Parts};
pub use mail::Mail;
pub use upkeep::Purged;
