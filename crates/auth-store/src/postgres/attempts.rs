//! The log of attempts: rows wait in a bounded queue, and many go in one statement.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use auth_core::{AttemptRecord, AttemptStore, RealmId, StoreError, Timestamp, UserId};
use deadpool_postgres::Pool;
use tokio::sync::{mpsc, oneshot};

use super::Postgres;
use super::failure::{Failure, Result};
use super::row::{Columns, kept};
use super::session::{read, write_once};
use super::statement::{execute, rows};
use crate::encoding::{client_key, protocol};

/// Rows that may wait.
const CAPACITY: usize = 4096;

/// Rows that go in one statement.
const GROUP: usize = 256;

/// Rows that one command deletes, so that none takes long.
const FORGET: i64 = 1000;

// A lost row of the log is no lost token: the commit is not waited for.
pub(super) const INSERT: &str = "INSERT INTO attempt (at, door, realm, account, name, network, outcome) \
    SELECT a.* FROM set_config('synchronous_commit', 'off', true), unnest($1::bigint[], $2::text[], \
    $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[]) AS a";
pub(super) const NEWEST: &str = "SELECT at, door, realm, account, name, network, outcome FROM attempt \
    ORDER BY at DESC, id DESC LIMIT $1";
pub(super) const OLD: &str = "DELETE FROM attempt WHERE (at, id) IN (SELECT at, id FROM attempt \
    WHERE at < $1 ORDER BY at LIMIT $2)";

/// The queue, and the task that empties it.
pub(super) struct Log {
    queue: mpsc::Sender<Item>,
    dropped: Arc<AtomicU64>,
}

enum Item {
    Row(AttemptRecord),
    /// Answered once all rows before it are written, or lost.
    Mark(oneshot::Sender<()>),
}

impl Log {
    /// Starts the task, which ends with the store.
    pub(super) fn start(pool: Pool) -> Self {
        let (queue, items) = mpsc::channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        tokio::spawn(work(pool, items, Arc::clone(&dropped)));
        Self { queue, dropped }
    }

    fn push(&self, attempt: AttemptRecord) {
        if self.queue.try_send(Item::Row(attempt)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was recorded before is written, or lost.
    async fn written(&self) {
        let (mark, reached) = oneshot::channel();
        if self.queue.send(Item::Mark(mark)).await.is_ok() {
            // An error means that the task is gone, and with it whatever was to be waited for.
            let _ = reached.await;
        }
    }
}

#[async_trait]
impl AttemptStore for Postgres {
    fn record(&self, attempt: AttemptRecord) {
        self.log.push(attempt);
    }

    async fn attempts(&self, limit: u32) -> std::result::Result<Vec<AttemptRecord>, StoreError> {
        self.log.written().await;
        let limit = i64::from(limit);
        let found = read!(self, |client| rows(client, NEWEST, &[&limit]).await)?;
        Ok(found.iter().map(|row| attempt(&mut Columns::of(row))).collect::<Result<_>>()?)
    }

    async fn forget_attempts(&self, before: Timestamp) -> std::result::Result<u64, StoreError> {
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
    /// How many rows of the log of attempts found no room, or no server to take them, since the store was opened.
    #[must_use]
    pub fn dropped_attempts(&self) -> u64 {
        self.log.dropped.load(Ordering::Relaxed)
    }
}

async fn work(pool: Pool, mut items: mpsc::Receiver<Item>, dropped: Arc<AtomicU64>) {
    let mut group = Vec::with_capacity(GROUP);
    while items.recv_many(&mut group, GROUP).await > 0 {
        let mut marks = Vec::new();
        let mut attempts = Vec::new();
        for item in group.drain(..) {
            match item {
                Item::Row(attempt) => attempts.push(attempt),
                Item::Mark(mark) => marks.push(mark),
            }
        }
        if !attempts.is_empty() && insert(&pool, &attempts).await.is_err() {
            dropped.fetch_add(u64::try_from(attempts.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        for mark in marks {
            // Who no longer waits needs no answer.
            let _ = mark.send(());
        }
    }
}

async fn insert(pool: &Pool, attempts: &[AttemptRecord]) -> Result<()> {
    let client = pool.get().await?;
    let column = |text: fn(&AttemptRecord) -> Cow<'_, str>| -> Vec<String> {
        attempts.iter().map(|attempt| kept(&text(attempt)).into_owned()).collect()
    };
    let at: Vec<i64> = attempts.iter().map(|attempt| attempt.at.as_millis()).collect();
    let protocol = column(|attempt| attempt.protocol.as_str().into());
    let realm: Vec<&[u8]> = attempts.iter().map(|attempt| &attempt.realm.as_bytes()[..]).collect();
    let user: Vec<Option<&[u8]>> =
        attempts.iter().map(|attempt| attempt.user.as_ref().map(|user| &user.as_bytes()[..])).collect();
    let name = column(|attempt| attempt.name.as_str().into());
    let network = column(|attempt| attempt.network.to_string().into());
    let outcome = column(|attempt| attempt.outcome.as_ref().into());
    execute(&client, INSERT, &[&at, &protocol, &realm, &user, &name, &network, &outcome]).await?;
    Ok(())
}

fn attempt(columns: &mut Columns<'_>) -> Result<AttemptRecord> {
    Ok(AttemptRecord {
        at: columns.moment()?,
        protocol: protocol(columns.take()?)?,
        realm: RealmId::from_bytes(columns.bytes()?),
        user: columns
            .take::<Option<&[u8]>>()?
            .map(|bytes| bytes.try_into().map(UserId::from_bytes))
            .transpose()
            .map_err(|_| crate::encoding::corrupt("a number of an unexpected size"))?,
        name: columns.text()?,
        network: client_key(columns.take()?)?,
        outcome: Cow::Owned(columns.take()?),
    })
}
