//! Keys for administration.

use async_trait::async_trait;
use auth_core::{
    AdminKey, AdminKeyId, AdminKeyStore, AuditRecord, Conflict, Digest, RealmId, StoreError, Timestamp,
};
use tokio_postgres::Row;

use super::error::{CommandError, Result};
use super::row::{Columns, escaped};
use super::session::{read, transact, write_once};
use super::statement::{Params, execute, row, rows};
use super::{Postgres, audit};

type StoreResult<T> = std::result::Result<T, StoreError>;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, name, digest, scope, realm, made, ends, last_used FROM admin_key ", $rest)
    };
}

pub(super) const ALL: &str = select!("ORDER BY name");
pub(super) const BY_ID: &str = select!("WHERE id = $1");
pub(super) const BY_DIGEST: &str = select!("WHERE digest = $1");
pub(super) const INSERT: &str = "INSERT INTO admin_key (id, name, digest, scope, realm, made, ends, last_used) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(super) const REMOVE: &str = "DELETE FROM admin_key WHERE id = $1";
pub(super) const SET_USED: &str = "UPDATE admin_key SET last_used = used.at \
    FROM unnest($1::bytea[], $2::bigint[]) AS used (id, at) \
    WHERE admin_key.id = used.id AND coalesce(admin_key.last_used, used.at - 1) < used.at";
/// Reads the whole table: an operation keeps it small.
const FORGET: &str = "DELETE FROM admin_key WHERE ends < $1";

#[async_trait]
impl AdminKeyStore for Postgres {
    async fn admin_keys(&self) -> StoreResult<Vec<AdminKey>> {
        let found = read!(self, |client| rows(client, ALL, &[]).await)?;
        Ok(found.iter().map(admin_key).collect::<Result<_>>()?)
    }

    async fn admin_key(&self, digest: &Digest) -> StoreResult<Option<AdminKey>> {
        let digest = &digest.as_bytes()[..];
        let found = read!(self, |client| row(client, BY_DIGEST, &[&digest]).await)?;
        Ok(found.as_ref().map(admin_key).transpose()?)
    }

    async fn add_admin_key(&self, key: &AdminKey, audit: Option<&AuditRecord>) -> StoreResult<()> {
        let (id, digest) = (&key.id.as_bytes()[..], &key.digest.as_bytes()[..]);
        let realm = key.realm.as_ref().map(|realm| &realm.as_bytes()[..]);
        let (made, ends) = (key.made.as_millis(), key.ends.map(Timestamp::as_millis));
        let last_used = key.last_used.map(Timestamp::as_millis);
        let (name, scope) = (escaped(&key.name), escaped(&key.scope));
        let params: Params<'_> = &[&id, &&*name, &digest, &&*scope, &realm, &made, &ends, &last_used];
        let added: Result<()> = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            if row(transaction, BY_ID, &[&id]).await?.is_some() {
                return Ok(());
            }
            execute(transaction, INSERT, params).await?;
            audit::write(transaction, audit).await
        });
        Ok(added.map_err(refusal)?)
    }

    async fn remove_admin_key(&self, id: AdminKeyId, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        Ok(self.act_apart(REMOVE, &[&&id.as_bytes()[..]], audit).await?)
    }

    async fn set_admin_keys_used(&self, uses: &[(AdminKeyId, Timestamp)]) -> StoreResult<()> {
        let mut uses = uses.to_vec();
        // The last use of each, and in one order at all servers, so that none waits for another that waits for it.
        uses.sort_unstable_by_key(|(id, at)| (*id, std::cmp::Reverse(*at)));
        uses.dedup_by_key(|(id, _)| *id);
        let ids: Vec<&[u8]> = uses.iter().map(|(id, _)| &id.as_bytes()[..]).collect();
        let times: Vec<i64> = uses.iter().map(|(_, at)| at.as_millis()).collect();
        write_once!(self, |client| execute(client, SET_USED, &[&ids, &times]).await)?;
        Ok(())
    }

    async fn forget_admin_keys(&self, before: Timestamp) -> StoreResult<u64> {
        Ok(write_once!(self, |client| execute(client, FORGET, &[&before.as_millis()]).await)?)
    }
}

fn admin_key(row: &Row) -> Result<AdminKey> {
    let mut columns = Columns::of(row);
    Ok(AdminKey {
        id: AdminKeyId::from_bytes(columns.bytes()?),
        name: columns.text()?,
        digest: Digest::new(columns.bytes()?),
        scope: columns.text()?,
        realm: columns.bytes_or_none()?.map(RealmId::from_bytes),
        made: columns.timestamp()?,
        ends: columns.timestamp_or_none()?,
        last_used: columns.timestamp_or_none()?,
    })
}

/// The error for a key's row that was refused.
fn refusal(error: CommandError) -> CommandError {
    if error.taken().is_some_and(|constraint| constraint.starts_with("admin_key_by")) {
        return StoreError::Conflict(Conflict::AdminKey).into();
    }
    if error.is_dangling() { StoreError::Missing("realm").into() } else { error }
}
