//! Stores that are broken on purpose: the battery finds the fault of each, and none where there is none.
#![cfg(test)]

mod store;

use std::sync::Arc;

use auth_store_battery::{Fixture, external_ids, feed, runtime, shared_attempts};
use tokio::task::JoinError;

use self::store::{Broken, Fault};

/// A place for a store with a fault.
macro_rules! place {
    ($name:ident, $fault:expr) => {
        struct $name(Arc<Broken>);

        impl Fixture for $name {
            type Store = Broken;

            fn empty() -> Self {
                Self(Arc::new(Broken::new($fault)))
            }

            async fn open(&self) -> Arc<Broken> {
                Arc::clone(&self.0)
            }
        }
    };
}

place!(Sound, Fault::None);
place!(LyingFeed, Fault::LyingFeed);
place!(LostCounts, Fault::LostCounts);
place!(BlockingImport, Fault::BlockingImport);
place!(KnowsAllProtocols, Fault::KnowsAllProtocols);

/// The behaviours that find the faults, one after the other; how each ended.
async fn behaviours<F: Fixture>() -> [Result<(), JoinError>; 4] {
    let feed = async { feed::the_counter_moves_with_each_change_and_with_nothing_else(&F::empty()).await };
    let counts =
        async { shared_attempts::attempts_are_counted_once_however_many_ask_at_once(&F::empty()).await };
    let import = async { runtime::an_import_leaves_the_runtime_free(&F::empty()).await };
    let protocols = async { external_ids::reads_rows_of_protocols_that_do_not_exist(&F::empty()).await };
    [
        tokio::spawn(feed).await,
        tokio::spawn(counts).await,
        tokio::spawn(import).await,
        tokio::spawn(protocols).await,
    ]
}

/// Which behaviours failed.
async fn failed<F: Fixture>() -> [bool; 4] {
    behaviours::<F>().await.map(|ended| ended.is_err_and(|error| error.is_panic()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_store_passes() {
    assert_eq!(failed::<Sound>().await, [false, false, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_feed_that_lies_is_found() {
    assert_eq!(failed::<LyingFeed>().await, [true, false, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_counts_of_attempts_are_found() {
    assert_eq!(failed::<LostCounts>().await, [false, true, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_blocks_the_runtime_is_found() {
    assert_eq!(failed::<BlockingImport>().await, [false, false, true, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_an_unknown_protocol_for_damage_is_found() {
    assert_eq!(failed::<KnowsAllProtocols>().await, [false, false, false, true]);
}
