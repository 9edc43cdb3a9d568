//! The rows of the log of attempts that wait to be written: a bounded queue, of which many go in one statement.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{AttemptRecord, UserId};
use deadpool_postgres::Pool;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::error::Result;
use super::row::escaped;
use super::statement::{Params, execute};

/// Rows that may wait.
const CAPACITY: usize = 4096;

/// Rows that go in one statement.
const GROUP: usize = 256;

/// The pause after a group whose writing panicked, which is lost.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a group is written again after it has met the writing of another server.
const CONFLICTS: u32 = 3;

// The rows, and when users have logged in: $8 the users, $9 the last login of each. A lost row of the log is no lost token:
// the commit is not waited for.
pub(super) const INSERT: &str = "WITH logged AS (INSERT INTO attempt (at, door, realm, account, name, network, outcome) \
    SELECT a.* FROM set_config('synchronous_commit', 'off', true), unnest($1::bigint[], $2::text[], \
    $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[]) AS a) \
    UPDATE activity AS a SET last_login = l.at, seen = greatest(a.seen, l.at) \
    FROM unnest($8::bytea[], $9::bigint[]) AS l (account, at) \
    WHERE a.account = l.account AND coalesce(a.last_login, l.at - 1) < l.at";

/// The queue, and the task that empties it.
pub(super) struct AttemptQueue {
    queue: mpsc::Sender<Item>,
    dropped: Arc<AtomicU64>,
}

enum Item {
    Row(AttemptRecord),
    /// Answered once all rows before it are written, or lost.
    Barrier(oneshot::Sender<()>),
}

impl AttemptQueue {
    /// Starts the task, which ends with the store.
    pub(super) fn start(pool: Pool) -> Self {
        let (queue, mut items) = mpsc::channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        tokio::spawn(async move {
            while AssertUnwindSafe(work(&pool, &mut items, &counted)).catch_unwind().await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { queue, dropped }
    }

    /// Queues a row, or drops it where there is no room.
    pub(super) fn push(&self, attempt: AttemptRecord) {
        if self.queue.try_send(Item::Row(attempt)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until every row that was queued before is written, or lost.
    pub(super) async fn written(&self) {
        let (barrier, reached) = oneshot::channel();
        if self.queue.send(Item::Barrier(barrier)).await.is_ok() {
            // An error means that the task is gone, and with it all that was to be waited for.
            let _ = reached.await;
        }
    }

    /// How many rows were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

async fn work(pool: &Pool, items: &mut mpsc::Receiver<Item>, dropped: &AtomicU64) {
    let mut group = Vec::with_capacity(GROUP);
    while items.recv_many(&mut group, GROUP).await > 0 {
        let mut barriers = Vec::new();
        let mut attempts = Vec::new();
        for item in group.drain(..) {
            match item {
                Item::Row(attempt) => attempts.push(attempt),
                Item::Barrier(barrier) => barriers.push(barrier),
            }
        }
        if !attempts.is_empty() && insert_or_repeat(pool, &attempts).await.is_err() {
            dropped.fetch_add(u64::try_from(attempts.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        for barrier in barriers {
            // A caller that has gone needs no answer.
            let _ = barrier.send(());
        }
    }
}

async fn insert_or_repeat(pool: &Pool, attempts: &[AttemptRecord]) -> Result<()> {
    let mut conflicts = 0;
    loop {
        match insert(pool, attempts).await {
            Err(error) if error.is_conflict() && conflicts < CONFLICTS => conflicts += 1,
            done => return done,
        }
    }
}

async fn insert(pool: &Pool, attempts: &[AttemptRecord]) -> Result<()> {
    let client = pool.get().await?;
    let column = |text: fn(&AttemptRecord) -> Cow<'_, str>| -> Vec<String> {
        attempts.iter().map(|attempt| escaped(&text(attempt)).into_owned()).collect()
    };
    let at: Vec<i64> = attempts.iter().map(|attempt| attempt.at.as_millis()).collect();
    let protocol = column(|attempt| attempt.protocol.as_str().into());
    let realm: Vec<&[u8]> = attempts.iter().map(|attempt| &attempt.realm.as_bytes()[..]).collect();
    let user: Vec<Option<&[u8]>> =
        attempts.iter().map(|attempt| attempt.user.as_ref().map(|user| &user.as_bytes()[..])).collect();
    let name = column(|attempt| attempt.name.as_str().into());
    let client_key = column(|attempt| attempt.client_key.to_string().into());
    let outcome = column(|attempt| attempt.outcome.as_ref().into());
    // In one order at all servers, so that none waits for another that waits for it.
    let mut logins: BTreeMap<UserId, i64> = BTreeMap::new();
    for attempt in attempts.iter().filter(|attempt| attempt.is_granted()) {
        if let Some(user) = attempt.user {
            let at = attempt.at.as_millis();
            logins.entry(user).and_modify(|last| *last = at.max(*last)).or_insert(at);
        }
    }
    let users: Vec<&[u8]> = logins.keys().map(|user| &user.as_bytes()[..]).collect();
    let last: Vec<i64> = logins.values().copied().collect();
    let params: Params<'_> = &[&at, &protocol, &realm, &user, &name, &client_key, &outcome, &users, &last];
    execute(&client, INSERT, params).await?;
    Ok(())
}
