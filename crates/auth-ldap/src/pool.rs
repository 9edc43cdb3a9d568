//! A few connections, kept and shared, and which server they lead to.
//!
//! Servers are tried in their order. One that failed is tried last for a while; when all have just failed, nobody
//! waits for them again for a moment, so that an outage is told at once rather than after a time-out each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Clock, Timestamp};
use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{Connection, Trouble};
use crate::journal::Journal;
use crate::settings::Server;

/// A connection that was not used for as long is asked whether it still answers.
const UNTRIED_AFTER: Duration = Duration::from_secs(30);

/// How long a server that failed is tried after the others.
const LAST_FOR: Duration = Duration::from_secs(15);

/// How long nobody waits for servers that all have just failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The connections of a directory.
pub(crate) struct Pool {
    servers: Vec<Server>,
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    idle: Vec<Idle>,
    /// When each server failed last, since it last worked.
    failed: Vec<Option<Timestamp>>,
}

struct Idle {
    connection: Connection,
    server: usize,
    since: Timestamp,
}

/// A connection for one log-in. It goes back where it is given back; dropped, it is closed.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    server: usize,
    /// Whether others have used it before: then its end says nothing about the server.
    is_used: bool,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        servers: Vec<Server>,
        tls: Arc<ClientConfig>,
        connections: usize,
        [connect_timeout, timeout]: [Duration; 2],
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State { idle: Vec::new(), failed: vec![None; servers.len()] };
        Self {
            servers,
            tls,
            connect_timeout,
            timeout,
            clock,
            places: Arc::new(Semaphore::new(connections.max(1))),
            state: Mutex::new(state),
        }
    }

    /// How often a log-in may be begun anew: on each server, and once more for a connection that had ended.
    pub(crate) fn tries(&self) -> usize {
        self.servers.len() + 1
    }

    /// A connection: one that is there and answers, or a new one.
    pub(crate) async fn lease(&self, journal: &mut Journal) -> Result<Lease, Trouble> {
        let place = Arc::clone(&self.places).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(self.timeout, place).await else {
            return Err(Trouble::Busy);
        };
        while let Some(mut idle) = self.next_idle() {
            let is_fresh = self.clock.now().since(idle.since) < UNTRIED_AFTER;
            if is_fresh || idle.connection.answers(self.connect_timeout).await {
                journal.note(|| format!("server {}: connection kept", self.url(idle.server)));
                let Idle { connection, server, .. } = idle;
                return Ok(Lease { connection, server, is_used: true, _place: place });
            }
        }
        let mut trouble = Trouble::Down;
        for server in self.candidates()? {
            let Some(address) = self.servers.get(server) else { continue };
            match Connection::open(address, &self.tls, self.connect_timeout, self.timeout).await {
                Ok(connection) => {
                    journal.note(|| format!("server {}: connected", self.url(server)));
                    return Ok(Lease { connection, server, is_used: false, _place: place });
                }
                Err(why) => {
                    journal.note(|| format!("server {}: {why}", self.url(server)));
                    self.has_failed(server);
                    trouble = why;
                }
            }
        }
        Err(trouble)
    }

    /// Takes a connection back that is in order.
    pub(crate) fn give_back(&self, lease: Lease) {
        let since = self.clock.now();
        let mut state = self.state();
        if let Some(failed) = state.failed.get_mut(lease.server) {
            *failed = None;
        }
        state.idle.push(Idle { connection: lease.connection, server: lease.server, since });
    }

    /// Closes a connection on which something went wrong.
    pub(crate) fn give_up(&self, lease: Lease, trouble: &Trouble) {
        // An old connection may have ended for reasons of its own, such as a restart: that is found out by a new one.
        let is_stale = lease.is_used && matches!(trouble, Trouble::Gone(_));
        if trouble.is_the_servers() {
            self.state().idle.retain(|idle| idle.server != lease.server);
            if !is_stale {
                self.has_failed(lease.server);
            }
        }
    }

    fn next_idle(&self) -> Option<Idle> {
        let mut state = self.state();
        // The newest first: the others may rest until they are not needed any more.
        while let Some(mut idle) = state.idle.pop() {
            if !idle.connection.is_closed() {
                return Some(idle);
            }
        }
        None
    }

    /// The servers in the order in which to try them now.
    fn candidates(&self) -> Result<Vec<usize>, Trouble> {
        order(&self.state().failed, self.clock.now()).ok_or(Trouble::Down)
    }

    fn has_failed(&self, server: usize) {
        let now = self.clock.now();
        if let Some(failed) = self.state().failed.get_mut(server) {
            *failed = Some(now);
        }
    }

    fn url(&self, server: usize) -> &str {
        self.servers.get(server).map_or("", |server| &server.url)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here is left half done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that work in their order, then those that failed a moment ago; `None` when all have just failed.
fn order(failed: &[Option<Timestamp>], now: Timestamp) -> Option<Vec<usize>> {
    let within = |span: Duration| {
        move |failed: &Option<Timestamp>| {
            failed.is_some_and(|moment| moment <= now && now.since(moment) < span)
        }
    };
    if failed.iter().all(within(PAUSE)) {
        return None;
    }
    let mut order: Vec<usize> = (0..failed.len()).collect();
    // Stable: within both groups the operator's order stays.
    order.sort_by_key(|server| failed.get(*server).is_some_and(within(LAST_FOR)));
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_failed_are_tried_last_for_a_while() {
        let ago = |millis: i64| Some(Timestamp::from_millis(1_000_000 - millis));
        for (failed, expected) in [
            (&[None, None][..], Some(&[0, 1][..])),
            (&[ago(10), None], Some(&[1, 0])),
            (&[ago(14_999), None], Some(&[1, 0])),
            (&[ago(15_000), None], Some(&[0, 1])),
            (&[ago(10), ago(999)], None),
            (&[ago(10), ago(1000)], Some(&[0, 1])),
            (&[None, ago(10), None], Some(&[0, 2, 1])),
            (&[ago(999)], None),
            (&[ago(1000)], Some(&[0])),
            // A clock that was set back doesn't keep a server out.
            (&[ago(-5000)], Some(&[0])),
        ] {
            let found = order(failed, Timestamp::from_millis(1_000_000));
            assert_eq!(found.as_deref(), expected, "{failed:?}");
        }
    }
}
