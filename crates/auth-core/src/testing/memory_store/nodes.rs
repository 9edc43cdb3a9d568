//! Versions of users, and attempts that servers count together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;

use super::state::Counted;
use super::{MemoryStore, lock};
use crate::{
    ChangeFeed, ChangeListener, Digest, FullCounter, Quota, SharedAttempts, SharedCounter, SpentStore,
    StoreError, Timestamp, UserId,
};

#[async_trait]
impl ChangeFeed for MemoryStore {
    async fn change_counter(&self) -> Result<Option<u64>, StoreError> {
        self.read(|state| Some(state.changes))
    }

    async fn versions(&self, users: &[UserId]) -> Result<Vec<(UserId, u64)>, StoreError> {
        self.read(|state| {
            let there = users.iter().filter_map(|user| state.users.get(user));
            there.map(|record| (record.user.id, record.user.version)).collect()
        })
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        lock(&self.listeners).push(listener);
    }
}

#[async_trait]
impl SharedAttempts for MemoryStore {
    async fn reserve_attempt(
        &self,
        counter: &SharedCounter,
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        let quota = counter.quota;
        self.change(|state| {
            let new =
                || Counted { counter: counter.clone(), attempts: Vec::new(), last: Timestamp::default() };
            let counted = state.counted.entry(*counter.key.as_bytes()).or_insert_with(new);
            let first = now - quota.window;
            for attempt in &mut counted.attempts {
                *attempt = attempt.counted_at(now);
            }
            let in_window = counted.attempts.iter().filter(|at| **at >= first);
            if in_window.clone().count() < usize::try_from(quota.attempts).unwrap_or(usize::MAX) {
                counted.attempts.retain(|at| *at >= first);
                counted.attempts.push(now);
                counted.counter = counter.clone();
                counted.last = now.max(counted.last);
                return Ok(None);
            }
            let free_at = in_window.min().map_or(now, |oldest| *oldest + quota.window);
            Ok(Some(free_at.since(now).max(Duration::from_millis(1))))
        })
    }

    async fn give_back_attempt(&self, key: &Digest, at: Timestamp) -> Result<(), StoreError> {
        self.change(|state| {
            if let Some(counted) = state.counted.get_mut(key.as_bytes())
                && let Some(index) = counted.attempts.iter().position(|counted| *counted == at)
            {
                counted.attempts.remove(index);
            }
            Ok(())
        })
    }

    async fn forget_shared_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let all = state.counted.len();
            state.counted.retain(|_, counted| counted.last >= before);
            Ok(u64::try_from(all - state.counted.len()).unwrap_or(u64::MAX))
        })
    }

    async fn full_counters(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, Digest)>,
        limit: u32,
    ) -> Result<Vec<FullCounter>, StoreError> {
        let after = after.map(|(until, key)| (until, *key.as_bytes()));
        self.read(|state| {
            let full = state.counted.iter().filter_map(|(key, counted)| {
                let until = counted.full_until(now)?;
                Some(((until, *key), FullCounter { counter: counted.counter.clone(), until }))
            });
            let full: BTreeMap<_, _> =
                full.filter(|(place, _)| after.is_none_or(|after| *place > after)).collect();
            full.into_values().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
        })
    }

    async fn forget_counters_of(&self, user: UserId) -> Result<u64, StoreError> {
        let count = self.change(|state| {
            let all = state.counted.len();
            state.counted.retain(|_, counted| counted.counter.user != Some(user));
            Ok(u64::try_from(all - state.counted.len()).unwrap_or(u64::MAX))
        })?;
        for listener in self.listening() {
            listener.limits_lifted(user);
        }
        Ok(count)
    }

    async fn forget_counter(&self, key: &Digest) -> Result<bool, StoreError> {
        self.change(|state| Ok(state.counted.remove(key.as_bytes()).is_some()))
    }
}

impl Counted {
    /// Until when nothing is let through; `None` where something is.
    fn full_until(&self, now: Timestamp) -> Option<Timestamp> {
        let Quota { attempts: most, window } = self.counter.quota;
        let mut counted = self.attempts.clone();
        counted.sort_unstable();
        let first = counted.len().checked_sub(usize::try_from(most).unwrap_or(usize::MAX))?;
        counted.get(first).map(|first| *first + window).filter(|until| *until >= now)
    }
}

#[async_trait]
impl SpentStore for MemoryStore {
    async fn spend(&self, digest: &Digest, until: Timestamp) -> Result<bool, StoreError> {
        self.change(|state| match state.spent.entry(*digest.as_bytes()) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(until);
                Ok(true)
            }
        })
    }

    async fn forget_spent(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let before = state.spent.len();
            state.spent.retain(|_, until| *until >= now);
            Ok(u64::try_from(before - state.spent.len()).unwrap_or_default())
        })
    }
}
