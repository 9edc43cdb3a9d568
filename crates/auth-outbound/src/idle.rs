//! When an idle connection is used again.
//!
//! A firewall, a relay or a server that was restarted behind one may forget a connection without a word. Only a request
//! that gets no answer shows that. So a connection that has been idle is probed before it is lent, and a probe has little
//! time. Connections to one server die together: the first dead one ends all that are as old, a new one is made, and only
//! what comes of the new one says anything of the server.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A connection that was idle for less than this is lent without a probe. So a busy pool pays for no probes.
pub const PROBE_AFTER: Duration = Duration::from_millis(20);

/// The time limit of a probe: long enough for a server on another continent.
pub const PROBE_LIMIT: Duration = Duration::from_millis(500);

/// What is known of the connections to one server.
///
/// ```
/// use std::time::Duration;
///
/// use auth_outbound::IdleConnections;
///
/// # tokio_test().block_on(async {
/// let connections = IdleConnections::default();
/// let (first, second) = (connections.made(), connections.made());
/// let minute = Duration::from_secs(60);
/// assert!(connections.may_reuse(first, minute, async { true }).await);
/// assert!(!connections.may_reuse(first, minute, async { false }).await);
/// // The second is as old: it isn't even probed.
/// assert!(!connections.may_reuse(second, Duration::ZERO, async { true }).await);
/// assert!(connections.may_reuse(connections.made(), minute, async { true }).await);
/// # });
/// # fn tokio_test() -> tokio::runtime::Runtime {
/// #     tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
/// # }
/// ```
#[derive(Debug, Default)]
pub struct IdleConnections {
    /// Counts the times that a connection was found dead. Connections that were made before are given up.
    losses: AtomicU64,
}

/// When a connection was made: before or after others were found dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made(u64);

impl IdleConnections {
    /// The mark of a connection that was just made.
    #[must_use]
    pub fn made(&self) -> Made {
        Made(self.losses.load(Ordering::Acquire))
    }

    /// Whether a connection that was idle for `idle` may be lent. `probe` asks the server something that costs it nothing,
    /// and returns whether an answer came; it is only polled where it is needed.
    pub async fn may_reuse(&self, made: Made, idle: Duration, probe: impl Future<Output = bool>) -> bool {
        if made != self.made() {
            return false;
        }
        if idle < PROBE_AFTER {
            return true;
        }
        let is_alive = tokio::time::timeout(PROBE_LIMIT, probe).await.unwrap_or(false);
        if !is_alive {
            self.found_dead(made);
        }
        is_alive
    }

    /// Notes that a connection was found dead, and gives up those that are as old. Several that are found dead at the same
    /// time count once, so that none that was made since is given up.
    pub fn found_dead(&self, made: Made) {
        let Made(losses) = made;
        // Fails where another one was found dead before, which is as good.
        let _counted = self.losses.compare_exchange(losses, losses + 1, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_an_answer_takes_its_limit_and_ends_all_that_are_as_old() {
        let connections = IdleConnections::default();
        let old: Vec<Made> = (0..8).map(|_| connections.made()).collect();
        let asked = async {
            for made in &old {
                assert!(!connections.may_reuse(*made, PROBE_AFTER, std::future::pending()).await);
            }
        };
        let in_time = tokio::time::timeout(PROBE_LIMIT + Duration::from_millis(1), asked).await;
        assert!(in_time.is_ok(), "only the first is probed");
        let new = connections.made();
        assert!(connections.may_reuse(new, PROBE_AFTER, async { true }).await);
        // A late loss of an old one says nothing of those made since.
        connections.found_dead(old[0]);
        assert!(connections.may_reuse(new, PROBE_AFTER, async { true }).await);
    }

    #[tokio::test]
    async fn a_busy_connection_is_not_probed() {
        let connections = IdleConnections::default();
        let just = PROBE_AFTER - Duration::from_millis(1);
        assert!(connections.may_reuse(connections.made(), just, async { panic!("probed") }).await);
    }
}
