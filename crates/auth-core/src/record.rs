//! The records: what a store keeps.
//!
//! New kinds of sign-in are new [`CredentialKind`]s, not new records.

mod credential;
mod name;
mod realm;
mod user;

pub use credential::{Credential, CredentialKind, Digest, Scope};
pub use name::{LoginName, NameKind, fold};
pub use realm::{Realm, StrengthRule};
pub use user::{Account, BotKind, Email, ExternalIds, Role, User};
