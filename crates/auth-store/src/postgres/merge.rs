//! Two users who become one.

use auth_core::{ImportedChange, UserId};
use deadpool_postgres::Transaction;

use super::account::by_id;
use super::error::Result;
use super::statement::{execute, lock};
use super::{account, import_marks};

pub(super) const GROUPS: &str = "INSERT INTO membership (user_group, account) \
    SELECT user_group, $1 FROM membership WHERE account = $2 ON CONFLICT DO NOTHING";
pub(super) const ATTEMPTS: &str = "UPDATE attempt SET account = $1 WHERE account = $2";
pub(super) const AUDIT: &str = "UPDATE audit SET account = $1 WHERE account = $2";
pub(super) const ACTS: &str = "UPDATE audit SET actor_account = $1 WHERE actor_account = $2";
pub(super) const MARKS: &str = "UPDATE import_mark SET account = $1 WHERE account = $2";
pub(super) const ACTIVITY: &str = "UPDATE activity AS a SET last_login = greatest(a.last_login, g.last_login), \
    last_use = greatest(a.last_use, g.last_use), seen = greatest(a.seen, g.seen) \
    FROM activity AS g WHERE a.account = $1 AND g.account = $2";

/// Has what belongs to one user belong to another, deletes the one, and changes the other; `false` when there is no user of
/// that version who goes.
pub(super) async fn merge(
    transaction: &mut Transaction<'_>,
    (gone, version): (UserId, u64),
    change: &ImportedChange,
) -> Result<bool> {
    // Always in one order, so that two merges wait for each other and not for ever.
    let kept = change.user.id;
    for user in [kept.min(gone), kept.max(gone)] {
        lock(transaction, user).await?;
    }
    let found = by_id(transaction, gone).await?;
    if found.is_none_or(|found| found.user.version != version) {
        return Ok(false);
    }
    for statement in [GROUPS, ATTEMPTS, AUDIT, ACTS, MARKS, ACTIVITY] {
        execute(transaction, statement, &[&&kept.as_bytes()[..], &&gone.as_bytes()[..]]).await?;
    }
    // What is unique has to be free before it is given anew.
    execute(transaction, account::DELETE, &[&&gone.as_bytes()[..]]).await?;
    import_marks::change(transaction, &[change]).await?;
    Ok(true)
}
