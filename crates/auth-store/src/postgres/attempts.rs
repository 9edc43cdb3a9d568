//! The log of attempts.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    AttemptFilter, AttemptRecord, AttemptRow, AttemptStore, ClientKey, KNOWN_CLIENTS, LogPage, Place,
    RealmId, StoreError, Timestamp, UserId,
};

use super::error::Result;
use super::row::Columns;
use super::session::{read, write_once};
use super::statement::{execute, row, rows};
use super::{Postgres, log_pages};
use crate::encoding::{client_key, corrupt, protocol};

/// Rows that one command deletes, so that none takes long.
const FORGET: i64 = 1000;

pub(super) const KNOWN: &str = "SELECT account, network FROM (SELECT account, network, max(at) AS last, \
    row_number() OVER (PARTITION BY account ORDER BY max(at) DESC) AS place FROM \
    (SELECT at, account, network, outcome FROM attempt ORDER BY at DESC, id DESC LIMIT $1) AS newest \
    WHERE outcome = 'granted' AND account IS NOT NULL GROUP BY account, network) AS pair \
    WHERE place <= $3 ORDER BY last DESC LIMIT $2";
pub(super) const BEYOND: &str = "SELECT at FROM attempt ORDER BY at DESC, id DESC LIMIT 1 OFFSET $1";
/// Rows of a user who is deleted tell neither the name nor the client.
pub(super) const BLANK: &str = "UPDATE attempt SET name = '', network = '0.0.0.0' WHERE account = $1";
pub(super) const OLD: &str = "DELETE FROM attempt WHERE (at, id) IN (SELECT at, id FROM attempt \
    WHERE at < $1 ORDER BY at LIMIT $2)";

type StoreResult<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl AttemptStore for Postgres {
    fn record(&self, attempt: AttemptRecord) {
        self.log.push(attempt);
    }

    async fn attempts(&self, filter: &AttemptFilter, page: LogPage) -> StoreResult<Vec<AttemptRow>> {
        self.log.written().await;
        let found = read!(self, |client| log_pages::attempt_page(client, filter, &page).await)?;
        Ok(found.iter().map(|row| attempt_row(&mut Columns::of(row))).collect::<Result<_>>()?)
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

/// A row of the columns of [`log_pages`].
fn attempt_row(columns: &mut Columns<'_>) -> Result<AttemptRow> {
    let at = columns.timestamp()?;
    let number = u128::from_str_radix(&columns.take::<&str>()?.replace('-', ""), 16);
    let place = Place { at, number: number.map_err(|_| corrupt("an id of an attempt that is none"))? };
    let record = AttemptRecord {
        at,
        protocol: protocol(columns.take()?)?,
        realm: RealmId::from_bytes(columns.bytes()?),
        user: columns.bytes_or_none()?.map(UserId::from_bytes),
        name: columns.text()?,
        client_key: client_key(columns.take()?)?,
        outcome: Cow::Owned(columns.take()?),
    };
    Ok(AttemptRow { place, record })
}
