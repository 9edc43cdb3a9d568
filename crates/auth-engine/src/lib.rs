//! Logins with passwords: one login pipeline over a store of accounts, for applications with a log-in page of their own and
//! for servers that speak the login APIs of others.
//!
//! [`Engine`] hashes passwords with Argon2id on threads of its own, limits attempts, asks for second factors, begins sessions
//! and revokes them, and writes a log of attempts and an audit log. Accounts live in a store, such as those of `auth-store`.
//!
//! # A whole application
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use auth_core::{Peer, Token};
//! use auth_engine::{Engine, LoginOutcome, NewAccount};
//! use auth_store::Sqlite;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     // Where the application keeps its files: a temporary folder, in this example.
//!     let folder = tempfile::tempdir()?;
//!     let store = Arc::new(Sqlite::open(&folder.path().join("accounts.db"))?);
//!     let engine = Engine::builder(store).key_file(folder.path().join("keys.toml")).open().await?;
//!     let engine = Arc::new(engine);
//!     let maintenance = engine.spawn_maintenance();
//!
//!     // A realm is a group of users with names of its own. Most applications need one.
//!     engine.ensure_realm("main").await?;
//!     let new = NewAccount::new("ada", "correct-horse-battery-9876").address("ada@example.org");
//!     engine.create_account("main", &new).await?;
//!
//!     // Each request tells its client: the address of the connection, or what a trusted proxy says.
//!     let client = Peer::new([192, 0, 2, 1].into());
//!
//!     // `released` waits, so that the time of an answer doesn't tell which names there are.
//!     let answer = engine.log_in_with_password("main", "ada", "a wrong password", &client).await?;
//!     assert!(matches!(answer.released().await, LoginOutcome::WrongCredentials));
//!
//!     let answer = engine.log_in_with_password("main", "ada", "correct-horse-battery-9876", &client).await?;
//!     let LoginOutcome::SignedIn(login) = answer.released().await else {
//!         return Err("the password is right, and no second factor was set up".into());
//!     };
//!     let cookie = login.session.expose().to_owned();
//!
//!     // A request with the cookie.
//!     let session = engine.check_session("main", &Token::new(cookie.as_str()), &client).await?;
//!     let session = session.ok_or("the session has just begun")?;
//!     assert_eq!(session.profile.user.user_name(), Some("ada"));
//!
//!     // Once the session has ended, its cookie is worth nothing.
//!     engine.end_session(&session).await?;
//!     assert!(engine.check_session("main", &Token::new(cookie), &client).await?.is_none());
//!
//!     maintenance.stop().await;
//!     Ok(())
//! }
//! ```
//!
//! # A server
//!
//! [`Engine`] implements the services of auth-core ([`Authenticator`](auth_core::Authenticator),
//! [`Realms`](auth_core::Realms), [`Sessions`](auth_core::Sessions) and the others) over a store, password backends, a
//! hashing pool and a key ring. A login goes one way:
//!
//! ```text
//! reserve an attempt → find the user → backends verify → account state → second factor → grant
//! ```
//!
//! Where a directory accepts a password, the account is found by its entry, linked with it or made.
//!
//! The engine decodes no request and renders no answer. It opens no socket, and of files only the key file that
//! [`EngineBuilder`] names. Its
//! clock and its random source can be replaced. Operators' commands are in `auth-admin`, import and export in `auth-transfer`.
//!
//! # Features
//!
//! | feature | adds | by default |
//! | --- | --- | --- |
//! | `bcrypt` | stored passwords of bcrypt, such as those of Django, Rocket.Chat and Zettelstore | yes |
//! | `key-file` | key rings in files, as auth-server keeps them | yes |
//! | `test-util` | `testing`: an engine for tests, with the clock in their hands | no |
//!
//! # Modules
//!
//! | module | contents |
//! | --- | --- |
//! | `application` | accounts, logins and sessions for an application with a log-in page of its own |
//! | `login` | the pipeline and its stages; the attempt log |
//! | `rules` | what each protocol demands of the pipeline, a file for each |
//! | `token` | checks of credentials, their cache, renewal |
//! | `account` | what signed-in users do to their accounts |
//! | `rate_limit` | limits of attempts and calls, and the order of hashing |
//! | `timing` | when answers are released |
//! | `maintenance` | purging, following the store, and outgoing mail |

mod account;
mod application;
mod audit;
mod builder;
mod config;
mod credentials;
mod directories;
mod engine;
mod error;
mod grants;
mod id_in_use;
#[cfg(feature = "key-file")]
pub mod key_file;
mod key_source;
pub mod keys;
mod lineage;
mod login;
mod mail_text;
mod maintenance;
mod memberships;
mod named_credentials;
mod network_rules;
mod profile;
mod rate_limit;
mod realms;
mod revocation;
pub mod rules;
mod sealed_texts;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod timing;
mod token;
mod user_names;
mod users;

pub use account::address_verification::with_verified_addresses;
pub use account::device_removals::{DeviceRemovals, HeldRemoval, Hold};
pub use account::notices::Notices;
pub use account::passwords::{PasswordError, PasswordService};
pub use application::accounts::{AccountError, NewAccount};
pub use application::log_in::{LoginAnswer, LoginOutcome, SignedIn};
pub use audit::Auditor;
pub use builder::EngineBuilder;
pub use config::{
    CommonQuotas, Config, DirectoryConfig, FailureDelay, MailConfig, NoticeConfig, PasswordConfig, Retention,
    RocketChatConfig, ZettelstoreConfig, ZulipConfig,
};
pub use credentials::{CredentialFactory, backup_code_digest, has_ended, is_of_same_login, sha256_hex};
pub use directories::Directories;
pub use engine::Engine;
pub use error::OpenError;
pub use id_in_use::is_id_in_use;
pub use login::attempt_counts::AttemptCount;
pub use login::backends::{BackendChain, LookupError, NoEntry};
pub use login::directory::{DirectoryAccounts, EntryMatch};
pub use login::entry_groups::{group_of_entry, id_of_group};
pub use maintenance::carrier::{MailCarrier, SendError};
pub use maintenance::outbox::{Letterhead, Mail, MailCounts, MailQueue};
pub use maintenance::purge::{Purged, Purger};
pub use maintenance::upkeep::Maintenance;
pub use named_credentials::{Added, MOST_NAMED, add_named};
pub use network_rules::NetworkRules;
pub use profile::{Outcome, ProfileChange, change_profile};
pub use rate_limit::closed::ClosedLimit;
pub use rate_limit::shared::AttemptLimits;
pub use realms::RealmCache;
pub use revocation::{RevocationEvent, RevocationTable};
pub use timing::scheme_registry::{Scheme, register_schemes};
pub use user_names::{is_user_name, user_names};
pub use users::{UserFactory, UserFinder};

/// The number of users in a page that is read of the store.
pub const USERS_PER_PAGE: u32 = 500;
