//! The few values that belong to the store as a whole.

use async_trait::async_trait;
use auth_core::{MetaStore, StoreError};

use super::Postgres;
use super::failure::Failure;
use super::row::Columns;
use super::session::{execute, read, row, write_once};

pub(super) const GET: &str = "SELECT value FROM meta WHERE name = $1";
pub(super) const SET_ONCE: &str =
    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

#[async_trait]
impl MetaStore for Postgres {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = read!(self, |client| row(client, GET, &[&name]).await)?;
        Ok(found.map(|row| Columns::of(&row).take()).transpose()?)
    }

    async fn set_meta_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        // Whoever comes second waits for the first, and then reads what it has set.
        write_once!(self, |client| execute(client, SET_ONCE, &[&name, &value]).await)?;
        Ok(self.meta(name).await?.unwrap_or_else(|| value.to_owned()))
    }
}
