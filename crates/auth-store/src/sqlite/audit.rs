//! The audit log.

use async_trait::async_trait;
use auth_core::{
    Act, AuditFilter, AuditRecord, AuditRow, AuditStore, LogPage, RealmId, StoreError, Timestamp, UserId,
};
use rusqlite::{Connection, params, params_from_iter};

use super::error::Result;
use super::row::Columns;
use super::statement::count;
use super::{Sqlite, log_pages};
use crate::encoding::{act, actor, client_key, protocol};
use crate::log_page::place;

/// Rows that one command deletes, so that other commands run in between.
const FORGET: u32 = 1000;

pub(super) const INSERT: &str = "INSERT INTO audit (at, actor, actor_user, actor_name, act, realm, user, \
    detail, client, protocol, request) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
pub(super) const BY: &str = "SELECT 1 FROM credential WHERE id = ?1";
pub(super) const OLD: &str = "DELETE FROM audit WHERE number IN (SELECT number FROM audit \
    WHERE at < ?1 LIMIT ?2)";

/// Rows of a user who is deleted tell no more than the act.
pub(super) const BLANK: &str = "UPDATE audit SET detail = '', client = NULL WHERE user = ?1";
pub(super) const BLANK_BY: &str = "UPDATE audit SET client = NULL WHERE actor_user = ?1";

#[async_trait]
impl AuditStore for Sqlite {
    async fn write_audit(&self, record: &AuditRecord) -> std::result::Result<(), StoreError> {
        let record = record.clone();
        self.write(move |connection| write(connection, Some(&record))).await
    }

    async fn audit_rows(
        &self,
        filter: &AuditFilter,
        page: LogPage,
    ) -> std::result::Result<Vec<AuditRow>, StoreError> {
        let (statement, params) = log_pages::audit_page(filter, &page);
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(statement)?;
            let rows =
                statement.query_and_then(params_from_iter(params), |row| audit_row(&mut Columns::of(row)))?;
            rows.collect()
        })
        .await
    }

    async fn forget_audit(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let forget =
                move |connection: &Connection| count(connection, OLD, params![before.as_millis(), FORGET]);
            let count = self.write(forget).await?;
            total += count;
            if count < u64::from(FORGET) {
                return Ok(total);
            }
        }
    }
}

impl Sqlite {
    /// Runs `work`, which changes a user or says `false`, and writes the row of the act where it did; notifies the
    /// listeners.
    pub(super) async fn act(
        &self,
        user: UserId,
        audit: Option<&AuditRecord>,
        work: impl FnOnce(&Connection) -> Result<bool> + Send + 'static,
    ) -> std::result::Result<bool, StoreError> {
        let done = self.act_apart(audit, work).await;
        self.listeners.notify(user);
        done
    }

    /// Does the same for an act that changes no record of a user.
    pub(super) async fn act_apart(
        &self,
        audit: Option<&AuditRecord>,
        work: impl FnOnce(&Connection) -> Result<bool> + Send + 'static,
    ) -> std::result::Result<bool, StoreError> {
        let record = audit.cloned();
        let acted = move |connection: &Connection| {
            check(connection, record.as_ref())?;
            let done = work(connection)?;
            write(connection, record.as_ref().filter(|_| done))?;
            Ok(done)
        };
        self.write(acted).await
    }
}

/// Checks that the credential by which an act is done is still there: nothing is done otherwise.
pub(super) fn check(connection: &Connection, record: Option<&AuditRecord>) -> Result<()> {
    let Some(by) = record.and_then(|record| record.by) else { return Ok(()) };
    let is_there = connection.prepare_cached(BY)?.exists(params![by.as_bytes()])?;
    if is_there { Ok(()) } else { Err(StoreError::Revoked.into()) }
}

/// Writes the row of an act, where there is one to write, in the transaction of the act.
pub(super) fn write(connection: &Connection, record: Option<&AuditRecord>) -> Result<()> {
    let Some(record) = record else { return Ok(()) };
    connection.prepare_cached(INSERT)?.execute(params![
        record.at.as_millis(),
        record.actor.as_str(),
        record.actor.user().as_ref().map(UserId::as_bytes),
        record.actor.name(),
        record.act.as_str(),
        record.realm.as_ref().map(RealmId::as_bytes),
        record.user.as_ref().map(UserId::as_bytes),
        record.detail,
        record.client.map(|client| client.to_string()),
        record.protocol.as_ref().map(|protocol| protocol.as_str()),
        record.request_id,
    ])?;
    Ok(())
}

/// A row of the columns of [`log_pages`].
fn audit_row(columns: &mut Columns<'_>) -> Result<AuditRow> {
    let at = columns.timestamp()?;
    let place = place(at, columns.take()?);
    let word: String = columns.take()?;
    let user = columns.take::<Option<_>>()?.map(UserId::from_bytes);
    let actor = actor(&word, user, columns.take()?)?;
    let act: Act = act(&columns.take::<String>()?)?;
    let record = AuditRecord {
        at,
        actor,
        by: None,
        act,
        realm: columns.take::<Option<_>>()?.map(RealmId::from_bytes),
        user: columns.take::<Option<_>>()?.map(UserId::from_bytes),
        detail: columns.take()?,
        client: columns.take::<Option<String>>()?.map(|client| client_key(&client)).transpose()?,
        protocol: columns.take::<Option<String>>()?.map(|name| protocol(&name)).transpose()?,
        request_id: columns.take()?,
    };
    Ok(AuditRow { place, record })
}
