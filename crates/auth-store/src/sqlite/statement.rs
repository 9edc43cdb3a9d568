//! Statements that change rows, and the count of a user's changes.

use auth_core::UserId;
use rusqlite::{Connection, Params, params};

use super::failure::Result;

pub(super) const TOUCH: &str = "UPDATE user SET version = version + 1 WHERE id = ?1";

/// Runs a statement; tells whether it has changed anything.
pub(super) fn changed(connection: &Connection, statement: &str, params: impl Params) -> Result<bool> {
    Ok(connection.prepare_cached(statement)?.execute(params)? > 0)
}

/// Counts a change of a user; `false` when there is no such user.
pub(super) fn touch(connection: &Connection, user: UserId) -> Result<bool> {
    changed(connection, TOUCH, params![user.as_bytes()])
}
