//! Maintenance in the background: what the engine needs done beside requests, in the hands of the supervisor and with meters.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use auth_core::StoreError;
use auth_engine::Engine;
use metrics::{Gauge, Histogram};
use tokio_util::sync::CancellationToken;

/// How often it is looked for mail that nobody sends.
const LOOK: Duration = Duration::from_secs(600);

/// Deletes what has ended, and does what else an engine needs again and again, until told to stop.
pub(crate) async fn keep_up(engine: Arc<Engine>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = engine.keep_up() => {}
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
