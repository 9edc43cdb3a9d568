//! The audit log.

use async_trait::async_trait;
use auth_core::{
    AuditFilter, AuditRecord, AuditRow, AuditStore, LogPage, RealmId, StoreError, Timestamp, UserId,
};
use deadpool_postgres::GenericClient;

use super::error::Result;
use super::row::{Columns, escaped};
use super::session::{read, transact, write_once};
use super::statement::{Params, changed, execute, lock, row};
use super::{Postgres, log_pages};
use crate::encoding::{act, actor, client_key, protocol};
use crate::log_page::place;

/// Rows that one command deletes, so that none takes long.
const FORGET: i64 = 1000;

pub(super) const INSERT: &str = "INSERT INTO audit (at, actor, actor_account, actor_name, act, realm, account, \
    detail, client, protocol, request) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
pub(super) const BY: &str = "SELECT id FROM credential WHERE id = $1 FOR KEY SHARE";
/// Rows of a user who is deleted tell no more than the act.
pub(super) const BLANK: &str = "UPDATE audit SET detail = '', client = NULL WHERE account = $1";
pub(super) const BLANK_BY: &str = "UPDATE audit SET client = NULL WHERE actor_account = $1";
pub(super) const OLD: &str = "DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit \
    WHERE at < $1 ORDER BY at LIMIT $2)";

type StoreResult<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl AuditStore for Postgres {
    async fn write_audit(&self, record: &AuditRecord) -> StoreResult<()> {
        Ok(write_once!(self, |client| write(client, Some(record)).await)?)
    }

    async fn audit_rows(&self, filter: &AuditFilter, page: LogPage) -> StoreResult<Vec<AuditRow>> {
        let found = read!(self, |client| log_pages::audit_page(client, filter, &page).await)?;
        Ok(found.iter().map(|row| audit_row(&mut Columns::of(row))).collect::<Result<_>>()?)
    }

    async fn forget_audit(&self, before: Timestamp) -> StoreResult<u64> {
        let before = before.as_millis();
        let mut total = 0;
        loop {
            let count = write_once!(self, |client| execute(client, OLD, &[&before, &FORGET]).await)?;
            total += count;
            if count < FORGET.cast_unsigned() {
                return Ok(total);
            }
        }
    }
}

impl Postgres {
    /// Runs a statement that changes no record of a user, and writes the row of the act where it changed something.
    pub(super) async fn act_apart(
        &self,
        statement: &str,
        params: Params<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool> {
        transact!(self, |transaction| {
            check(transaction, audit).await?;
            let done = changed(transaction, statement, params).await?;
            write(transaction, audit.filter(|_| done)).await?;
            Ok(done)
        })
    }
}

/// Checks that the credential by which an act is done is still there, and keeps it there until the act is done: nothing is
/// done otherwise. The user to whom it is done is locked first, as by everything that revokes.
pub(super) async fn check(client: &impl GenericClient, record: Option<&AuditRecord>) -> Result<()> {
    let Some((record, by)) = record.and_then(|record| Some((record, record.by?))) else { return Ok(()) };
    if let Some(user) = record.user {
        lock(client, user).await?;
    }
    match row(client, BY, &[&&by.as_bytes()[..]]).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Revoked.into()),
    }
}

/// Writes the row of an act, where there is one to write, in the transaction of the act.
pub(super) async fn write(client: &impl GenericClient, record: Option<&AuditRecord>) -> Result<()> {
    let Some(record) = record else { return Ok(()) };
    let actor_account = record.actor.user();
    let ids = (
        actor_account.as_ref().map(|user| &user.as_bytes()[..]),
        record.realm.as_ref().map(|realm| &realm.as_bytes()[..]),
        record.user.as_ref().map(|user| &user.as_bytes()[..]),
    );
    let actor_name = record.actor.name().map(escaped);
    let client_key = record.client.map(|client| client.to_string());
    execute(
        client,
        INSERT,
        &[
            &record.at.as_millis(),
            &record.actor.as_str(),
            &ids.0,
            &actor_name.as_deref(),
            &record.act.as_str(),
            &ids.1,
            &ids.2,
            &&*escaped(&record.detail),
            &client_key,
            &record.protocol.as_ref().map(|protocol| protocol.as_str()),
            &record.request_id,
        ],
    )
    .await?;
    Ok(())
}

/// A row of the columns of [`log_pages`].
fn audit_row(columns: &mut Columns<'_>) -> Result<AuditRow> {
    let at = columns.timestamp()?;
    let place = place(at, columns.take()?);
    let word = columns.take()?;
    let user = columns.bytes_or_none()?.map(UserId::from_bytes);
    let actor = actor(word, user, columns.text_or_none()?)?;
    let record = AuditRecord {
        at,
        actor,
        by: None,
        act: act(columns.take()?)?,
        realm: columns.bytes_or_none()?.map(RealmId::from_bytes),
        user: columns.bytes_or_none()?.map(UserId::from_bytes),
        detail: columns.text()?,
        client: columns.take::<Option<&str>>()?.map(client_key).transpose()?,
        protocol: columns.take::<Option<&str>>()?.map(protocol).transpose()?,
        request_id: columns.take()?,
    };
    Ok(AuditRow { place, record })
}
