//! The open connections: how many there are, how many each client has, and which one makes room for another.
//!
//! At the limit, a new connection takes the place of the one that has been quiet for the longest: among the client's own
//! where the client has too many, else among those of the client that has the most. So silent connections, from
//! wherever, keep nobody out. A connection whose request is being answered, and one that has become a socket, are never
//! taken.
//!
//! A sweep ends connections that have been quiet for too long, whatever they speak, and those whose client doesn't read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::ClientKey;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, Counts};
use crate::system::monotonic;

/// Connections beyond a client's limit that are told so before they are closed.
const REFUSED: usize = 64;

/// The open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    most_per_client: usize,
    table: Mutex<Table>,
    /// Told when a connection ends.
    ended: Notify,
}

/// How many connections are open, and what became of others since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) open: usize,
    /// Ended to make room for another one.
    pub(crate) made_room: u64,
    /// Ended because they were quiet for too long, or their client didn't read.
    pub(crate) timed_out: u64,
    /// Refused because their client had too many.
    pub(crate) refused: u64,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Entry>,
    /// Connections by client.
    counts: HashMap<ClientKey, usize>,
    /// Connections that are told that they are too many.
    refused: usize,
    /// Counted but for the open ones.
    tally: Tally,
}

#[derive(Debug)]
struct Entry {
    /// `None` for a trusted proxy, which is not limited.
    client: Option<ClientKey>,
    activity: Arc<Activity>,
    /// What was seen last.
    seen: Counts,
    /// Since when it has been quiet: no request was being answered, and none was answered.
    quiet_since: Instant,
    /// Since when the client has read nothing of what waits for it.
    unread_since: Instant,
    /// Whether it has become a socket.
    is_socket: bool,
    /// Whether it was told to end.
    is_ended: bool,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    /// `None` for a connection that is told that it is too many.
    number: Option<u64>,
}

/// Why a connection gets no place now.
enum NoPlace {
    /// One will be free soon, or when a request is answered.
    Wait,
    /// The client has too many, all of them busy.
    TooMany,
}

impl Connections {
    /// At most `most` connections, and at most `most_per_client` of each client.
    pub(crate) fn new(most: usize, most_per_client: usize) -> Arc<Self> {
        Arc::new(Self { most, most_per_client, table: Mutex::default(), ended: Notify::new() })
    }

    /// Waits for a place. `client` is `None` for a trusted proxy. Returns `None` where the client has too many connections
    /// and enough of them are being told so.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        client: Option<ClientKey>,
        activity: &Arc<Activity>,
    ) -> Option<Place> {
        loop {
            let ended = self.ended.notified();
            match self.try_enter(client, activity) {
                Ok(place) => return Some(place),
                Err(NoPlace::Wait) => ended.await,
                Err(NoPlace::TooMany) => return self.refuse(),
            }
        }
    }

    fn try_enter(
        self: &Arc<Self>,
        client: Option<ClientKey>,
        activity: &Arc<Activity>,
    ) -> Result<Place, NoPlace> {
        let mut table = self.table();
        let own = client.map_or(0, |client| table.counts.get(&client).copied().unwrap_or_default());
        if own >= self.most_per_client {
            return Err(if table.evict(|entry| entry.client == client) {
                NoPlace::Wait
            } else {
                NoPlace::TooMany
            });
        }
        if table.open.len() >= self.most {
            let largest = table.counts.iter().max_by_key(|(_, count)| **count).map(|(client, _)| *client);
            if !table.evict(|entry| entry.client.is_some() && entry.client == largest) {
                table.evict(|_| true);
            }
            return Err(NoPlace::Wait);
        }
        let number = table.next;
        table.next += 1;
        if let Some(client) = client {
            *table.counts.entry(client).or_default() += 1;
        }
        let now = monotonic();
        let entry = Entry {
            client,
            activity: Arc::clone(activity),
            seen: activity.counts(),
            quiet_since: now,
            unread_since: now,
            is_socket: false,
            is_ended: false,
        };
        table.open.insert(number, entry);
        Ok(Place { connections: Arc::clone(self), number: Some(number) })
    }

    fn refuse(self: &Arc<Self>) -> Option<Place> {
        let mut table = self.table();
        table.tally.refused += 1;
        if table.refused >= REFUSED {
            return None;
        }
        table.refused += 1;
        Some(Place { connections: Arc::clone(self), number: None })
    }

    /// Ends connections again and again: those that have been quiet for `limit`, and those whose client has read nothing
    /// for so long.
    pub(crate) async fn sweep_until(self: Arc<Self>, limit: Duration, stop: CancellationToken) {
        let pause = (limit / 8).clamp(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => self.sweep(monotonic(), limit),
            }
        }
    }

    fn sweep(&self, now: Instant, limit: Duration) {
        let mut table = self.table();
        let Table { open, tally, .. } = &mut *table;
        for entry in open.values_mut().filter(|entry| !entry.is_socket && !entry.is_ended) {
            let counts = entry.activity.counts();
            if counts.is_answering || counts.answered != entry.seen.answered {
                entry.quiet_since = now;
            }
            if !counts.waits || counts.written != entry.seen.written {
                entry.unread_since = now;
            }
            entry.seen = counts;
            if now - entry.quiet_since.min(entry.unread_since) >= limit {
                tally.timed_out += 1;
                entry.end();
            }
        }
    }

    /// How many connections are open, and what became of others.
    pub(crate) fn tally(&self) -> Tally {
        let table = self.table();
        Tally { open: table.open.len(), ..table.tally }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Counts are changed together with the entries: they are sound after a panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Tells the connection to end that has been quiet for the longest among those that `may_go`; `false` when all of them
    /// are busy. One that was told before and has not ended yet counts.
    fn evict(&mut self, may_go: impl Fn(&Entry) -> bool) -> bool {
        let mut longest: Option<&mut Entry> = None;
        for entry in self.open.values_mut().filter(|entry| may_go(entry)) {
            if entry.is_ended {
                return true;
            }
            let is_busy = entry.is_socket || entry.activity.counts().is_answering;
            if !is_busy && longest.as_ref().is_none_or(|before| entry.quiet_since < before.quiet_since) {
                longest = Some(entry);
            }
        }
        let Some(entry) = longest else { return false };
        entry.end();
        self.tally.made_room += 1;
        true
    }
}

impl Entry {
    fn end(&mut self) {
        self.is_ended = true;
        self.activity.end();
    }
}

impl Place {
    /// Whether every request is to be told that its client has too many connections.
    pub(crate) fn is_refusal(&self) -> bool {
        self.number.is_none()
    }

    /// Notes that the connection has become a socket, which makes room for nobody.
    pub(crate) fn become_socket(&self) {
        if let Some(number) = self.number
            && let Some(entry) = self.connections.table().open.get_mut(&number)
        {
            entry.is_socket = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        match self.number {
            None => table.refused -= 1,
            Some(number) => {
                let client = table.open.remove(&number).and_then(|entry| entry.client);
                if let Some(client) = client {
                    match table.counts.get_mut(&client) {
                        Some(count) if *count > 1 => *count -= 1,
                        _ => drop(table.counts.remove(&client)),
                    }
                }
            }
        }
        drop(table);
        self.connections.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
