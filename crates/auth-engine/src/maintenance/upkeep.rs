//! What runs beside the requests, again and again: a program starts all of it at once, and a server with a supervisor of its
//! own starts each part.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::StoreError;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::carrier::MailCarrier;
use super::purge::Purged;
use crate::engine::Engine;

/// How often what has ended is deleted, in ticks.
const DELETE: u64 = 600;

/// How often the attempt log is brought back to its ceiling, last uses of credentials are written, and second factors are
/// removed whose removal was held; in ticks.
const TRIM: u64 = 60;

/// How often counted refusals are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How often the credential cache is compared with the store: so that a revocation by another server is noticed within a
/// second.
const COMPARE: Duration = Duration::from_millis(450);

impl Engine {
    /// Starts what an engine needs done beside the requests: the caches follow the store, and what has ended is deleted. It
    /// goes on until the guard is dropped or [stopped](Maintenance::stop).
    ///
    /// Mails wait in [`Engine::mail`] until a [carrier](Maintenance::with_carrier) takes them, and are given up after a day.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use = "maintenance ends when the guard is dropped"]
    pub fn spawn_maintenance(self: &Arc<Self>) -> Maintenance {
        let (followed, kept) = (Arc::clone(self), Arc::clone(self));
        let tasks = vec![
            tokio::spawn(async move { followed.follow_store(|_, _| {}).await }),
            tokio::spawn(async move { kept.keep_up().await }),
        ];
        Maintenance { engine: Arc::clone(self), tasks }
    }

    /// Deletes what has ended, keeps the attempt log below its ceiling, writes the sums of refused attempts and the last uses
    /// of credentials, and removes the second factors that are to go: at once, and again and again. It never returns.
    pub async fn keep_up(&self) {
        for tick in (0..DELETE).cycle() {
            self.purger().log_refusals();
            if tick == 0 {
                self.delete_ended().await;
            }
            if tick % TRIM == 0 {
                match self.purger().trim_attempts(self.config().retention.max_attempts).await {
                    Ok(attempts) => tracing::debug!(attempts, "deleted attempts beyond the ceiling"),
                    Err(error) => tracing::warn!(cause = error.source(), "old attempts can't be deleted"),
                }
                self.write_uses().await;
                self.remove_devices().await;
            }
            sleep(TICK).await;
        }
    }

    /// Brings the caches up to date with the store, again and again. Calls `looked` after each read of the store with its time
    /// and its result. It never returns.
    pub async fn follow_store(&self, mut looked: impl FnMut(Duration, &Result<(), StoreError>) + Send) {
        let mut ticks = interval(COMPARE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reachable = true;
        loop {
            ticks.tick().await;
            let began = self.stopwatch.elapsed();
            let result = self.refresh_caches().await;
            looked(self.stopwatch.elapsed().saturating_sub(began), &result);
            match result {
                Ok(()) if !reachable => {
                    reachable = true;
                    tracing::info!("the store can be reached again");
                }
                Err(cause) if reachable => {
                    reachable = false;
                    tracing::warn!(%cause, "the store can't be reached");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Writes what was only counted or noted so far: to be called when no more requests come.
    pub async fn finish(&self) {
        self.purger().flush_attempts().await;
        self.write_uses().await;
    }

    /// Writes when credentials were last used.
    async fn write_uses(&self) {
        if let Err(error) = self.purger().write_uses().await {
            tracing::warn!(cause = error.source(), "last uses of credentials can't be written");
        }
    }

    /// Removes the second factors whose removal was held for a day.
    async fn remove_devices(&self) {
        match self.device_removals().carry_out().await {
            Ok(devices) => tracing::debug!(devices, "removed devices that help desks asked for"),
            Err(error) => tracing::warn!(cause = error.source(), "devices that are to go can't be removed"),
        }
    }

    async fn delete_ended(&self) {
        let retention = self.config().retention;
        match self.purger().purge(retention.attempts, retention.audit).await {
            Ok(purged) => {
                let Purged { credentials, attempts, audit, .. } = purged;
                tracing::debug!(credentials, attempts, audit, "deleted what had ended");
                if purged.mails > 0 {
                    tracing::warn!(mails = purged.mails, "mails dropped: unsent for a day");
                }
            }
            Err(error) => tracing::warn!(cause = error.source(), "old records can't be deleted"),
        }
    }
}

/// The maintenance of an engine, which ends when this is dropped.
pub struct Maintenance {
    engine: Arc<Engine>,
    tasks: Vec<JoinHandle<()>>,
}

impl Maintenance {
    /// Has mails carried away as well.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use = "maintenance ends when the guard is dropped"]
    pub fn with_carrier(mut self, carrier: Arc<dyn MailCarrier>) -> Self {
        let mail = Arc::clone(self.engine.mail());
        self.tasks.push(tokio::spawn(async move {
            loop {
                sleep(mail.send_due(&*carrier, || false).await).await;
            }
        }));
        self
    }

    /// Ends the maintenance, and writes what was only counted or noted so far: how often attempts were refused, and when
    /// credentials were last used. To be called when no more requests come.
    pub async fn stop(self) {
        let engine = Arc::clone(&self.engine);
        drop(self);
        engine.finish().await;
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl fmt::Debug for Maintenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maintenance").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}
