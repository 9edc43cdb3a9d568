//! The login pipeline of auth-server: one set of rules behind every door.
//!
//! [`Engine`] implements [`Authenticator`](auth_core::Authenticator), [`Accounts`](auth_core::Accounts) and
//! [`Realms`](auth_core::Realms) from a store, password backends, a hashing pool and a key ring. A log-in goes
//! one way:
//!
//! ```text
//! reserve a try → resolve the user → backends verify → account state → second factor → grant
//! ```
//!
//! It renders no byte of an answer and reads none of a request; it asks no clock and draws no randomness but
//! those it was given; it opens no file and no socket.
//!
//! [`Engine::import`] and [`export`](Engine::export) read and write the JSON lines in which users move in
//! and out, and [`operator`] has what commands do to accounts.

mod accounts;
mod check;
mod config;
mod engine;
mod factor;
mod grant;
mod limits;
mod local;
mod login;
pub mod operator;
mod realms;
pub mod transfer;

pub use config::{Config, PasswordConfig, RocketChatRules, SharedLimits, ZettelstoreRules, ZulipRules};
pub use engine::{Engine, OpenError, Parts};
