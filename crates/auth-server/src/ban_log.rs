//! The log of what banned networks send: a line an hour, and a count for the metrics.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{ClientKey, Clock, Event};

use crate::tally::Tally;

/// Counts the connections and requests of banned networks, and logs them now and then.
pub(crate) struct BanLog {
    clock: Arc<dyn Clock>,
    tally: Mutex<Tally>,
}

impl BanLog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tally: Mutex::default() }
    }

    /// Counts a connection or a request of an address that is banned.
    pub(crate) fn note(&self, address: IpAddr) {
        let due = self.tally().count(self.clock.now());
        if let Some(count) = due {
            let (event, client) = (Event::ClientBanned.as_str(), ClientKey::of(address));
            tracing::info!(
                target: "auth::bans", event, %client, count,
                "what banned networks send is refused; the client is the last of them"
            );
        }
    }

    /// The connections and requests since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.tally().all()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Numbers are sound after a panic.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
