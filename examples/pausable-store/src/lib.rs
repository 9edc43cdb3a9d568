//! A store of one's own: it stands around another store, and can be paused.
//!
//! While a [`PausableStore`] is paused, records are read and none is changed. So the database behind it can be copied or
//! moved in the meantime: sessions, keys and tokens that were given before go on, and whatever would write is refused as
//! unavailable, which clients are told as 503. The log of attempts is held back in memory, and written afterwards.
//!
//! ```
//! use std::sync::Arc;
//! use pausable_store::PausableStore;
//! use auth_store::Sqlite;
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Sqlite::open(std::path::Path::new("accounts.db"))?;
//! let store = Arc::new(PausableStore::new(Arc::new(store)));
//! // let engine = Engine::builder(store.clone()).open().await?;
//! store.pause();
//! // … `cp accounts.db accounts.db-wal elsewhere/` …
//! store.resume();
//! # Ok(())
//! # }
//! ```
//!
//! # A store of your own
//!
//! A [`Store`] is whatever implements the traits that it is made of. Each method is a whole command: what it has acknowledged is
//! durable, and "not there" is no error. [`forward_store!`] implements all of them for a store around another. A store of rows of your
//! own implements each trait by hand, and answers in place of handing on; `tests/store.rs` runs the battery of this project against
//! this store, and will against yours: the battery is the contract.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{AttemptRecord, Store, StoreError, forward_store};

/// The most attempts that are held back while the store is paused. Further ones are lost.
const MOST_HELD: usize = 100_000;

/// A store around another, whose changes can be paused.
pub struct PausableStore {
    inner: Arc<dyn Store>,
    is_paused: AtomicBool,
    held: Mutex<Vec<AttemptRecord>>,
}

impl PausableStore {
    /// Puts a store around another.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, is_paused: AtomicBool::new(false), held: Mutex::default() }
    }

    /// Refuses changes from now on. Those that have begun go on to their end.
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Release);
    }

    /// Takes changes again, and writes the attempts that were held back.
    pub fn resume(&self) {
        let mut held = self.held();
        self.is_paused.store(false, Ordering::Release);
        for attempt in held.drain(..) {
            self.inner.record(attempt);
        }
    }

    fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    fn held(&self) -> MutexGuard<'_, Vec<AttemptRecord>> {
        // A list is sound after a panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an attempt, or holds it back.
    fn record_or_hold(&self, attempt: AttemptRecord) {
        // Asked under the lock, so that no attempt is held back once the store goes on.
        let mut held = self.held();
        if !self.is_paused() {
            drop(held);
            self.inner.record(attempt);
        } else if held.len() < MOST_HELD {
            held.push(attempt);
        }
    }

    /// Lets a change pass.
    fn check(&self) -> Result<(), StoreError> {
        if self.is_paused() { Err(StoreError::Unavailable("changes are paused".into())) } else { Ok(()) }
    }
}

impl Drop for PausableStore {
    /// Writes the attempts that were held back.
    fn drop(&mut self) {
        self.resume();
    }
}

impl fmt::Debug for PausableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PausableStore").field("is_paused", &self.is_paused()).finish_non_exhaustive()
    }
}

/// What each command of the store does: one that reads is handed on, and one that writes is while the store isn't paused.
macro_rules! answer {
    (at_once record($self:ident, $attempt:ident)) => {
        $self.record_or_hold($attempt)
    };
    (at_once $name:ident($self:ident, $arg:ident)) => {
        $self.inner.$name($arg)
    };
    (reads $name:ident($self:ident $(, $arg:ident)*)) => {
        $self.inner.$name($($arg),*).await
    };
    (writes import($self:ident $(, $arg:ident)*)) => {{
        $self.check().map_err(|error| ImportError { record: None, error: Some(error) })?;
        $self.inner.import($($arg),*).await
    }};
    (writes $name:ident($self:ident $(, $arg:ident)*)) => {{
        $self.check()?;
        $self.inner.$name($($arg),*).await
    }};
}

forward_store!(PausableStore, answer);
