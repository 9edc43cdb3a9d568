//! The login pipeline of auth-server: one set of rules behind every protocol.
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
//! The engine decodes no request and renders no answer. Its clock and its random source are passed in, and it opens no
//! file or socket. Operators' commands are in `auth-admin`, import and export in `auth-transfer`.
//!
//! # Modules
//!
//! | module | contents |
//! | --- | --- |
//! | `login` | the pipeline and its stages; the attempt log |
//! | `rules` | what each protocol demands of the pipeline, a file for each |
//! | `token` | checks of credentials, their cache, renewal |
//! | `account` | what signed-in users do to their accounts |
//! | `rate_limit` | limits of attempts and calls, and the order of hashing |
//! | `timing` | when answers are released |
//! | `maintenance` | purging and outgoing mail |

mod account;
mod audit;
mod builder;
mod config;
mod credentials;
mod directories;
mod engine;
mod error;
mod grants;
mod id_in_use;
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
pub use audit::Auditor;
pub use builder::EngineBuilder;
pub use config::{
    CommonQuotas, Config, DirectoryConfig, FailureDelay, MailConfig, NoticeConfig, PasswordConfig,
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
pub use maintenance::outbox::{Letterhead, Mail, MailCounts, MailQueue};
pub use maintenance::purge::{Purged, Purger};
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
