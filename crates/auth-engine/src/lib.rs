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
//! # Another system judges passwords
//!
//! A [`PasswordBackend`](auth_core::PasswordBackend) judges passwords in place of stored ones, or beside them. This one is a
//! directory: it keeps people of its own, and an account here is made when one of them logs in first.
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use auth_core::{
//!     Accepted, Act, BackendAnswer, Entry, FailureReason, PasswordBackend, Peer, Realm, RealmChange, RealmId,
//!     SecretInput, SystemRng, VerifyRequest,
//! };
//! use auth_engine::{Config, DirectoryConfig, Engine, LoginOutcome};
//! use auth_store::Sqlite;
//!
//! /// The members of a club. A real one would ask a service.
//! struct Club;
//!
//! #[async_trait]
//! impl PasswordBackend for Club {
//!     fn name(&self) -> &str {
//!         "club"
//!     }
//!
//!     fn is_directory(&self) -> bool {
//!         true
//!     }
//!
//!     async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
//!         let SecretInput::Password(password) = request.secret else {
//!             return BackendAnswer::Reject(FailureReason::DigestNotAccepted);
//!         };
//!         match (&*request.who.typed(), password.expose()) {
//!             ("ada", "her password there") => BackendAnswer::Accept(Accepted::entry(Entry {
//!                 // What stays the same when a name changes.
//!                 id: "member-17".to_owned(),
//!                 user_name: Some("ada".to_owned()),
//!                 email: Some("ada@example.org".to_owned()),
//!                 full_name: Some("Ada L.".to_owned()),
//!                 // No say in roles and groups.
//!                 role: None,
//!                 groups: None,
//!             })),
//!             ("ada", _) => BackendAnswer::Reject(FailureReason::WrongPassword),
//!             _ => BackendAnswer::NotMine,
//!         }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     let folder = tempfile::tempdir()?;
//!     let store = Arc::new(Sqlite::open(&folder.path().join("accounts.db"))?);
//!     let mut config = Config::default();
//!     // What the directory may do to accounts. Without this the engine doesn't open.
//!     config.directories.insert("club".to_owned(), DirectoryConfig::default());
//!     let engine = Engine::builder(store).backend(Arc::new(Club)).config(config).open().await?;
//!
//!     // `ensure_realm` makes a realm for stored passwords. This one asks the club first, and stored passwords after it.
//!     let backends = Some(vec!["club".to_owned(), Realm::LOCAL.to_owned()]);
//!     let change = RealmChange { backends, ..RealmChange::new(RealmId::random(&SystemRng), "main") };
//!     let audit = engine.auditor().by_command(Act::RealmWritten, Some(change.id), None, "");
//!     engine.write_realm(change, &audit).await?;
//!
//!     // There is no account yet. The first login makes it, with the names of the entry and without a password.
//!     let client = Peer::new([192, 0, 2, 1].into());
//!     let answer = engine.log_in_with_password("main", "ada", "her password there", &client).await?;
//!     let LoginOutcome::SignedIn(login) = answer.released().await else { return Err("a right password".into()) };
//!     assert_eq!(login.profile.user.full_name, "Ada L.");
//!     assert!(!login.profile.has_password);
//!     Ok(())
//! }
//! ```
//!
//! [`DirectoryConfig`] says what a directory may do to accounts. With its defaults,
//!
//! * a person without an account gets one at the first login ([`create`](DirectoryConfig::create)), if the entry has a user name or
//!   an address that can be one; with `create: false` the login is refused until an operator or an import has made an account that
//!   names the entry;
//! * user name, address, full name, and the role and the groups where the directory tells them, are those of the entry at each later
//!   login ([`sync_on_login`](DirectoryConfig::sync_on_login));
//! * an account that was there under the entry's name is not taken over: the login is refused, unless
//!   [`merge_existing`](DirectoryConfig::merge_existing) is set;
//! * the stored password of an account of the directory is not accepted ([`local_passwords`](DirectoryConfig::local_passwords));
//! * addresses of any domain are good ([`email_domains`](DirectoryConfig::email_domains)).
//!
//! A backend that is no directory has no such entry, and judges accounts that are there: auth-core's front page has one. The
//! accounts of a realm that lists neither it nor `local` can't log in with a password.
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
