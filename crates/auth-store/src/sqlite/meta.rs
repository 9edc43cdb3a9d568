//! Values that belong to the store as a whole.

use async_trait::async_trait;
use auth_core::{AuditRecord, MetaStore, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::statement::changed;
use super::{Sqlite, audit, error};

pub(super) const GET: &str = "SELECT value FROM meta WHERE name = ?1";
pub(super) const SET_ONCE: &str =
    "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
pub(super) const REPLACE: &str = "UPDATE meta SET value = ?3 WHERE name = ?1 AND value = ?2";
pub(super) const REMOVE: &str = "DELETE FROM meta WHERE name = ?1 AND value = ?2";
pub(super) const BEGINNING: &str =
    "SELECT name, value FROM meta WHERE name >= ?1 AND name < ?1 || char(0x10ffff) ORDER BY name";

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

    async fn replace_meta(
        &self,
        name: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        let (name, old, new) = (name.to_owned(), old.map(<[u8]>::to_vec), new.map(<[u8]>::to_vec));
        let audit = audit.filter(|_| old != new).cloned();
        self.write(move |connection| {
            let done = match (&old, &new) {
                (None, None) => get(connection, &name)?.is_none(),
                (None, Some(new)) => changed(connection, SET_ONCE, params![name, new])?,
                (Some(old), Some(new)) => changed(connection, REPLACE, params![name, old, new])?,
                (Some(old), None) => changed(connection, REMOVE, params![name, old])?,
            };
            audit::write(connection, audit.as_ref().filter(|_| done))?;
            Ok(done)
        })
        .await
    }

    async fn metas(&self, beginning: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let beginning = beginning.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(BEGINNING)?;
            let rows = statement.query_map([beginning], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn get(connection: &Connection, name: &str) -> error::Result<Option<Vec<u8>>> {
    Ok(connection.prepare_cached(GET)?.query_row([name], |row| row.get(0)).optional()?)
}
