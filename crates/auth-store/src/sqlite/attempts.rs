//! The log of attempts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    AttemptFilter, AttemptRecord, AttemptRow, AttemptStore, ClientKey, KNOWN_CLIENTS, LogPage, RealmId,
    StoreError, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::error::Result;
use super::row::Columns;
use super::statement::count;
use super::{Sqlite, activity, log_pages};
use crate::encoding::{client_key, protocol};
use crate::log_page::place;

/// Rows that one command deletes, so that other commands run in between.
const FORGET: u32 = 1000;

pub(super) const INSERT: &str = "INSERT INTO attempt (at, door, realm, user, name, network, outcome) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const NEWEST_CLIENTS: &str = "SELECT outcome, user, network FROM attempt \
    ORDER BY at DESC, number DESC LIMIT ?1";
pub(super) const BEYOND: &str = "SELECT at FROM attempt ORDER BY at DESC, number DESC LIMIT 1 OFFSET ?1";
/// Rows of a user who is deleted tell neither the name nor the client.
pub(super) const BLANK: &str = "UPDATE attempt SET name = '', network = '0.0.0.0' WHERE user = ?1";
pub(super) const OLD: &str = "DELETE FROM attempt WHERE number IN (SELECT number FROM attempt \
    WHERE at < ?1 LIMIT ?2)";

#[async_trait]
impl AttemptStore for Sqlite {
    fn record(&self, attempt: AttemptRecord) {
        self.writer.write_lazily(move |connection| insert(connection, &attempt));
    }

    async fn attempts(
        &self,
        filter: &AttemptFilter,
        page: LogPage,
    ) -> std::result::Result<Vec<AttemptRow>, StoreError> {
        self.recorded().await?;
        let (statement, params) = log_pages::attempt_page(filter, &page);
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(statement)?;
            let rows = statement
                .query_and_then(params_from_iter(params), |row| attempt_row(&mut Columns::of(row)))?;
            rows.collect()
        })
        .await
    }

    async fn known_clients(
        &self,
        within: u32,
        limit: u32,
    ) -> std::result::Result<Vec<(UserId, ClientKey)>, StoreError> {
        self.recorded().await?;
        self.read(move |connection| known_clients(connection, within, limit)).await
    }

    async fn forget_attempts(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
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

    async fn trim_attempts(&self, keep: u32) -> std::result::Result<u64, StoreError> {
        let newest_beyond = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(BEYOND)?;
            Ok(statement.query_row([keep], |row| row.get::<_, i64>(0)).optional()?)
        };
        match self.read(newest_beyond).await? {
            Some(at) => self.forget_attempts(Timestamp::from_millis(at) + Duration::from_millis(1)).await,
            None => Ok(0),
        }
    }
}

impl Sqlite {
    /// Waits until the attempts that were recorded before are written: they are in the writer's queue.
    async fn recorded(&self) -> std::result::Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Returns how many rows of the log of attempts were dropped for lack of room since the store was opened.
    #[must_use]
    pub fn dropped_attempts(&self) -> u64 {
        self.writer.dropped()
    }
}

fn insert(connection: &Connection, attempt: &AttemptRecord) -> Result<()> {
    connection.prepare_cached(INSERT)?.execute(params![
        attempt.at.as_millis(),
        attempt.protocol.as_str(),
        attempt.realm.as_bytes(),
        attempt.user.as_ref().map(UserId::as_bytes),
        attempt.name,
        attempt.client_key.to_string(),
        attempt.outcome,
    ])?;
    activity::note(connection, attempt)
}

/// Reads no further than it must, and keeps no more than it returns.
fn known_clients(connection: &Connection, within: u32, limit: u32) -> Result<Vec<(UserId, ClientKey)>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut known = Vec::new();
    let mut seen: HashMap<UserId, HashSet<ClientKey>> = HashMap::new();
    let mut statement = connection.prepare_cached(NEWEST_CLIENTS)?;
    let mut rows = statement.query([within])?;
    while known.len() < limit
        && let Some(row) = rows.next()?
    {
        let mut columns = Columns::of(row);
        let (outcome, user): (String, Option<_>) = (columns.take()?, columns.take()?);
        let Some(user) = user.filter(|_| outcome == "granted") else { continue };
        let (user, client) = (UserId::from_bytes(user), client_key(&columns.take::<String>()?)?);
        let own = seen.entry(user).or_default();
        if own.len() < KNOWN_CLIENTS && own.insert(client) {
            known.push((user, client));
        }
    }
    Ok(known)
}

/// A row of the columns of [`log_pages`].
fn attempt_row(columns: &mut Columns<'_>) -> Result<AttemptRow> {
    let at = columns.timestamp()?;
    let place = place(at, columns.take()?);
    let record = AttemptRecord {
        at,
        protocol: protocol(&columns.take::<String>()?)?,
        realm: RealmId::from_bytes(columns.take()?),
        user: columns.take::<Option<_>>()?.map(UserId::from_bytes),
        name: columns.take()?,
        client_key: client_key(&columns.take::<String>()?)?,
        outcome: Cow::Owned(columns.take()?),
    };
    Ok(AttemptRow { place, record })
}
