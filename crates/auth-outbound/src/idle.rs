//! When an idle connection is used again.
//!
//! A firewall, a relay or a server that was restarted behind one may forget a connection without a word. Only a request
//! that gets no answer shows that. So a connection that has been idle is probed before it is lent, and a probe has little
//! time. Connections to one server die together: the first dead one ends all that are as old, a new one is made, and only
//! what comes of the new one says anything of the server.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A connection that was idle for less than this is lent without a probe. So the requests of one login, which follow each
/// other, pay for one probe at most.
pub const PROBE_AFTER: Duration = Duration::from_millis(2);

/// The time limit of a probe: long enough for a server on another continent.
pub const PROBE_LIMIT: Duration = Duration::from_millis(500);

/// What is known of the connections to one server.
///
/// `M` orders connections by when they were made: a number that counts them, or a time.
///
/// ```
/// use std::time::Duration;
///
/// use auth_outbound::IdleConnections;
///
/// # tokio_test().block_on(async {
/// let connections = IdleConnections::default();
/// let (first, second, newest) = (1, 2, 2);
/// let minute = Duration::from_secs(60);
/// assert!(connections.may_reuse(first, newest, minute, async { true }).await);
/// assert!(!connections.may_reuse(first, newest, minute, async { false }).await);
/// // The second is as old: it isn't even probed.
/// assert!(!connections.may_reuse(second, newest, Duration::ZERO, async { true }).await);
/// assert!(connections.may_reuse(3, 3, minute, async { true }).await);
/// # });
/// # fn tokio_test() -> tokio::runtime::Runtime {
/// #     tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
/// # }
/// ```
#[derive(Debug)]
pub struct IdleConnections<M> {
    /// Connections that were made up to then are given up.
    given_up: Mutex<Option<M>>,
}

impl<M> Default for IdleConnections<M> {
    fn default() -> Self {
        Self { given_up: Mutex::new(None) }
    }
}

impl<M: Copy + PartialOrd> IdleConnections<M> {
    /// Whether a connection that was idle for `idle` may be lent. `newest` is when the newest connection was made. `probe`
    /// asks the server something that costs it nothing, and returns whether an answer came; it is only polled where it is
    /// needed.
    pub async fn may_reuse(
        &self,
        made: M,
        newest: M,
        idle: Duration,
        probe: impl Future<Output = bool>,
    ) -> bool {
        if self.is_given_up(made) {
            return false;
        }
        if idle < PROBE_AFTER {
            return true;
        }
        let is_alive = tokio::time::timeout(PROBE_LIMIT, probe).await.unwrap_or(false);
        if !is_alive {
            self.give_up(newest);
        }
        is_alive
    }

    /// Gives up every connection that was made up to `newest`, because one of them was found dead.
    pub fn give_up(&self, newest: M) {
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if given_up.is_none_or(|before| before < newest) {
            *given_up = Some(newest);
        }
    }

    fn is_given_up(&self, made: M) -> bool {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        given_up.is_some_and(|newest| made <= newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_an_answer_takes_its_limit_and_ends_all_that_are_as_old() {
        let connections = IdleConnections::default();
        let asked = async {
            for made in 0..8 {
                assert!(!connections.may_reuse(made, 7, PROBE_AFTER, std::future::pending()).await);
            }
        };
        let in_time = tokio::time::timeout(PROBE_LIMIT + Duration::from_millis(1), asked).await;
        assert!(in_time.is_ok(), "only the first is probed");
        assert!(connections.may_reuse(8, 8, PROBE_AFTER, async { true }).await);
        // A late loss of an old one says nothing of those made since.
        connections.give_up(7);
        assert!(connections.may_reuse(8, 8, PROBE_AFTER, async { true }).await);
    }

    #[tokio::test]
    async fn a_busy_connection_is_not_probed() {
        let connections = IdleConnections::default();
        let just = PROBE_AFTER - Duration::from_millis(1);
        assert!(connections.may_reuse(1, 1, just, async { panic!("probed") }).await);
    }
}
