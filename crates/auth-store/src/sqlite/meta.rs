//! The few values that belong to the store as a whole.

use async_trait::async_trait;
use auth_core::{MetaStore, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::failure;

pub(super) const GET: &str = "SELECT value FROM meta WHERE name = ?1";
pub(super) const SET_ONCE: &str =
    "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";

#[async_trait]
impl MetaStore for Sqlite {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| get(connection, &name)).await
    }

    async fn set_meta_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |connection| {
            connection.prepare_cached(SET_ONCE)?.execute(params![name, value])?;
            Ok(get(connection, &name)?.unwrap_or(value))
        })
        .await
    }
}

fn get(connection: &Connection, name: &str) -> failure::Result<Option<Vec<u8>>> {
    Ok(connection.prepare_cached(GET)?.query_row([name], |row| row.get(0)).optional()?)
}
