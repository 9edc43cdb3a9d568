//! User records in SQLite or PostgreSQL: the store traits of auth-core over one file (`Sqlite`), or over a database
//! that any number of servers share (`Postgres`).
//!
//! Every method is a whole command. A command that returned `Ok` is durable; one that failed left nothing behind. The
//! SQLite store has one thread that writes, which puts many commands into one commit, and a few threads that read,
//! each from a consistent snapshot; several processes may share the file. The PostgreSQL store uses a pool of
//! connections, repeats commands when transactions conflict or a server goes away, and follows a failover.
//!
//! What this crate never does: hash a password, open a sealed secret, or decide about a login. Records come in finished
//! and go out as they came. It asks no clock, and draws no random numbers but those it is given.
//!
//! # A running example
//!
//! ```
//! use auth_core::{
//!     ByProtocol, ImportMode, LoginName, Lookup, NameKind, NewRecord, NewUser, OnConflict, PasswordString, ProtocolName,
//!     Realm, RealmId, Revocation, Role, Timestamp, User, UserId, UserStore,
//! };
//! use auth_store::Sqlite;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Sqlite::open(&folder.path().join("store.db"))?;
//!
//! // Realms come in by an import, which is all or nothing.
//! let realm = Realm::new(RealmId::from_bytes([7; 16]), "main");
//! let records = std::iter::once(Some(NewRecord::from(realm.clone())));
//! store.import(Box::new(records), ImportMode::Write, OnConflict::Refuse, Box::new(|_, _| ()), None).await.map_err(|error| format!("{error:?}"))?;
//!
//! // A user with a name and a stored password. The store chooses its number in Zulip.
//! let iago = User {
//!     id: UserId::from_bytes([1; 16]),
//!     realm: realm.id,
//!     names: vec![LoginName { kind: NameKind::UserName, exact: "Iago".into(), verified: false }],
//!     full_name: "Iago".into(),
//!     role: Role::Admin,
//!     bot: None,
//!     bot_owner: None,
//!     active: true,
//!     joined: Timestamp::from_secs(1_700_000_000),
//!     valid_from: Timestamp::from_secs(1_700_000_000),
//!     email_second_factor: false,
//!     must_change_password: false,
//!     language: None,
//!     external_ids: ByProtocol::new(),
//!     external_roles: ByProtocol::new(),
//!     version: 0,
//! };
//! let new = NewUser {
//!     user: iago,
//!     assign_ids: vec![ProtocolName::ZULIP],
//!     password: Some(PasswordString::new("$argon2id$…")),
//!     credentials: vec![],
//! };
//! store.create_user(&new, None).await?;
//!
//! // Names are found whatever their case, if only one user is meant.
//! let found = store.find(realm.id, &Lookup::Name(NameKind::UserName, "iago")).await?.ok_or("no Iago")?;
//! assert_eq!(found.user.external_number(ProtocolName::ZULIP), 1);
//!
//! // Deactivating counts as a change: cached copies of the user are stale.
//! store.set_active(found.user.id, false, &Revocation::NOTHING, None).await?;
//! let after = store.user(found.user.id).await?.ok_or("no Iago")?;
//! assert!(!after.user.active && after.user.version > found.user.version);
//! # Ok(())
//! # }
//! ```
//!
//! # To add a store
//!
//! Implement the traits that make up [`auth_core::Store`]. Then run `store_battery!` of the crate `auth-store-battery` against
//! it: the battery is the contract, in tests. `auth_core::testing::MemoryStore` is the smallest store that passes.
//!
//! # Features
//!
//! | feature | adds | by default |
//! | --- | --- | --- |
//! | `sqlite` | stores in SQLite files | yes |
//! | `postgres` | stores in PostgreSQL databases | no |
//!
//! # To change the schema
//!
//! First dump a store of the present version into `tests/earlier`. Then add a numbered file under `sqlite/schema` and
//! under `postgres/schema`, and name it in the `schema.rs` beside the folder. Files that have been released are never
//! edited.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod copy;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod credential_counts;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod encoding;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod log_page;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod notify;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod opening;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod plan;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use copy::{CopiedBatch, CopyEnd, CopyError, CopyReport, StoreCopy};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use opening::PendingUpgrade;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use plan::Plan;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresConfig, PostgresOpenError, postgres_address};
#[cfg(feature = "sqlite")]
pub use sqlite::{BackupError, OpenError, Sqlite};
