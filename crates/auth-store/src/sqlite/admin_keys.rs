//! Keys for administration.

use async_trait::async_trait;
use auth_core::{
    AdminKey, AdminKeyId, AdminKeyStore, AuditRecord, Conflict, Digest, RealmId, StoreError, Timestamp,
};
use rusqlite::{Connection, Params, params};

use super::Sqlite;
use super::error::{CommandError, Result, is_dangling, taken};
use super::row::Columns;
use super::statement::{changed, count};

type StoreResult<T> = std::result::Result<T, StoreError>;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, name, digest, scope, realm, made, ends, last_used FROM admin_key ", $rest)
    };
}

pub(super) const ALL: &str = select!("ORDER BY name");
pub(super) const BY_ID: &str = select!("WHERE id = ?1");
pub(super) const BY_DIGEST: &str = select!("WHERE digest = ?1");
pub(super) const INSERT: &str = "INSERT INTO admin_key (id, name, digest, scope, realm, made, ends, last_used) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const REMOVE: &str = "DELETE FROM admin_key WHERE id = ?1";
pub(super) const SET_USED: &str =
    "UPDATE admin_key SET last_used = ?2 WHERE id = ?1 AND coalesce(last_used, ?2 - 1) < ?2";
/// Reads the whole table: an operation keeps it small.
const FORGET: &str = "DELETE FROM admin_key WHERE ends < ?1";

#[async_trait]
impl AdminKeyStore for Sqlite {
    async fn admin_keys(&self) -> StoreResult<Vec<AdminKey>> {
        self.read(|connection| all(connection, ALL, [])).await
    }

    async fn admin_key(&self, digest: &Digest) -> StoreResult<Option<AdminKey>> {
        let digest = *digest.as_bytes();
        self.read(move |connection| Ok(all(connection, BY_DIGEST, [digest])?.pop())).await
    }

    async fn add_admin_key(&self, key: &AdminKey, audit: Option<&AuditRecord>) -> StoreResult<()> {
        let key = key.clone();
        let added = self.act_apart(audit, move |connection| {
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            if !all(connection, BY_ID, [key.id.as_bytes()])?.is_empty() {
                return Ok(false);
            }
            let params = params![
                key.id.as_bytes(),
                key.name,
                key.digest.as_bytes(),
                key.scope,
                key.realm.as_ref().map(RealmId::as_bytes),
                key.made.as_millis(),
                key.ends.map(Timestamp::as_millis),
                key.last_used.map(Timestamp::as_millis),
            ];
            connection.prepare_cached(INSERT)?.execute(params).map_err(refusal)?;
            Ok(true)
        });
        added.await.map(drop)
    }

    async fn remove_admin_key(&self, id: AdminKeyId, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        self.act_apart(audit, move |connection| changed(connection, REMOVE, [id.as_bytes()])).await
    }

    async fn set_admin_keys_used(&self, uses: &[(AdminKeyId, Timestamp)]) -> StoreResult<()> {
        let uses = uses.to_vec();
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(SET_USED)?;
            for (id, at) in uses {
                statement.execute(params![id.as_bytes(), at.as_millis()])?;
            }
            Ok(())
        })
        .await
    }

    async fn forget_admin_keys(&self, before: Timestamp) -> StoreResult<u64> {
        self.write(move |connection| count(connection, FORGET, [before.as_millis()])).await
    }
}

fn all(connection: &Connection, query: &str, params: impl Params) -> Result<Vec<AdminKey>> {
    let mut statement = connection.prepare_cached(query)?;
    statement.query_and_then(params, |row| admin_key(&mut Columns::of(row)))?.collect()
}

fn admin_key(columns: &mut Columns<'_>) -> Result<AdminKey> {
    Ok(AdminKey {
        id: AdminKeyId::from_bytes(columns.take()?),
        name: columns.take()?,
        digest: Digest::new(columns.take()?),
        scope: columns.take()?,
        realm: columns.take::<Option<_>>()?.map(RealmId::from_bytes),
        made: columns.timestamp()?,
        ends: columns.take::<Option<i64>>()?.map(Timestamp::from_millis),
        last_used: columns.take::<Option<i64>>()?.map(Timestamp::from_millis),
    })
}

/// The error for a key's row that was refused.
fn refusal(error: rusqlite::Error) -> CommandError {
    if taken(&error).is_some() {
        return StoreError::Conflict(Conflict::AdminKey).into();
    }
    if is_dangling(&error) { StoreError::Missing("realm").into() } else { error.into() }
}
