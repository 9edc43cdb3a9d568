//! What operators do to accounts and keys, from the command line or any other front end.
//!
//! [`Accounts`] finds, lists, deactivates and deletes accounts and sets passwords; [`Devices`], [`Tokens`] and
//! [`AppPasswords`] administer what an account can present; [`KeyRotation`] and [`Nodes`] rotate the key ring under running
//! servers; [`compare_directory`] finds accounts whose person is gone from a directory, and [`compare_groups`] what is to be changed for groups
//! to be those of a directory; [`check_password`] tries a password
//! without logging in.
//!
//! Each is made from an [`Engine`](auth_engine::Engine) and works on its store with its services. Nothing here is needed to
//! log users in: a login server builds without this crate. It reads no terminal and prints nothing.
//!
//! ```no_run
//! # async fn deactivate(engine: &auth_engine::Engine) -> Result<(), auth_admin::AdminError> {
//! use auth_admin::Accounts;
//!
//! let accounts = Accounts::new(engine);
//! let iago = accounts.find(Some("main"), "iago").await?;
//! accounts.set_active(&iago, false).await
//! # }
//! ```

mod accounts;
mod admin_keys;
mod app_passwords;
mod devices_and_tokens;
mod directory_groups;
mod directory_sync;
mod error;
mod key_rotation;
mod nodes;
pub mod operation;
mod password_check;
mod scribe;
mod secret_text;
pub mod view;

pub use accounts::{AccountChange, Accounts};
pub use admin_keys::AdminKeys;
pub use app_passwords::AppPasswords;
pub use devices_and_tokens::{Devices, NewDevice, Tokens};
pub use directory_groups::{DirectoryGroups, GroupChange, GroupComparison, change_groups, compare_groups};
pub use directory_sync::{DirectoryComparison, compare_directory};
pub use error::AdminError;
pub use key_rotation::{KeyRotation, RetireError, Sealed};
pub use nodes::{NodeKeys, Nodes, STALE};
pub use password_check::{PasswordCheck, check_password};
pub use scribe::Author;
pub use secret_text::SecretText;
