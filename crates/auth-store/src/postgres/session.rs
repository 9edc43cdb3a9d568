//! Commands on a connection: tried again where that does no harm, ended when they take too long.

use std::time::Duration;

use deadpool_postgres::Object;

use super::Postgres;
use super::failure::{Failure, Result};

/// How often transactions may get in each other's way.
const CONFLICTS: u32 = 12;

/// How often a command may find its server gone.
const LOSSES: u32 = 4;

/// The first pause before a command is tried again; each is up to twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(4);

/// Runs `$attempt`, and again while that may help.
macro_rules! again {
    ($store:ident, $attempt:expr) => {{
        let mut tries = $store.tries();
        loop {
            match $attempt {
                Err(failure) if tries.again(&failure).await => {}
                done => break done,
            }
        }
    }};
}

/// Runs `$work`, which only reads, on a connection `$client`. What fails is told by `$told`, where it is given.
macro_rules! read {
    ($store:expr, |$client:ident| $work:expr $(, $told:expr)?) => {{
        let store: &$crate::postgres::Postgres = $store;
        $crate::postgres::session::again!(
            store,
            match store.client().await {
                Ok(object) => {
                    let $client = &object;
                    let done = tokio::time::timeout(store.limit, async { $work }).await;
                    $crate::postgres::session::finish(object, done)$(.map_err($told))?
                }
                Err(failure) => Err(failure),
            }
        )
    }};
}

/// Runs `$work`, a single statement that writes, on a connection `$client`.
macro_rules! write_once {
    ($store:expr, |$client:ident| $work:expr) => {
        $crate::postgres::session::read!($store, |$client| $work, Failure::of_commit)
    };
}

/// Runs `$work` between the beginning and the commit of a transaction; what fails leaves nothing behind.
macro_rules! transact {
    ($store:expr, |$transaction:ident| $work:expr) => {{
        let store: &$crate::postgres::Postgres = $store;
        $crate::postgres::session::again!(store, {
            let mut committing = false;
            let done = match store.client().await {
                Ok(mut object) => {
                    let done = tokio::time::timeout(store.limit, async {
                        let mut begun = object.transaction().await?;
                        let $transaction = &mut begun;
                        let done: $crate::postgres::failure::Result<_> = async { $work }.await;
                        match done {
                            Ok(value) => {
                                committing = true;
                                begun.commit().await?;
                                Ok(value)
                            }
                            Err(failure) => {
                                // If not even that is possible, the connection's end undoes it.
                                let _ = begun.rollback().await;
                                Err(failure)
                            }
                        }
                    })
                    .await;
                    $crate::postgres::session::finish(object, done)
                }
                Err(failure) => Err(failure),
            };
            if committing { done.map_err(Failure::of_commit) } else { done }
        })
    }};
}

pub(super) use {again, read, transact, write_once};

/// Gives a connection back, or closes it if it is of no more use.
pub(super) fn finish<T, E>(object: Object, done: std::result::Result<Result<T>, E>) -> Result<T> {
    let done = done.unwrap_or(Err(Failure::Late));
    if let Err(failure) = &done
        && failure.spoils()
    {
        // Whatever it is still busy with ends with it.
        drop(Object::take(object));
    }
    done
}

/// The tries that a command has.
pub(super) struct Tries<'s> {
    store: &'s Postgres,
    conflicts: u32,
    losses: u32,
}

impl Postgres {
    pub(super) fn tries(&self) -> Tries<'_> {
        Tries { store: self, conflicts: 0, losses: 0 }
    }

    pub(super) async fn client(&self) -> Result<Object> {
        Ok(self.pool.get().await?)
    }
}

impl Tries<'_> {
    /// Whether to try again; comes back when it is time to.
    pub(super) async fn again(&mut self, failure: &Failure) -> bool {
        if !failure.may_pass() {
            return false;
        }
        let (count, most) =
            if failure.is_conflict() { (&mut self.conflicts, CONFLICTS) } else { (&mut self.losses, LOSSES) };
        *count += 1;
        let count = *count;
        if count > most {
            return false;
        }
        // Somewhere between the whole pause and half of it, so that those who met don't meet again.
        let mut random = [0];
        self.store.rng.fill(&mut random);
        let pause = PAUSE * 2_u32.pow(count.min(6));
        tokio::time::sleep(pause.mul_f64(0.5 + f64::from(random[0]) / 512.0)).await;
        true
    }
}
