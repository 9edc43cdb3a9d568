//! A pool of connections, and the choice of server for each new one.
//!
//! An idle connection that has died says nothing of its server ([`auth_outbound::idle`]): a new one is made in its place.
//! Servers are tried in their configured order. A server that failed is tried last for [`DEMOTED_FOR`]. While all
//! servers have failed within [`OUTAGE_PAUSE`], no connection is tried at all, so that an outage costs one login its
//! time limit and not every login.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Clock, Timestamp};
use auth_outbound::IdleConnections;
use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::DirectoryConfig;
use crate::connection::Connection;
use crate::error::DirectoryError;
use crate::server::Server;
use crate::trace::Trace;

/// How long a server that failed is tried after the others.
const DEMOTED_FOR: Duration = Duration::from_secs(15);

/// How long no server is tried after all of them have failed.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// The connections of a directory.
pub(crate) struct Pool {
    servers: Vec<PooledServer>,
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

struct PooledServer {
    address: Server,
    idle: IdleConnections<u64>,
    /// The number of connections that were made so far.
    made: AtomicU64,
}

impl PooledServer {
    fn new(address: Server) -> Self {
        Self { address, idle: IdleConnections::default(), made: AtomicU64::new(0) }
    }

    fn newest(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}

struct State {
    idle: Vec<IdleConnection>,
    /// For each server, the time of its last failure; `None` if it has worked since.
    failures: Vec<Option<Timestamp>>,
}

struct IdleConnection {
    connection: Connection,
    server: usize,
    made: u64,
    since: Timestamp,
}

/// A connection on loan for one login. [`Pool::release`] keeps the connection; dropping the lease closes it.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    server: usize,
    /// The number of the connection among those to its server.
    made: u64,
    /// Whether an earlier login used the connection. If it has ended since, the server may still be up.
    is_reused: bool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// An empty pool. Makes no connection.
    pub(crate) fn new(config: &DirectoryConfig, tls: Arc<ClientConfig>, clock: Arc<dyn Clock>) -> Self {
        let state = State { idle: Vec::new(), failures: vec![None; config.servers.len()] };
        Self {
            servers: config.servers.iter().cloned().map(PooledServer::new).collect(),
            tls,
            connect_timeout: config.connect_timeout,
            timeout: config.timeout,
            clock,
            permits: Arc::new(Semaphore::new(config.connections.max(1))),
            state: Mutex::new(state),
        }
    }

    /// How often one login may start over: once on each server, and once more for an idle connection that had ended.
    pub(crate) fn max_attempts(&self) -> usize {
        self.servers.len() + 1
    }

    /// Lends an idle connection that still works, or makes a new one.
    ///
    /// # Errors
    /// [`DirectoryError::Busy`] if no connection becomes free in time, [`DirectoryError::NoServer`] during an outage,
    /// or the error of the last server that was tried.
    pub(crate) async fn acquire(&self, trace: &mut Trace) -> Result<Lease, DirectoryError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let Ok(Ok(permit)) = tokio::time::timeout(self.timeout, permit).await else {
            return Err(DirectoryError::Busy);
        };
        while let Some(IdleConnection { mut connection, server, made, since }) = self.next_idle() {
            let Some(known) = self.servers.get(server) else { continue };
            let unused = self.clock.now().since(since);
            if known.idle.may_reuse(made, known.newest(), unused, connection.is_alive()).await {
                trace.add(|| format!("server {}: using an open connection", self.url(server)));
                return Ok(Lease { connection, server, made, is_reused: true, _permit: permit });
            }
            trace.add(|| format!("server {}: a connection that was idle has died", self.url(server)));
        }
        let mut last_error = DirectoryError::NoServer;
        for server in self.candidates()? {
            let Some(known) = self.servers.get(server) else { continue };
            match Connection::open(&known.address, &self.tls, self.connect_timeout, self.timeout).await {
                Ok(connection) => {
                    trace.add(|| format!("server {}: connected", self.url(server)));
                    let made = known.made.fetch_add(1, Ordering::Relaxed) + 1;
                    return Ok(Lease { connection, server, made, is_reused: false, _permit: permit });
                }
                Err(error) => {
                    trace.add(|| format!("server {}: {error}", self.url(server)));
                    self.mark_failed(server);
                    last_error = error;
                }
            }
        }
        Err(last_error)
    }

    /// Takes back a connection that works, to be used again.
    pub(crate) fn release(&self, lease: Lease) {
        let since = self.clock.now();
        let mut state = self.state();
        if let Some(failure) = state.failures.get_mut(lease.server) {
            *failure = None;
        }
        let Lease { connection, server, made, .. } = lease;
        state.idle.push(IdleConnection { connection, server, made, since });
    }

    /// Closes a connection on which `error` occurred, and the server's idle connections if the server failed.
    pub(crate) fn discard(&self, lease: Lease, error: &DirectoryError) {
        if !error.is_server_failure() {
            return;
        }
        if let Some(known) = self.servers.get(lease.server) {
            known.idle.give_up(lease.made);
        }
        self.state().idle.retain(|idle| idle.server != lease.server);
        // A reused connection may have died unnoticed. Only a new one shows whether the server is up.
        let is_stale =
            lease.is_reused && matches!(error, DirectoryError::Unreachable(_) | DirectoryError::Timeout);
        if !is_stale {
            self.mark_failed(lease.server);
        }
    }

    /// Takes the most recently used connection, so that the others can stay idle until they are needed.
    fn next_idle(&self) -> Option<IdleConnection> {
        let mut state = self.state();
        while let Some(mut idle) = state.idle.pop() {
            if !idle.connection.is_closed() {
                return Some(idle);
            }
        }
        None
    }

    /// The servers to try now, in order.
    fn candidates(&self) -> Result<Vec<usize>, DirectoryError> {
        order(&self.state().failures, self.clock.now()).ok_or(DirectoryError::NoServer)
    }

    fn mark_failed(&self, server: usize) {
        let now = self.clock.now();
        if let Some(failure) = self.state().failures.get_mut(server) {
            *failure = Some(now);
        }
    }

    fn url(&self, server: usize) -> &str {
        self.servers.get(server).map_or("", |server| &server.address.url)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is a single step, so a panic leaves no half of one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The indices of the servers that work, then of those that failed recently, each group in the configured order.
/// `None` if all servers have just failed.
fn order(failures: &[Option<Timestamp>], now: Timestamp) -> Option<Vec<usize>> {
    let within = |span: Duration| {
        move |failure: &Option<Timestamp>| {
            // A failure in the future comes from a clock that was set back: it must not shut a server out.
            failure.is_some_and(|time| time <= now && now.since(time) < span)
        }
    };
    if failures.iter().all(within(OUTAGE_PAUSE)) {
        return None;
    }
    let mut order: Vec<usize> = (0..failures.len()).collect();
    // The sort is stable.
    order.sort_by_key(|server| failures.get(*server).is_some_and(within(DEMOTED_FOR)));
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_failed_are_tried_last_for_a_while() {
        let ago = |millis: i64| Some(Timestamp::from_millis(1_000_000 - millis));
        for (failures, expected) in [
            (&[None, None][..], Some(&[0, 1][..])),
            (&[ago(10), None], Some(&[1, 0])),
            (&[ago(14_999), None], Some(&[1, 0])),
            (&[ago(15_000), None], Some(&[0, 1])),
            (&[ago(10), ago(999)], None),
            (&[ago(10), ago(1000)], Some(&[0, 1])),
            (&[None, ago(10), None], Some(&[0, 2, 1])),
            (&[ago(999)], None),
            (&[ago(1000)], Some(&[0])),
            // A clock that was set back does not shut a server out.
            (&[ago(-5000)], Some(&[0])),
        ] {
            let found = order(failures, Timestamp::from_millis(1_000_000));
            assert_eq!(found.as_deref(), expected, "{failures:?}");
        }
    }
}
