//! The records that a store keeps.
//!
//! A new way to sign in is a new [`CredentialKind`](crate::CredentialKind), not a new record.

mod credential;
mod name;
mod name_rule;
mod realm;
mod user;

pub use credential::{Credential, Digest, Origin, Scope};
pub use name::{LoginName, NameKind, fold};
pub use name_rule::{NameError, check_login_name};
pub use realm::{BadRealm, Realm, RealmChange, StrengthRule};
pub use user::{Account, BotKind, ByProtocol, Email, ExternalId, NewId, Role, User};
