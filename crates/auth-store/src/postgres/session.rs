//! Commands on a connection of the pool: limited in time, and repeated where that does no harm.

use std::time::Duration;

use deadpool_postgres::Object;

use super::Postgres;
use super::error::{CommandError, Result};

/// How often a command is repeated after a conflict between transactions.
const CONFLICTS: u32 = 12;

/// How often a command is repeated after it found its server gone.
const LOSSES: u32 = 4;

/// The pause before the first repetition; each is up to twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(4);

/// Runs `$attempt`, and repeats it while that may help.
macro_rules! repeat {
    ($store:ident, $attempt:expr) => {{
        let mut repetition = $store.repetition();
        loop {
            match $attempt {
                Err(error) if repetition.helps(&error).await => {}
                done => break done,
            }
        }
    }};
}

/// Runs `$work`, which only reads, on a connection `$client`. Errors go through `$map_error`, where it is given.
macro_rules! read {
    ($store:expr, |$client:ident| $work:expr $(, $map_error:expr)?) => {{
        let store: &$crate::postgres::Postgres = $store;
        $crate::postgres::session::repeat!(
            store,
            match store.client().await {
                Ok(object) => {
                    let $client = &object;
                    let done = tokio::time::timeout(store.limit, async { $work }).await;
                    $crate::postgres::session::finish(object, done)$(.map_err($map_error))?
                }
                Err(error) => Err(error),
            }
        )
    }};
}

/// Runs `$work`, a single statement that writes, on a connection `$client`.
macro_rules! write_once {
    ($store:expr, |$client:ident| $work:expr) => {
        $crate::postgres::session::read!(
            $store,
            |$client| $work,
            $crate::postgres::error::CommandError::during_commit
        )
    };
}

/// Runs `$work` in a transaction and commits it; a command that fails leaves nothing behind.
macro_rules! transact {
    ($store:expr, |$transaction:ident| $work:expr) => {{
        let store: &$crate::postgres::Postgres = $store;
        $crate::postgres::session::repeat!(store, {
            let mut committing = false;
            let done = match store.client().await {
                Ok(mut object) => {
                    let done = tokio::time::timeout(store.limit, async {
                        let mut begun = object.transaction().await?;
                        let $transaction = &mut begun;
                        let done: $crate::postgres::error::Result<_> = async { $work }.await;
                        match done {
                            Ok(value) => {
                                committing = true;
                                begun.commit().await?;
                                Ok(value)
                            }
                            Err(error) => {
                                // Where even that fails, the end of the connection rolls back.
                                let _ = begun.rollback().await;
                                Err(error)
                            }
                        }
                    })
                    .await;
                    $crate::postgres::session::finish(object, done)
                }
                Err(error) => Err(error),
            };
            if committing { done.map_err($crate::postgres::error::CommandError::during_commit) } else { done }
        })
    }};
}

pub(super) use {read, repeat, transact, write_once};

/// Gives a connection back to the pool, or closes it if it is of no more use.
pub(super) fn finish<T, E>(object: Object, done: std::result::Result<Result<T>, E>) -> Result<T> {
    let done = done.unwrap_or(Err(CommandError::TimedOut));
    if let Err(error) = &done
        && error.breaks_connection()
    {
        // A statement that still runs on it is cancelled with it.
        drop(Object::take(object));
    }
    done
}

/// The repetitions of one command.
pub(super) struct Repetition<'s> {
    store: &'s Postgres,
    conflicts: u32,
    losses: u32,
}

impl Postgres {
    pub(super) fn repetition(&self) -> Repetition<'_> {
        Repetition { store: self, conflicts: 0, losses: 0 }
    }

    /// A connection of the pool.
    pub(super) async fn client(&self) -> Result<Object> {
        Ok(self.pool.get().await?)
    }
}

impl Repetition<'_> {
    /// Whether to repeat the command after this error; returns when it is time to.
    pub(super) async fn helps(&mut self, error: &CommandError) -> bool {
        if !error.is_transient() {
            return false;
        }
        let (count, most) =
            if error.is_conflict() { (&mut self.conflicts, CONFLICTS) } else { (&mut self.losses, LOSSES) };
        *count += 1;
        let count = *count;
        if count > most {
            return false;
        }
        // Between half of the pause and the whole, so that those that conflicted don't meet again.
        let mut random = [0];
        self.store.rng.fill(&mut random);
        let pause = PAUSE * 2_u32.pow(count.min(6));
        tokio::time::sleep(pause.mul_f64(0.5 + f64::from(random[0]) / 512.0)).await;
        true
    }
}
