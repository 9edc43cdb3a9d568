//! One account, by its id.

use auth_core::{Account, UserId};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::error::Result;
use super::row::{Columns, account_columns};
use super::statement::row;

pub(super) const DELETE: &str = "DELETE FROM account WHERE id = $1";
pub(super) const BY_ID: &str = concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.id = $1");

/// The account of that id.
pub(super) async fn by_id(client: &impl GenericClient, id: UserId) -> Result<Option<Account>> {
    account(row(client, BY_ID, &[&&id.as_bytes()[..]]).await?)
}

/// The account in a row of [`account_columns`].
pub(super) fn account(row: Option<Row>) -> Result<Option<Account>> {
    row.map(|row| Columns::of(&row).account()).transpose()
}
