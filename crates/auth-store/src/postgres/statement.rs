//! Runs single statements, and counts the changes of a user.

use auth_core::UserId;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::error::Result;

pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Moves the valid-from stamp to $2, but at least a second ahead. It stays where $2 is NULL: `greatest` ignores NULL.
macro_rules! move_valid_from {
    () => {
        "valid_from = greatest(CASE WHEN $2::bigint IS NULL THEN valid_from ELSE valid_from + 1000 END, $2)"
    };
}

pub(super) use move_valid_from;

pub(super) const TOUCH: &str = "UPDATE account SET version = version + 1 WHERE id = $1";

/// Locks the row of a user.
pub(super) const LOCK: &str = "SELECT id FROM account WHERE id = $1 FOR UPDATE";

/// The rows of a query.
pub(super) async fn rows(client: &impl GenericClient, query: &str, params: Params<'_>) -> Result<Vec<Row>> {
    let statement = client.prepare_cached(query).await?;
    Ok(client.query(&statement, params).await?)
}

/// The one row of a query, if there is one.
pub(super) async fn row(client: &impl GenericClient, query: &str, params: Params<'_>) -> Result<Option<Row>> {
    let statement = client.prepare_cached(query).await?;
    Ok(client.query_opt(&statement, params).await?)
}

/// Runs a statement; returns the number of rows that it changed.
pub(super) async fn execute(client: &impl GenericClient, statement: &str, params: Params<'_>) -> Result<u64> {
    let statement = client.prepare_cached(statement).await?;
    Ok(client.execute(&statement, params).await?)
}

/// Runs a statement; returns whether it changed any row.
pub(super) async fn changed(
    client: &impl GenericClient,
    statement: &str,
    params: Params<'_>,
) -> Result<bool> {
    Ok(execute(client, statement, params).await? > 0)
}

/// Locks the row of a user until the end of the transaction; `false` when there is no such user.
pub(super) async fn lock(client: &impl GenericClient, user: UserId) -> Result<bool> {
    Ok(row(client, LOCK, &[&&user.as_bytes()[..]]).await?.is_some())
}

/// Counts a change of a user, and locks its row until the end of the transaction. `false` when there is no such user.
pub(super) async fn touch(client: &impl GenericClient, user: UserId) -> Result<bool> {
    changed(client, TOUCH, &[&&user.as_bytes()[..]]).await
}
