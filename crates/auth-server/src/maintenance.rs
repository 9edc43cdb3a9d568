//! Maintenance in the background: what the engine needs done beside requests, in the hands of the supervisor and with meters.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{CredentialKind, Store, StoreError};
use auth_crypto::argon2::Params;
use auth_crypto::pool::{HashingPool, PoolMetrics};
use auth_engine::Engine;
use metrics::{Gauge, Histogram};
use tokio_util::sync::CancellationToken;

use crate::config::Passwords;
use crate::metrics::{CREDENTIALS, Metrics};

/// How often it is looked for mail that nobody sends.
const LOOK: Duration = Duration::from_secs(600);

/// How long logins are given to leave a quiet moment before the next look for one.
const QUIET: Duration = Duration::from_secs(60);

/// How often credentials are counted.
const COUNT: Duration = Duration::from_secs(60);

/// Deletes what has ended, and does what else an engine needs again and again, until told to stop.
pub(crate) async fn keep_up(engine: Arc<Engine>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = engine.keep_up() => {}
    }
}

/// Finds how many hashes at once get most done on this machine, as soon as logins leave a quiet moment for it. Runs until told
/// to stop.
pub(crate) async fn fit_hashing(
    pool: Arc<HashingPool>,
    passwords: Passwords,
    params: Params,
    stop: CancellationToken,
) {
    loop {
        let (measured, passwords) = (Arc::clone(&pool), passwords.clone());
        let fit = move || passwords.fit(&measured, params);
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

/// Counts the credentials of the store for the metrics until told to stop.
pub(crate) async fn count_credentials(store: Arc<dyn Store>, metrics: Arc<Metrics>, stop: CancellationToken) {
    let show = |kind: CredentialKind, count| metrics.set(&CREDENTIALS, &[kind.as_str()], count);
    let mut shown: BTreeSet<CredentialKind> = CredentialKind::KNOWN.into();
    loop {
        match store.counts().await {
            Ok(counts) => {
                let counts: BTreeMap<_, _> = counts.into_iter().collect();
                shown.extend(counts.keys());
                // Of a kind that is gone there are none, which is a number too.
                shown.iter().for_each(|kind| show(*kind, counts.get(kind).copied().unwrap_or(0)));
            }
            Err(error) => tracing::warn!(cause = error.source(), "credentials can't be counted"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(COUNT) => {}
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
            () = tokio::time::sleep(LOOK) => {}
        }
        needed = engine.mail().has_due().await;
    }
}

#[cfg(test)]
mod tests {
    use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
    use auth_core::{Credential, CredentialId, CredentialStore as _, Scope, Timestamp};

    use super::*;

    fn line(metrics: &Metrics, kind: CredentialKind) -> Option<String> {
        let beginning = format!("auth_server_credentials{{kind=\"{kind}\"}} ");
        metrics.render().lines().find_map(|line| line.strip_prefix(&beginning).map(str::to_owned))
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_are_counted_at_once_and_each_minute_and_an_outage_leaves_the_last_numbers() {
        let realm = RealmBuilder::new("main").build();
        let new = UserBuilder::new("iago").realm(realm.id).new_user(None);
        let own = CredentialKind::new("a-kind-of-its-own");
        let credential = Credential {
            id: CredentialId::from_bytes([7; 16]),
            user: new.user.id,
            kind: own,
            parent: None,
            digest: None,
            sealed: None,
            clear_only: false,
            scope: Scope::default(),
            label: None,
            origin: None,
            created: Timestamp::from_secs(0),
            expires: None,
            last_used: None,
            counter: 0,
        };
        let store = Arc::new(MemoryStore::new().with_realm(realm).with_user(new));
        assert!(store.add(&credential, 9, None).await.unwrap());
        let (metrics, stop) = (Arc::new(Metrics::new()), CancellationToken::new());
        let task =
            tokio::spawn(count_credentials(Arc::clone(&store) as _, Arc::clone(&metrics), stop.clone()));
        let now = async |after| {
            tokio::time::sleep(Duration::from_secs(after)).await;
            [line(&metrics, own), line(&metrics, CredentialKind::WEB_SESSION)]
                .map(|line| line.unwrap_or_default())
        };
        assert_eq!(now(1).await, ["1", "0"]);
        store.remove(credential.id, None).await.unwrap();
        assert_eq!(now(58).await, ["1", "0"], "not counted yet");
        store.set_outage(Some(StoreError::Unavailable("gone".to_owned())));
        assert_eq!(now(2).await, ["1", "0"], "not counted in vain");
        store.set_outage(None);
        assert_eq!(now(60).await, ["0", "0"]);
        stop.cancel();
        task.await.unwrap();
    }
}
