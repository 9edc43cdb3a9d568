//! The open connections: how many there are, how many each client has, and which one makes room for another.
//!
//! At the limit, a new connection takes the place of the one that has been quiet for the longest: among the client's own
//! where the client has too many, else among those of the clients that have the most. So silent connections, from
//! wherever, keep nobody out. Where none is quiet, one goes whose request is still being sent, or that is a socket without
//! a user, of the client that has the most of them, if that is more than the new one's has. A connection whose request is
//! being answered, and a socket on which a user is signed in, are never taken.
//!
//! A sweep ends connections that have been quiet for too long, whatever they speak, and those whose client doesn't read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::ClientKey;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, Counts};
use crate::system::monotonic;

/// Connections beyond a client's limit that are told so before they are closed.
const REFUSED: usize = 64;

/// How long a new connection waits for one that was told to end.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

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
    /// Those among them that are sockets on which a user is signed in.
    pub(crate) signed_in_sockets: usize,
    /// Those that are sockets without a user.
    pub(crate) anonymous_sockets: usize,
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
    kind: Kind,
    /// When it was told to end.
    ended: Option<Instant>,
}

/// What a connection has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It carries requests.
    Requests,
    /// A socket on which no user is signed in.
    AnonymousSocket,
    /// A socket on which a user is signed in.
    SignedInSocket,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    activity: Arc<Activity>,
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
                // One that was told to end and hangs is not waited for: the next attempt takes another.
                Err(NoPlace::Wait) => drop(timeout(LONGEST_WAIT, ended).await),
                Err(NoPlace::TooMany) => return self.refuse(activity),
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
            return Err(if table.evict(|entry, _| entry.client == client, Entry::is_quiet) {
                NoPlace::Wait
            } else {
                NoPlace::TooMany
            });
        }
        if table.open.len() >= self.most {
            table.make_room(own);
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
            kind: Kind::Requests,
            ended: None,
        };
        table.open.insert(number, entry);
        Ok(Place { connections: Arc::clone(self), activity: Arc::clone(activity), number: Some(number) })
    }

    fn refuse(self: &Arc<Self>, activity: &Arc<Activity>) -> Option<Place> {
        let mut table = self.table();
        table.tally.refused += 1;
        if table.refused >= REFUSED {
            return None;
        }
        table.refused += 1;
        Some(Place { connections: Arc::clone(self), activity: Arc::clone(activity), number: None })
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
        for entry in open.values_mut().filter(|entry| entry.kind == Kind::Requests && entry.ended.is_none()) {
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
                entry.end(now);
            }
        }
    }

    /// How many connections are open, and what became of others.
    pub(crate) fn tally(&self) -> Tally {
        let table = self.table();
        let count = |kind| table.open.values().filter(|entry| entry.kind == kind).count();
        let (signed_in_sockets, anonymous_sockets) =
            (count(Kind::SignedInSocket), count(Kind::AnonymousSocket));
        Tally { open: table.open.len(), signed_in_sockets, anonymous_sockets, ..table.tally }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Counts are changed together with the entries: they are sound after a panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Tells one connection to end, unless all are busy. `own` is the number of connections of the client that wants in.
    fn make_room(&mut self, own: usize) {
        let most = self.counts.values().max().copied();
        // Of several that have as many, none by chance: a connection that has just come is not the quietest.
        let _ = self.evict(|_, count| count.is_some() && count == most, Entry::is_quiet)
            || self.evict(|_, _| true, Entry::is_quiet)
            || self.evict_yielding(own);
    }

    /// Tells the oldest connection to end that yields, of the client that has the most of them. `false` where that is no
    /// more than `own`.
    fn evict_yielding(&mut self, own: usize) -> bool {
        let mut counts: HashMap<Option<ClientKey>, usize> = HashMap::new();
        for entry in self.open.values().filter(|entry| entry.ended.is_none() && entry.yields()) {
            *counts.entry(entry.client).or_default() += 1;
        }
        let Some((client, count)) = counts.into_iter().max_by_key(|(_, count)| *count) else { return false };
        // The clients of a trusted proxy are not told apart here.
        (client.is_none() || count > own) && self.evict(|entry, _| entry.client == client, Entry::yields)
    }

    /// Tells the connection to end that has been quiet for the longest among those that are `of` some and `may_go`;
    /// `false` when there is none. One that was told just before and has not ended yet counts. `of` is also given how many
    /// connections the client has; `None` for a trusted proxy.
    fn evict(&mut self, of: impl Fn(&Entry, Option<usize>) -> bool, may_go: impl Fn(&Entry) -> bool) -> bool {
        let now = monotonic();
        let count = |entry: &Entry| self.counts.get(&entry.client?).copied();
        let mut longest: Option<&mut Entry> = None;
        for entry in self.open.values_mut().filter(|entry| of(entry, count(entry))) {
            if let Some(ended) = entry.ended {
                if now - ended < LONGEST_WAIT {
                    return true;
                }
                continue;
            }
            if may_go(entry) && longest.as_ref().is_none_or(|before| entry.quiet_since < before.quiet_since) {
                longest = Some(entry);
            }
        }
        let Some(entry) = longest else { return false };
        entry.end(now);
        self.tally.made_room += 1;
        true
    }
}

impl Entry {
    /// Whether no request is being answered.
    fn is_quiet(&self) -> bool {
        self.kind == Kind::Requests && !self.activity.counts().is_answering
    }

    /// Whether it may go before others that want in are kept out.
    fn yields(&self) -> bool {
        match self.kind {
            Kind::Requests => self.activity.counts().is_reading,
            Kind::AnonymousSocket => true,
            Kind::SignedInSocket => false,
        }
    }

    fn end(&mut self, now: Instant) {
        self.ended = Some(now);
        self.activity.end();
    }
}

impl Place {
    /// Whether every request is to be told that its client has too many connections.
    pub(crate) fn is_refusal(&self) -> bool {
        self.number.is_none()
    }

    /// Notes that the connection becomes a socket. `false` when it was told to end before.
    pub(crate) fn become_socket(&self) -> bool {
        self.set_kind(Kind::AnonymousSocket)
    }

    /// Notes whether a user is signed in on the socket. `false` when it was told to end before.
    pub(crate) fn sign_in(&self, is_signed_in: bool) -> bool {
        self.set_kind(if is_signed_in { Kind::SignedInSocket } else { Kind::AnonymousSocket })
    }

    /// Waits until the connection is to end, to make room or with everything.
    pub(crate) async fn ended(&self) {
        self.activity.ended().await;
    }

    fn set_kind(&self, kind: Kind) -> bool {
        let mut table = self.connections.table();
        match self.number.and_then(|number| table.open.get_mut(&number)) {
            Some(entry) if entry.ended.is_none() => {
                entry.kind = kind;
                true
            }
            _ => false,
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
