//! Whether the server is alive, and whether it is ready for clients.
//!
//! Readiness is of this server alone: what is broken for all servers of a store, such as a mail server out of reach, takes
//! none of them out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_engine::{Engine, OpenError, keys};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::error_log::ErrorLog;
use crate::mail::Pulse;
use crate::supervisor::Down;
use crate::system::monotonic;

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a report on readiness holds: however often it is asked for, the store is not asked more often.
const HOLDS: Duration = Duration::from_secs(1);

/// The value of the store that is changed to see whether it takes changes.
const CHANGED: &str = "write-check";

/// How long the mail worker may be busy with one round.
const LONGEST_ROUND: Duration = Duration::from_secs(5 * 60);

/// What health is judged by.
pub(crate) struct Health {
    engine: Arc<Engine>,
    down: Down,
    draining: CancellationToken,
    /// That of the mail worker, where there is one.
    mail: Option<Arc<Pulse>>,
    errors: Arc<ErrorLog>,
    /// How many requests had failed when the store last took a change.
    failures_before_change: AtomicU64,
    last: Mutex<Option<(Instant, Report)>>,
}

/// What was looked at, and what of it is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report(Vec<Check>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    name: &'static str,
    /// Why it failed. Secrets and names of users are no part of it.
    failure: Option<&'static str>,
}

impl Health {
    pub(crate) fn new(
        engine: Arc<Engine>,
        down: Down,
        draining: CancellationToken,
        mail: Option<Arc<Pulse>>,
        errors: Arc<ErrorLog>,
    ) -> Self {
        let failures_before_change = AtomicU64::new(errors.failures());
        Self { engine, down, draining, mail, errors, failures_before_change, last: Mutex::default() }
    }

    /// Whether the server is alive: it answers, and its background tasks run.
    pub(crate) fn live(&self) -> Report {
        let down = self.down.names();
        if down.is_empty() {
            return Report(vec![Check { name: "tasks", failure: None }]);
        }
        let failed = |name| Check { name, failure: Some("has ended and waits to be started again") };
        Report(down.into_iter().map(failed).collect())
    }

    /// Whether clients should be sent here: the server is not about to end, the store can be read and changed and is that of the
    /// key ring, and mail is worked on.
    pub(crate) async fn ready(&self) -> Report {
        let mut report = self.looked_at().await;
        let failure = self.draining.is_cancelled().then_some("the server is about to end");
        report.0.insert(0, Check { name: "serving", failure });
        report
    }

    /// What takes a look, which is taken once a second at most, by one request for all.
    async fn looked_at(&self) -> Report {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < HOLDS
        {
            return report.clone();
        }
        let report = self.look().await;
        *last = Some((monotonic(), report.clone()));
        report
    }

    async fn look(&self) -> Report {
        let (store, ring) = (&**self.engine.store(), self.engine.keys().ring());
        let (store, ring) = match timeout(STORE_TIMEOUT, keys::check_ring(store, &ring)).await {
            Ok(Ok(())) => ((!self.takes_changes().await).then_some("can't be written"), None),
            Ok(Err(OpenError::OtherKeyRing)) => (None, Some("the store belongs to another key ring")),
            Ok(Err(_)) => (Some("can't be read"), Some("not known without the store")),
            Err(_) => (Some("does not answer in time"), Some("not known without the store")),
        };
        let is_stuck = self.mail.as_ref().is_some_and(|pulse| pulse.age() > LONGEST_ROUND);
        let outbox = is_stuck.then_some("the mail worker makes no progress");
        let checks = [("store", store), ("ring", ring), ("outbox", outbox)];
        Report(checks.map(|(name, failure)| Check { name, failure }).into())
    }
}

impl Health {
    /// Whether the store takes changes, as it doesn't while its disk is full. It is given one only after a request has failed, and
    /// until it takes one: each is a commit.
    async fn takes_changes(&self) -> bool {
        let failures = self.errors.failures();
        if failures == self.failures_before_change.load(Ordering::Relaxed) {
            return true;
        }
        let store = self.engine.store();
        let change = async {
            let old = store.meta(CHANGED).await?;
            let new = old.is_none().then_some(&[1][..]);
            store.replace_meta(CHANGED, old.as_deref(), new, None).await
        };
        let is_taken = matches!(timeout(STORE_TIMEOUT, change).await, Ok(Ok(_)));
        if is_taken {
            self.failures_before_change.store(failures, Ordering::Relaxed);
        }
        is_taken
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.0.iter().all(|check| check.failure.is_none())
    }
}

impl fmt::Display for Report {
    /// A line for each check: `ok store`, or `failed store: can't be read`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Check { name, failure }| match failure {
            None => writeln!(f, "ok {name}"),
            Some(why) => writeln!(f, "failed {name}: {why}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use auth_core::testing::MemoryStore;
    use auth_core::{ManualClock, Store, StoreError};
    use auth_engine::testing;
    use tokio::time::advance;

    use super::*;

    /// Whether a server is ready: the lines that say what is wrong.
    async fn failures(health: &Health) -> Vec<String> {
        let report = health.ready().await.to_string();
        report.lines().filter(|line| line.starts_with("failed")).map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn store_is_asked_once_a_second_at_most_and_draining_is_told_at_once() {
        let store = Arc::new(MemoryStore::new());
        let (records, clock) = (Arc::clone(&store) as Arc<dyn Store>, Arc::new(ManualClock::default()));
        let builder = testing::builder(&records, &clock, &testing::ring(), testing::config(), 1);
        let engine = Arc::new(builder.open().await.unwrap());
        let draining = CancellationToken::new();
        let errors = Arc::new(ErrorLog::new(clock));
        let health = Health::new(engine, Down::default(), draining.clone(), None, errors);
        assert_eq!(failures(&health).await, [""; 0]);

        store.set_outage(Some(StoreError::Unavailable("away".into())));
        advance(HOLDS - Duration::from_millis(1)).await;
        assert_eq!(failures(&health).await, [""; 0], "the last look holds");
        advance(Duration::from_millis(1)).await;
        let gone = ["failed store: can't be read", "failed ring: not known without the store"];
        assert_eq!(failures(&health).await, gone);

        store.set_outage(None);
        assert_eq!(failures(&health).await, gone, "a failure holds as long");
        draining.cancel();
        let all = ["failed serving: the server is about to end", gone[0], gone[1]];
        assert_eq!(failures(&health).await, all);
        advance(HOLDS).await;
        assert_eq!(failures(&health).await, all[..1]);
    }
}
