//! Two users who become one.

use auth_core::{ImportedChange, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Result;
use super::{account, feed, import_marks};

pub(super) const GROUPS: &str = "INSERT OR IGNORE INTO membership (user_group, user) \
    SELECT user_group, ?1 FROM membership WHERE user = ?2";
pub(super) const ATTEMPTS: &str = "UPDATE attempt SET user = ?1 WHERE user = ?2";
pub(super) const AUDIT: &str = "UPDATE audit SET user = ?1 WHERE user = ?2";
pub(super) const ACTS: &str = "UPDATE audit SET actor_user = ?1 WHERE actor_user = ?2";
pub(super) const MARKS: &str = "UPDATE import_mark SET user = ?1 WHERE user = ?2";
pub(super) const ACTIVITY: &str = "UPDATE activity AS a SET \
    last_login = coalesce(max(a.last_login, g.last_login), a.last_login, g.last_login), \
    last_use = coalesce(max(a.last_use, g.last_use), a.last_use, g.last_use), seen = max(a.seen, g.seen) \
    FROM activity AS g WHERE g.user = (SELECT number FROM user WHERE id = ?2) \
    AND a.user = (SELECT number FROM user WHERE id = ?1)";

/// Has what belongs to one user belong to another, deletes the one, and changes the other; `false` when there is no user of
/// that version who goes.
pub(super) fn merge(
    connection: &Connection,
    (gone, version): (UserId, u64),
    change: &ImportedChange,
) -> Result<bool> {
    let found: Option<i64> = connection
        .prepare_cached(feed::VERSION)?
        .query_row([gone.as_bytes()], |row| row.get(0))
        .optional()?;
    if found.map(i64::cast_unsigned) != Some(version) {
        return Ok(false);
    }
    for statement in [GROUPS, ATTEMPTS, AUDIT, ACTS, MARKS, ACTIVITY] {
        connection.prepare_cached(statement)?.execute(params![change.user.id.as_bytes(), gone.as_bytes()])?;
    }
    // What is unique has to be free before it is given anew.
    connection.prepare_cached(account::DELETE)?.execute([gone.as_bytes()])?;
    import_marks::change(connection, change)?;
    Ok(true)
}
