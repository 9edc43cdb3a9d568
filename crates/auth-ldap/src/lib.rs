//! A directory (LDAP) as a password backend of auth-server.
//!
//! [`Directory`] implements [`PasswordBackend`](auth_core::PasswordBackend): it finds the one entry that a typed
//! name means, binds as it with the password, and says whose it is as an [`Entry`](auth_core::Entry). It opens
//! connections to the servers it is told of, over TLS where they are so written, and keeps a few of them.
//!
//! It writes nothing into the directory, follows no referral and dereferences no alias, never binds with an empty
//! password, and puts a typed name into filters and names escaped. It knows no account: whether an entry may have
//! one, and which, is the engine's to say. It asks no clock but the one it was given.
//!
//! ```no_run
//! use std::sync::Arc;
//! use auth_core::{Clock, Password};
//! use auth_ldap::{Bind, Directory, Server, Settings};
//!
//! fn open(clock: Arc<dyn Clock>) -> Result<Directory, auth_ldap::SettingsError> {
//!     let mut settings = Settings::new("corp", "ou=people,dc=example,dc=org");
//!     settings.servers = vec![Server::parse("starttls://ldap.example.org")?];
//!     let password = Password::new("of the service account");
//!     settings.bind = Bind::Service { dn: "cn=auth,dc=example,dc=org".into(), password };
//!     Directory::open(settings, clock)
//! }
//! ```
//!
//! # How a log-in goes
//!
//! ```text
//! typed name → readings (names.rs) → filter (filter.rs) → search: one entry or none → bind → facts (facts.rs)
//! ```
//!
//! A name that finds no entry is [`NotMine`](auth_core::BackendAnswer::NotMine); a server that can't be reached,
//! hangs or is misconfigured is [`Unavailable`](auth_core::BackendAnswer::Unavailable), never a wrong password.

mod access;
mod connection;
mod directory;
mod facts;
mod filter;
mod journal;
mod names;
mod pool;
mod raw;
mod settings;
mod tls;

pub use access::Access;
pub use directory::{Directory, Explained, Listed};
pub use settings::{Attributes, Bind, Groups, Naming, Server, Settings, SettingsError};
