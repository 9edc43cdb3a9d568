//! One account, by its id.

use auth_core::{Account, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::error::Result;
use super::row::{Columns, account_columns};

pub(super) const DELETE: &str = "DELETE FROM user WHERE id = ?1";
pub(super) const BY_ID: &str = concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.id = ?1");

/// The account of that id.
pub(super) fn by_id(connection: &Connection, id: UserId) -> Result<Option<Account>> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    statement
        .query_row([id.as_bytes()], |row| Ok(Columns::of(row).account(connection)))
        .optional()?
        .transpose()
}
