//! Maintenance in the background: what the engine needs done beside requests, in the hands of the supervisor and with meters.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use auth_core::StoreError;
use auth_crypto::argon2::Params;
use auth_crypto::pool::{HashingPool, PoolMetrics};
use auth_engine::Engine;
use metrics::{Gauge, Histogram};
use tokio_util::sync::CancellationToken;

/// How often it is looked for mail that nobody sends.
const LOOK: Duration = Duration::from_secs(600);

/// How long logins are given to leave a quiet moment before the next look for one.
const QUIET: Duration = Duration::from_secs(60);

/// Deletes what has ended, and does what else an engine needs again and again, until told to stop.
pub(crate) async fn keep_up(engine: Arc<Engine>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = engine.keep_up() => {}
    }
}

/// Finds how many hashes at once get most done on this machine, as soon as logins leave a quiet moment for it. The number of
/// threads stays as it is if the operator has set it. Runs until told to stop.
pub(crate) async fn fit_hashing(
    pool: Arc<HashingPool>,
    params: Params,
    workers_are_set: bool,
    stop: CancellationToken,
) {
    loop {
        let measured = Arc::clone(&pool);
        let fit = move || measured.fit_width(params) && (workers_are_set || measured.fit_workers(params));
        if tokio::task::spawn_blocking(fit).await.is_ok_and(|is_done| is_done) {
            let PoolMetrics { workers, width, .. } = pool.metrics();
            tracing::info!(workers, width, "hashing: so many threads and hashes side by side get most done");
            return stop.cancelled().await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(QUIET) => {}
        }
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

/// Keeps the engine's caches like the store until told to stop.
pub(crate) async fn follow_store(engine: Arc<Engine>, meters: StoreMeters, stop: CancellationToken) {
    let looked = |took, result: &Result<(), StoreError>| {
        meters.up.set(if result.is_ok() { 1.0 } else { 0.0 });
        meters.look.record(took);
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = engine.follow_store(looked) => {}
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
            () = tokio::time::sleep(LOOK) => {}
        }
        needed = engine.mail().has_due().await;
    }
}
