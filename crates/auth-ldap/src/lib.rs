//! An LDAP password backend for auth-server.
//!
//! [`Directory`] implements [`PasswordBackend`](auth_core::PasswordBackend). It finds the one entry that a typed name
//! means, binds as that entry with the password, and returns the person as an [`Entry`](auth_core::Entry). It keeps
//! a small pool of connections, with StartTLS or LDAPS where configured, and fails over between servers.
//!
//! What this crate never does:
//!
//! * It never writes to the directory, follows a referral or dereferences an alias.
//! * It never sends an empty password: many servers answer such a bind with success
//!   ([RFC 4513, section 5.1.2](https://www.rfc-editor.org/rfc/rfc4513#section-5.1.2)).
//! * It never puts a typed name into a filter or a distinguished name unescaped.
//! * It never reports an outage as a wrong password, nor takes a part of a list for the whole.
//! * It knows nothing about accounts. The engine decides whether an entry gets an account, and which.
//! * It reads no clock but the [`Clock`](auth_core::Clock) it was given, and no file or environment variable except
//!   the system's certificate store.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use auth_core::{Clock, Password, Realm};
//! use auth_ldap::{BindMethod, Directory, DirectoryConfig, Server};
//!
//! async fn check(clock: Arc<dyn Clock>, realm: &Realm) -> Result<(), Box<dyn std::error::Error>> {
//!     let config = DirectoryConfig {
//!         servers: vec![Server::parse("starttls://ldap.example.org")?],
//!         bind: BindMethod::ServiceAccount {
//!             dn: "cn=auth,dc=example,dc=org".into(),
//!             password: Password::new("password of the service account"),
//!         },
//!         ..DirectoryConfig::new("corp", "ou=people,dc=example,dc=org")
//!     };
//!     let directory = Directory::open(config, clock)?;
//!
//!     // The engine calls `PasswordBackend::verify`. `trace_login` does the same and records each step.
//!     let trace = directory.trace_login(realm, "hamlet", Some(&Password::new("to be"))).await;
//!     for step in &trace.steps {
//!         println!("{step}");
//!     }
//!     println!("user name: {:?}", trace.result?.user_name);
//!     Ok(())
//! }
//! ```
//!
//! # How a login is verified
//!
//! ```text
//! typed name → queries (names.rs) → filter (filter.rs) → search: exactly one entry (session.rs)
//!            → bind with the password (session.rs) → person, disabled flag, realm access (attributes.rs, access.rs)
//! ```
//!
//! | result | [`BackendAnswer`](auth_core::BackendAnswer) |
//! | --- | --- |
//! | the password is right and the entry may log in to the realm | `Accept` with the person |
//! | no entry goes by the name | `NotMine`: the next backend is asked |
//! | wrong password, several entries, a disabled or incomplete entry, no access to the realm | `Reject` |
//! | the server is unreachable, too slow or misconfigured | `Unavailable` |
//!
//! Paths such as `docs/contract/zulip.md` are in the source repository.

mod access;
mod attributes;
mod carried;
mod config;
mod connection;
mod directory;
mod dn;
mod entry;
mod error;
mod filter;
mod groups;
mod login;
mod names;
mod pool;
mod referral;
mod refusal;
mod result_code;
mod server;
mod session;
mod trace;

pub use access::RealmAccess;
pub use carried::GroupList;
pub use config::{
    AttributeNames, BindMethod, CarriedGroups, DirectoryConfig, GroupRoles, MemberForm, NameLookup,
};
pub use directory::{Directory, DirectoryCounts, ListedEntry, LoginTrace};
pub use error::{ConfigError, DirectoryError, VerifyError};
pub use server::Server;
