//! Keeps the records of a login server: the store traits of auth-core over one SQLite file ([`Sqlite`]), or over a
//! PostgreSQL database that any number of servers share ([`Postgres`]).
//!
//! Methods are whole commands. What one has acknowledged is durable; what failed left nothing behind. In SQLite one
//! thread writes, many commands to a commit, and a few threads read, each a consistent snapshot; several processes
//! may share the file. PostgreSQL is spoken to through a pool, tried again when transactions conflict or a server
//! goes away, and followed through a failover. This crate never hashes, seals or judges: records come in finished
//! and go out as they came. It asks no clock, and draws no random numbers but those it is given.
//!
//! # A running example
//!
//! ```
//! use auth_core::{ImportMode, Lookup, MetaStore, NameKind, NewRecord, Realm, RealmId, RealmStore, UserStore};
//! use auth_store::Sqlite;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Sqlite::open(&folder.path().join("store.db"))?;
//!
//! let realm = Realm {
//!     subdomain: Some(String::new()),
//!     name: "Main".into(),
//!     ..Realm::new(RealmId::from_bytes([7; 16]), "main")
//! };
//! let records = std::iter::once(Some(NewRecord::Realm(realm.clone())));
//! let written = store.import(Box::new(records), ImportMode::Write).await.map_err(|e| format!("{e:?}"))?;
//! assert_eq!((written.realms, written.users), (1, 0));
//!
//! assert_eq!(store.realms().await?, [realm.clone()]);
//! assert!(store.find(realm.id, &Lookup::Name(NameKind::UserName, "nobody")).await?.is_none());
//! assert_eq!(store.set_meta_once("key-check", b"first").await?, b"first");
//! assert_eq!(store.set_meta_once("key-check", b"second").await?, b"first");
//! # Ok(())
//! # }
//! ```
//!
//! # To add a store
//!
//! Implement the traits that make up [`auth_core::Store`] and run `store_battery!` (feature `battery`) against
//! it: the battery is the contract, in tests.
//!
//! # To change the schema
//!
//! Add a numbered file under `sqlite/schema` and `postgres/schema` and name it in the `schema.rs` beside. Files that have been released
//! are never edited.

#[cfg(feature = "battery")]
pub mod battery;
mod encoding;
mod news;
mod plan;
mod postgres;
mod sqlite;

pub use plan::Plan;
pub use postgres::{Postgres, PostgresOpenError, PostgresOptions};
pub use sqlite::{BackupError, OpenError, Sqlite};
