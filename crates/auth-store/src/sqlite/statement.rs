//! Runs single statements, and counts the changes of a user.

use auth_core::UserId;
use rusqlite::{Connection, Params, params};

use super::error::Result;

pub(super) const TOUCH: &str = "UPDATE user SET version = version + 1 WHERE id = ?1";

/// Runs a statement; returns whether it changed any row.
pub(super) fn changed(connection: &Connection, statement: &str, params: impl Params) -> Result<bool> {
    Ok(connection.prepare_cached(statement)?.execute(params)? > 0)
}

/// Runs a statement; returns how many rows it changed.
pub(super) fn count(connection: &Connection, statement: &str, params: impl Params) -> Result<u64> {
    Ok(u64::try_from(connection.prepare_cached(statement)?.execute(params)?).unwrap_or(u64::MAX))
}

/// Counts a change of a user; `false` when there is no such user.
pub(super) fn touch(connection: &Connection, user: UserId) -> Result<bool> {
    changed(connection, TOUCH, params![user.as_bytes()])
}
