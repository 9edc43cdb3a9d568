//! The log of attempts.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    AttemptRecord, AttemptStore, ClientKey, KNOWN_CLIENTS, RealmId, StoreError, Timestamp, UserId,
};

use super::Postgres;
use super::error::Result;
use super::row::Columns;
use super::session::{read, write_once};
use super::statement::{execute, row, rows};
use crate::encoding::{client_key, protocol};

/// Rows that one command deletes, so that none takes long.
const FORGET: i64 = 1000;

pub(super) const NEWEST: &str = "SELECT at, door, realm, account, name, network, outcome FROM attempt \
    ORDER BY at DESC, id DESC LIMIT $1";
pub(super) const KNOWN: &str = "SELECT account, network FROM (SELECT account, network, max(at) AS last, \
    row_number() OVER (PARTITION BY account ORDER BY max(at) DESC) AS place FROM \
    (SELECT at, account, network, outcome FROM attempt ORDER BY at DESC, id DESC LIMIT $1) AS newest \
    WHERE outcome = 'granted' AND account IS NOT NULL GROUP BY account, network) AS pair \
    WHERE place <= $3 ORDER BY last DESC LIMIT $2";
pub(super) const BEYOND: &str = "SELECT at FROM attempt ORDER BY at DESC, id DESC LIMIT 1 OFFSET $1";
pub(super) const OLD: &str = "DELETE FROM attempt WHERE (at, id) IN (SELECT at, id FROM attempt \
    WHERE at < $1 ORDER BY at LIMIT $2)";

type StoreResult<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl AttemptStore for Postgres {
    fn record(&self, attempt: AttemptRecord) {
        self.log.push(attempt);
    }

    async fn attempts(&self, limit: u32) -> StoreResult<Vec<AttemptRecord>> {
        self.log.written().await;
        let limit = i64::from(limit);
        let found = read!(self, |client| rows(client, NEWEST, &[&limit]).await)?;
        Ok(found.iter().map(|row| attempt(&mut Columns::of(row))).collect::<Result<_>>()?)
    }

    async fn known_clients(&self, within: u32, limit: u32) -> StoreResult<Vec<(UserId, ClientKey)>> {
        self.log.written().await;
        let (within, limit) = (i64::from(within), i64::from(limit));
        let of_each = i64::try_from(KNOWN_CLIENTS).unwrap_or(i64::MAX);
        let found = read!(self, |client| rows(client, KNOWN, &[&within, &limit, &of_each]).await)?;
        let pair = |columns: &mut Columns<'_>| {
            Ok((UserId::from_bytes(columns.bytes()?), client_key(columns.take()?)?))
        };
        Ok(found.iter().map(|row| pair(&mut Columns::of(row))).collect::<Result<_>>()?)
    }

    async fn forget_attempts(&self, before: Timestamp) -> StoreResult<u64> {
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

    async fn trim_attempts(&self, keep: u32) -> StoreResult<u64> {
        let keep = i64::from(keep);
        let beyond = read!(self, |client| row(client, BEYOND, &[&keep]).await)?;
        match beyond {
            Some(row) => {
                let newest = Columns::of(&row).timestamp()?;
                self.forget_attempts(newest + Duration::from_millis(1)).await
            }
            None => Ok(0),
        }
    }
}

impl Postgres {
    /// Returns how many rows of the log of attempts were dropped, for lack of room or of a server, since the store was
    /// opened.
    #[must_use]
    pub fn dropped_attempts(&self) -> u64 {
        self.log.dropped()
    }
}

/// An attempt, of the columns of [`NEWEST`].
fn attempt(columns: &mut Columns<'_>) -> Result<AttemptRecord> {
    Ok(AttemptRecord {
        at: columns.timestamp()?,
        protocol: protocol(columns.take()?)?,
        realm: RealmId::from_bytes(columns.bytes()?),
        user: columns.bytes_or_none()?.map(UserId::from_bytes),
        name: columns.text()?,
        client_key: client_key(columns.take()?)?,
        outcome: Cow::Owned(columns.take()?),
    })
}
