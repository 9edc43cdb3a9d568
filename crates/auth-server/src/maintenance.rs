//! Maintenance in the background: purging, sums of refused attempts, and comparing the credential cache with the store.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use auth_engine::{Engine, Purged};
use metrics::{Gauge, Histogram};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::Log;
use crate::system::monotonic;

/// How often what has ended is deleted.
const EVERY: Duration = Duration::from_secs(600);

/// How often the attempt log is brought back to its ceiling, last uses of credentials are written, and second factors are
/// removed whose removal was held.
const TRIM: Duration = Duration::from_secs(60);

/// How often counted refusals are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How often the credential cache is compared with the store: so that a revocation by another server is noticed within a
/// second.
const COMPARE: Duration = Duration::from_millis(450);

/// Deletes what has ended, keeps the attempt log below its ceiling, writes the sums of refused attempts and removes the second
/// factors that are to go, at once and again and again until told to stop.
pub(crate) async fn purge(engine: Arc<Engine>, log: Log, stop: CancellationToken) {
    for tick in (0..EVERY.as_secs()).cycle() {
        engine.purger().log_refusals();
        if tick == 0 {
            delete_ended(&engine, &log).await;
        }
        if tick % TRIM.as_secs() == 0 {
            match engine.purger().trim_attempts(log.max_attempts).await {
                Ok(attempts) => tracing::debug!(attempts, "deleted attempts beyond the ceiling"),
                Err(error) => tracing::warn!(cause = error.source(), "old attempts can't be deleted"),
            }
            write_uses(&engine).await;
            remove_devices(&engine).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Writes when credentials were last used.
pub(crate) async fn write_uses(engine: &Engine) {
    if let Err(error) = engine.purger().write_uses().await {
        tracing::warn!(cause = error.source(), "last uses of credentials can't be written");
    }
}

/// Removes the second factors whose removal was held for a day.
async fn remove_devices(engine: &Engine) {
    match engine.device_removals().carry_out().await {
        Ok(devices) => tracing::debug!(devices, "removed devices that help desks asked for"),
        Err(error) => tracing::warn!(cause = error.source(), "devices that are to go can't be removed"),
    }
}

async fn delete_ended(engine: &Engine, log: &Log) {
    match engine.purger().purge(log.keep_attempts.0, log.keep_audit.0).await {
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

/// What is measured of the store.
#[derive(Clone)]
pub(crate) struct StoreMeters {
    /// Whether the last look reached it.
    pub(crate) up: Gauge,
    /// How long looks took, also in vain.
    pub(crate) look: Histogram,
}

/// Compares the credential cache with the store again and again until told to stop.
pub(crate) async fn compare(engine: Arc<Engine>, meters: StoreMeters, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(COMPARE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reachable = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let began = monotonic();
        let looked = engine.refresh_caches().await;
        meters.up.set(if looked.is_ok() { 1.0 } else { 0.0 });
        meters.look.record(began.elapsed());
        match looked {
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

/// Says so once if there is mail to send, or there are accounts that will need some, while none is sent. Runs until told
/// to stop.
pub(crate) async fn warn_without_mail(engine: Arc<Engine>, stop: CancellationToken) {
    let mut needed = engine.mail().is_needed().await;
    loop {
        match needed {
            Ok(true) => {
                tracing::warn!(
                    "accounts need mail for codes or passwords, but there is no [mail] to send it"
                );
                return stop.cancelled().await;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(cause = error.source(), "can't read whether mail is needed"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        needed = engine.mail().has_due().await;
    }
}
