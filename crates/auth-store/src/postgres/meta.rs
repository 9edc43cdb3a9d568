//! Values that belong to the store as a whole.

use async_trait::async_trait;
use auth_core::{AuditRecord, MetaStore, StoreError};

use super::error::CommandError;
use super::row::Columns;
use super::session::{read, transact, write_once};
use super::statement::{changed, execute, row, rows};
use super::{Postgres, audit};

pub(super) const GET: &str = "SELECT value FROM meta WHERE name = $1";
pub(super) const SET_ONCE: &str =
    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
pub(super) const REPLACE: &str = "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2";
pub(super) const REMOVE: &str = "DELETE FROM meta WHERE name = $1 AND value = $2";
// The table is short, and its index may sort by the rules of a language.
pub(super) const BEGINNING: &str =
    "SELECT name, value FROM meta WHERE left(name, length($1)) = $1 ORDER BY name COLLATE \"C\"";

#[async_trait]
impl MetaStore for Postgres {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = read!(self, |client| row(client, GET, &[&name]).await)?;
        Ok(found.map(|row| Columns::of(&row).take()).transpose()?)
    }

    async fn set_meta_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        // A second caller waits for the first, and then reads the value that the first has set.
        write_once!(self, |client| execute(client, SET_ONCE, &[&name, &value]).await)?;
        Ok(self.meta(name).await?.unwrap_or_else(|| value.to_owned()))
    }

    async fn replace_meta(
        &self,
        name: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        Ok(transact!(self, |transaction| {
            let done = match (old, new) {
                (None, None) => row(transaction, GET, &[&name]).await?.is_none(),
                (None, Some(new)) => changed(transaction, SET_ONCE, &[&name, &new]).await?,
                (Some(old), Some(new)) => changed(transaction, REPLACE, &[&name, &old, &new]).await?,
                (Some(old), None) => changed(transaction, REMOVE, &[&name, &old]).await?,
            };
            audit::write(transaction, audit.filter(|_| done && old != new)).await?;
            Ok(done)
        })?)
    }

    async fn metas(&self, beginning: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let found = read!(self, |client| rows(client, BEGINNING, &[&beginning]).await)?;
        let values = found.iter().map(|row| {
            let mut columns = Columns::of(row);
            Ok((columns.take()?, columns.take()?))
        });
        Ok(values.collect::<Result<_, CommandError>>()?)
    }
}
