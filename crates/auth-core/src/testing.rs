//! Builders for records, a fake of every service and a store in memory, for the tests of this crate and of those that
//! use it.
//!
//! ```
//! use auth_core::testing::{RealmBuilder, UserBuilder};
//! use auth_core::ProtocolName;
//!
//! let realm = RealmBuilder::new("main").subdomain("").build();
//! let iago = UserBuilder::new("iago").realm(realm.id).email("iago@zulip.com").build();
//! assert_eq!(iago.user_name(), Some("iago"));
//! assert_eq!(iago.external_number(ProtocolName::ZULIP), 1);
//! ```

mod builder;
mod fake_services;
mod memory_store;

pub use builder::{RealmBuilder, UserBuilder};
pub use fake_services::{Action, ActionKind, ActionResult, FAKE_NOW, FakeServices};
pub use memory_store::MemoryStore;
