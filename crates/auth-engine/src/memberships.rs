//! The groups of users, cached for a moment.
//!
//! A membership is no part of a user's record and changes no version, so the credential cache doesn't notice a change of it.
//! What notices is the change counter of the store, compared twice a second: after any change, every entry counts for nothing.
//! When the last comparison began more than a second ago, the cache counts as empty.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Clock, InternalError, Memberships, Store, StoreError, Timestamp, UserId};
use quick_cache::sync::Cache;

/// How long after the beginning of a comparison its result counts.
const FRESH: Duration = Duration::from_secs(1);

/// A read that took longer is not cached: together with the time to the next comparison it would be trusted too long.
const QUICK: Duration = Duration::from_millis(250);

/// The groups of users.
pub(crate) struct MembershipCache {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How long entries are trusted while the store can't be reached, beyond the second that is always granted.
    outage: Duration,
    entries: Cache<UserId, Entry>,
    /// The number of changes that comparisons have found. An entry of an earlier one counts for nothing.
    generation: AtomicU64,
    /// When the last comparison began, in milliseconds.
    compared: AtomicI64,
    /// The change counter that the last comparison found.
    counter: Mutex<Option<u64>>,
}

/// The groups of one user.
#[derive(Clone)]
struct Entry {
    generation: u64,
    groups: Arc<[String]>,
}

impl MembershipCache {
    /// An empty cache for the groups of at most `capacity` users.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        outage: Duration,
        capacity: usize,
    ) -> Self {
        Self {
            store,
            clock,
            outage,
            entries: Cache::new(capacity),
            generation: AtomicU64::new(0),
            compared: AtomicI64::new(i64::MIN),
            counter: Mutex::new(None),
        }
    }

    /// Notices whether the store has changed.
    pub(crate) async fn compare(&self) -> Result<(), StoreError> {
        let began = self.clock.now();
        let counter = self.store.change_counter().await?;
        let mut last = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        // A store without a counter may have changed.
        if counter.is_none() || *last != counter {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        *last = counter;
        self.compared.store(began.as_millis(), Ordering::Release);
        Ok(())
    }

    /// The groups of a user that are trusted now.
    fn get(&self, user: UserId, now: Timestamp, fresh: Duration) -> Option<Arc<[String]>> {
        let compared = Timestamp::from_millis(self.compared.load(Ordering::Acquire));
        // A comparison in the future was before the clock was set back.
        if compared > now || now.since(compared) >= fresh {
            return None;
        }
        let entry = self.entries.get(&user)?;
        (entry.generation == self.generation.load(Ordering::Acquire)).then_some(entry.groups)
    }

    async fn read(&self, user: UserId) -> Result<Arc<[String]>, StoreError> {
        let (began, generation) = (self.clock.now(), self.generation.load(Ordering::Acquire));
        let groups = self.store.groups_of(user).await?;
        let groups: Arc<[String]> = groups.into_iter().map(|group| group.name).collect();
        let now = self.clock.now();
        if began <= now && now.since(began) <= QUICK {
            self.entries.insert(user, Entry { generation, groups: Arc::clone(&groups) });
        }
        Ok(groups)
    }
}

#[async_trait]
impl Memberships for MembershipCache {
    async fn groups_of(&self, user: UserId) -> Result<Arc<[String]>, InternalError> {
        if let Some(groups) = self.get(user, self.clock.now(), FRESH) {
            return Ok(groups);
        }
        match self.read(user).await {
            Ok(groups) => Ok(groups),
            Err(error @ StoreError::Unavailable(_)) => {
                let kept = self.get(user, self.clock.now(), FRESH + self.outage);
                kept.filter(|_| !self.outage.is_zero()).ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Debug for MembershipCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MembershipCache").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}
