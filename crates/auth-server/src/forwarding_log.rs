//! The log of doubts about who the client is: a line an hour for each kind, and counts for the metrics.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::{Clock, Event};
use auth_tower::Doubt;

use crate::tally::Tally;

/// The target of the lines.
const TARGET: &str = "auth::forwarding";

/// The kinds of doubt, as metrics name them.
const KINDS: [&str; 7] =
    ["untrusted", "unreadable", "hidden", "other_header", "no_header", "no_proxy", "no_proxy_header"];

/// Counts the requests whose client is in doubt, and logs them now and then.
pub(crate) struct ForwardingLog {
    clock: Arc<dyn Clock>,
    tallies: Mutex<BTreeMap<&'static str, Tally>>,
}

/// Why a connection was closed before a request was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// A peer that is no trusted proxy connected where the PROXY protocol is spoken.
    NoProxy,
    /// A trusted proxy sent no header of the PROXY protocol where it is spoken.
    NoProxyHeader,
}

impl ForwardingLog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let none = |kind| (kind, Tally::default());
        Self { clock, tallies: Mutex::new(KINDS.map(none).into()) }
    }

    /// Counts a request that `peer` sent and whose client is in doubt.
    pub(crate) fn note(&self, doubt: &Doubt, peer: IpAddr) {
        if let Some(requests) = self.count(kind(doubt)) {
            log(doubt, requests, peer);
        }
    }

    /// Counts a connection of `peer` that was closed.
    pub(crate) fn note_closed(&self, closed: Closed, peer: IpAddr) {
        if let Some(connections) = self.count(closed.kind()) {
            closed.log(connections, peer);
        }
    }

    /// The requests of each kind since the start.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.iter().map(|(kind, tally)| (*kind, tally.all())).collect()
    }

    /// Counts a request; gives the number of requests to log where a line is due.
    fn count(&self, kind: &'static str) -> Option<u64> {
        let now = self.clock.now();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.get_mut(kind)?.count(now)
    }
}

fn kind(doubt: &Doubt) -> &'static str {
    match doubt {
        Doubt::Untrusted(_) => "untrusted",
        Doubt::Unreadable(_) => "unreadable",
        Doubt::Hidden(_) => "hidden",
        Doubt::OtherHeader(_) => "other_header",
        Doubt::NoHeader => "no_header",
    }
}

/// Logs a doubt, with the number of requests of its kind since the last line.
fn log(doubt: &Doubt, requests: u64, peer: IpAddr) {
    let (event, reason) = (Event::ClientDoubted.as_str(), kind(doubt));
    match doubt {
        Doubt::Untrusted(header) => tracing::warn!(
            target: TARGET, event, %peer, reason, header = header.as_str(), requests,
            "a forwarding header was ignored, since its sender is no trusted proxy: if it is your proxy, list it under \
             [server] trusted_proxies, or all its clients count as one"
        ),
        Doubt::Unreadable(entry) => tracing::warn!(
            target: TARGET, event, %peer, reason, entry, requests,
            "a trusted proxy named a client in a form that can't be read: such clients count as one"
        ),
        Doubt::Hidden(entry) => tracing::warn!(
            target: TARGET, event, %peer, reason, entry, requests,
            "a trusted proxy named no address of a client: such clients count as one"
        ),
        Doubt::OtherHeader(header) => tracing::warn!(
            target: TARGET, event, %peer, reason, header = header.as_str(), requests,
            "a trusted proxy sent a forwarding header, but named no client in that of [server] client_header: such \
             clients count as one"
        ),
        Doubt::NoHeader => tracing::info!(
            target: TARGET, event, %peer, reason, requests,
            "a trusted proxy sent no forwarding header: its own requests and clients that it doesn't name count as one"
        ),
    }
}

impl Closed {
    /// The kind, as metrics name it.
    fn kind(self) -> &'static str {
        match self {
            Self::NoProxy => "no_proxy",
            Self::NoProxyHeader => "no_proxy_header",
        }
    }

    /// Logs a closed connection, with the number of those of its kind since the last line.
    fn log(self, connections: u64, peer: IpAddr) {
        let (event, reason) = (Event::ClientDoubted.as_str(), self.kind());
        match self {
            Self::NoProxy => tracing::warn!(
                target: TARGET, event, %peer, reason, connections,
                "a connection was closed, since this listener takes those of trusted proxies alone: if it is your proxy, list it \
                 under [server] trusted_proxies"
            ),
            Self::NoProxyHeader => tracing::warn!(
                target: TARGET, event, %peer, reason, connections,
                "a connection of a trusted proxy was closed, since it did not begin with the PROXY protocol: switch that on at the \
                 proxy, or off at this listener"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::ManualClock;

    use super::*;

    #[test]
    fn every_doubt_is_counted_under_a_kind_of_its_own() {
        let log = ForwardingLog::new(Arc::new(ManualClock::default()));
        let peer = IpAddr::from([192, 0, 2, 1]);
        let header = http::header::FORWARDED;
        let doubts = [
            Doubt::Untrusted(header.clone()),
            Doubt::Unreadable("x".to_owned()),
            Doubt::Hidden("_x".to_owned()),
            Doubt::OtherHeader(header),
            Doubt::NoHeader,
        ];
        for doubt in doubts {
            log.note(&doubt, peer);
        }
        log.note_closed(Closed::NoProxy, peer);
        log.note_closed(Closed::NoProxyHeader, peer);
        assert_eq!(log.counts().into_iter().map(|(_, count)| count).collect::<Vec<_>>(), [1; KINDS.len()]);
    }
}
