//! What is read when the metrics are asked for: counts that other parts keep anyway.

use std::sync::Arc;
use std::time::Duration;

use auth_core::Timestamp;
use auth_crypto::pool::{HashingPool, PoolMetrics, PoolObserver};
use auth_engine::{Engine, MailCounts};
use auth_ldap::Directory;
use metrics::Histogram;

use super::Metrics;
use super::families::{
    ATTEMPTS, BACKUP_LAST_GOOD, BUILD, CONNECTIONS, CONNECTIONS_ENDED, DIRECTORY_ANSWERS, FORWARDING_DOUBTED,
    HASHING_ABANDONED, HASHING_LATE, HASHING_REFUSED, HASHING_ROUNDS, HASHING_SECONDS, HASHING_WAIT_SECONDS,
    HASHING_WAITING, HASHING_WIDTH, HASHING_WORKERS, LOG_LINES_LOST, MAILS, REFUSED, SOCKETS, STARTED,
};
use crate::backups::LastGood;
use crate::logging;
use crate::shared::Shared;
use crate::traces;

/// Where the numbers come from.
pub(crate) struct Sources {
    pub(crate) started: Timestamp,
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) directories: Vec<Arc<Directory>>,
    pub(crate) shared: Arc<Shared>,
    /// Where the server makes backups.
    pub(crate) last_backup: Option<Arc<LastGood>>,
}

impl Sources {
    /// Brings the metrics up to date.
    pub(crate) fn read_into(&self, metrics: &Metrics) {
        metrics.set(&BUILD, &[env!("CARGO_PKG_VERSION")], 1);
        metrics.set(&STARTED, &[], self.started.as_secs());
        self.read_connections(metrics);
        self.read_pool(metrics);
        for count in self.engine.attempt_counts() {
            let labels = [count.protocol.as_str(), count.outcome, count.scheme];
            metrics.counter(&ATTEMPTS, &labels).absolute(count.attempts);
        }
        for directory in &self.directories {
            let counts = directory.counts();
            for (answer, count) in [
                ("accepted", counts.accepted),
                ("rejected", counts.rejected),
                ("unknown", counts.unknown),
                ("unavailable", counts.unavailable),
            ] {
                let labels = [auth_core::PasswordBackend::name(&**directory), answer];
                metrics.counter(&DIRECTORY_ANSWERS, &labels).absolute(count);
            }
        }
        let MailCounts { sent, put_off, given_up } = self.engine.mail().counts();
        for (outcome, count) in [("sent", sent), ("put_off", put_off), ("given_up", given_up)] {
            metrics.counter(&MAILS, &[outcome]).absolute(count);
        }
        if let Some(last) = &self.last_backup {
            metrics.set(&BACKUP_LAST_GOOD, &[], last.seconds());
        }
        metrics.counter(&LOG_LINES_LOST, &[]).absolute(logging::lost_lines());
    }

    fn read_connections(&self, metrics: &Metrics) {
        let shared = &self.shared;
        let tally = shared.connections.tally();
        metrics.set(&CONNECTIONS, &[], tally.open);
        metrics.set(&SOCKETS, &["signed_in"], tally.signed_in_sockets);
        metrics.set(&SOCKETS, &["none"], tally.anonymous_sockets);
        for (reason, count) in [("room", tally.made_room), ("timeout", tally.timed_out)] {
            metrics.counter(&CONNECTIONS_ENDED, &[reason]).absolute(count);
        }
        for (kind, count) in [
            ("connections", tally.refused),
            ("requests", shared.requests.refused()),
            ("sockets", shared.signed_in_sockets.refused() + shared.user_sockets.refused()),
            ("bodies", shared.bodies.refused()),
            ("banned", shared.bans.refused()),
        ] {
            metrics.counter(&REFUSED, &[kind]).absolute(count);
        }
        for (reason, count) in shared.forwarding.counts() {
            metrics.counter(&FORWARDING_DOUBTED, &[reason]).absolute(count);
        }
    }

    fn read_pool(&self, metrics: &Metrics) {
        let PoolMetrics { waiting, refused, late, abandoned, batch_sizes, workers, width, .. } =
            self.pool.metrics();
        metrics.set(&HASHING_WAITING, &[], waiting);
        metrics.set(&HASHING_WORKERS, &[], workers);
        metrics.set(&HASHING_WIDTH, &[], width);
        metrics.counter(&HASHING_REFUSED, &[]).absolute(refused);
        metrics.counter(&HASHING_LATE, &[]).absolute(late);
        metrics.counter(&HASHING_ABANDONED, &[]).absolute(abandoned);
        for (jobs, rounds) in (1..).zip(batch_sizes) {
            metrics.counter(&HASHING_ROUNDS, &[&i32::to_string(&jobs)]).absolute(rounds);
        }
    }
}

/// Measures the jobs of a hashing pool, which are spans of the requests that they are for.
pub(crate) struct PoolTimes {
    metrics: Arc<Metrics>,
    wait: Histogram,
}

impl PoolTimes {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { wait: metrics.histogram(&HASHING_WAIT_SECONDS, &[]), metrics }
    }
}

impl PoolObserver for PoolTimes {
    fn waited(&self, time: Duration) {
        self.wait.record(time);
    }

    fn hashed(&self, scheme: &'static str, time: Duration) {
        self.metrics.histogram(&HASHING_SECONDS, &[scheme]).record(time);
    }

    fn answered(&self, waited: Duration, all: Duration) {
        traces::hashed(waited, all);
    }
}
