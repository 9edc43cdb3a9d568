//! Limits as a pure state machine: time is an argument, memory is bounded.
//!
//! ```text
//!                    attempts in window < attempts              attempts in window = attempts
//!            ┌──────────────────────────────────┐     ┌──────────────────────────────────────┐
//!            │ OPEN                              │     │ CLOSED                                │
//!  reserve ─▶│ counts the attempt, lets it through   │────▶│ lets nothing through, counts nothing  │
//!            │                                   │◀────│                                       │
//!            └──────────────────────────────────┘     └──────────────────────────────────────┘
//!                give back: the attempt is uncounted           the oldest attempt leaves the window
//! ```
//!
//! An attempt is counted when it is reserved, before anything is known about it; a success gives it back. Refused
//! attempts are not counted, so they never extend a limit, and every limit ends.
//!
//! A clock may be set back. Attempts that then lie in the future, by more than clocks differ, count as made now: none is
//! forgotten, and no limit lasts longer than its window and [`Timestamp::SKEW`].

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::Timestamp;

/// At most `attempts` attempts within `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two plain settings that operators write")]
pub struct Quota {
    /// Attempts that are let through.
    pub attempts: u32,
    /// How long an attempt counts, its last millisecond included.
    pub window: Duration,
}

/// The state of a rate limit after an attempt was counted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the limiter and the protocols' tests build it")]
pub struct RateLimitStatus {
    /// Attempts allowed in a window.
    pub limit: u32,
    /// Attempts left.
    pub remaining: u32,
    /// When the window is over.
    pub reset: Timestamp,
    /// `Some` when the attempt was refused: the time until one is let through.
    pub retry_after: Option<Duration>,
}

/// The counted attempts of one key: a sliding window.
#[derive(Clone, Debug, Default)]
pub struct SlidingWindow {
    attempts: VecDeque<Timestamp>,
}

impl SlidingWindow {
    /// Counts an attempt at `now` if the quota lets it through. If it doesn't, the status carries `retry_after`.
    pub fn reserve(&mut self, quota: Quota, now: Timestamp) -> RateLimitStatus {
        self.turn_to(quota, now);
        let counted = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        if counted >= quota.attempts {
            let free_at = self.attempts.front().copied().unwrap_or(now) + quota.window;
            return RateLimitStatus {
                limit: quota.attempts,
                remaining: 0,
                reset: free_at,
                retry_after: Some(free_at.since(now).max(Duration::from_millis(1))),
            };
        }
        self.attempts.push_back(now);
        RateLimitStatus {
            limit: quota.attempts,
            remaining: quota.attempts - counted - 1,
            reset: now + quota.window,
            retry_after: None,
        }
    }

    /// Counts an attempt at `now` even if the quota refuses it, so that refused attempts extend the limit, as in some
    /// real systems.
    pub fn count(&mut self, quota: Quota, now: Timestamp) {
        self.turn_to(quota, now);
        self.attempts.push_back(now);
        // The newest say how long it stays closed; the others need no memory.
        while self.attempts.len() > quota.attempts as usize {
            self.attempts.pop_front();
        }
    }

    /// Uncounts the attempt reserved at `at`.
    pub fn give_back(&mut self, at: Timestamp) {
        if let Some(index) = self.attempts.iter().rposition(|attempt| *attempt == at) {
            self.attempts.remove(index);
        }
    }

    /// Forgets all attempts.
    pub fn clear(&mut self) {
        self.attempts.clear();
    }

    /// Drops the attempts that have left the window, and has those that lie in the future count as made now.
    fn turn_to(&mut self, quota: Quota, now: Timestamp) {
        for attempt in self.attempts.iter_mut().rev().take_while(|attempt| attempt.is_ahead(now)) {
            *attempt = now;
        }
        while self.attempts.front().is_some_and(|oldest| now.since(*oldest) > quota.window) {
            self.attempts.pop_front();
        }
    }
}

/// A sliding window for each key, for a bounded number of keys. At capacity, idle keys are dropped first, then the key
/// whose last attempt is the oldest.
#[derive(Debug)]
pub struct RateLimiter<K> {
    quota: Quota,
    capacity: usize,
    windows: HashMap<K, SlidingWindow>,
    touched: VecDeque<(Timestamp, K)>,
}

impl<K: Clone + Eq + Hash> RateLimiter<K> {
    /// A limiter for at most `capacity` keys.
    #[must_use]
    pub fn new(quota: Quota, capacity: usize) -> Self {
        Self { quota, capacity: capacity.max(1), windows: HashMap::new(), touched: VecDeque::new() }
    }

    /// Counts an attempt of a key if the quota lets it through.
    pub fn reserve(&mut self, key: &K, now: Timestamp) -> RateLimitStatus {
        if !self.windows.contains_key(key) {
            self.make_room(now);
        }
        let rate_limit = self.windows.entry(key.clone()).or_default().reserve(self.quota, now);
        if rate_limit.retry_after.is_none() {
            self.touch(key, now);
        }
        rate_limit
    }

    /// Counts an attempt of a key even if the quota refuses it: see [`SlidingWindow::count`].
    pub fn count(&mut self, key: &K, now: Timestamp) {
        if !self.windows.contains_key(key) {
            self.make_room(now);
        }
        self.windows.entry(key.clone()).or_default().count(self.quota, now);
        self.touch(key, now);
    }

    /// Uncounts the attempt of a key that was reserved at `at`.
    pub fn give_back(&mut self, key: &K, at: Timestamp) {
        if let Some(window) = self.windows.get_mut(key) {
            window.give_back(at);
            if window.attempts.is_empty() {
                self.windows.remove(key);
            }
        }
    }

    /// Whether the quota would refuse a key's next attempt. Nothing is counted.
    pub fn is_closed(&mut self, key: &K, now: Timestamp) -> bool {
        self.windows.get_mut(key).is_some_and(|window| {
            window.turn_to(self.quota, now);
            window.attempts.len() >= self.quota.attempts as usize
        })
    }

    /// When the oldest counted attempt of a key leaves the window.
    #[must_use]
    pub fn frees_at(&self, key: &K) -> Option<Timestamp> {
        Some(*self.windows.get(key)?.attempts.front()? + self.quota.window)
    }

    /// The keys whose next attempt the quota would refuse, in no order, each with the moment from which on it lets one through.
    pub fn closed(&mut self, now: Timestamp) -> Vec<(K, Timestamp)> {
        let quota = self.quota;
        let closed = self.windows.iter_mut().filter_map(|(key, window)| {
            window.turn_to(quota, now);
            let is_closed = window.attempts.len() >= quota.attempts as usize;
            let oldest = window.attempts.front().copied().filter(|_| is_closed)?;
            Some((key.clone(), oldest + quota.window))
        });
        closed.collect()
    }

    /// Forgets all attempts of the keys that are meant; gives the number of keys.
    pub fn clear_where(&mut self, mut is_meant: impl FnMut(&K) -> bool) -> usize {
        let before = self.windows.len();
        self.windows.retain(|key, _| !is_meant(key));
        before - self.windows.len()
    }

    /// Forgets all attempts of a key.
    pub fn clear(&mut self, key: &K) {
        self.windows.remove(key);
    }

    /// The number of keys with counted attempts; never more than the capacity.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether no key has counted attempts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Drops what is idle from the oldest touch on; then, while there is no room, the oldest key.
    fn make_room(&mut self, now: Timestamp) {
        while let Some((at, key)) = self.touched.front() {
            let over = now.since(*at) > self.quota.window;
            if !over && self.windows.len() < self.capacity {
                break;
            }
            // A key touched again later is dropped at its last touch.
            let last = self.windows.get(key).and_then(|window| window.attempts.back());
            if last.is_none_or(|last| last <= at) {
                self.windows.remove(key);
            }
            self.touched.pop_front();
        }
        // A key without a touch of its own: one whose newest attempt, by a clock that was set back a little, was given back.
        if self.windows.len() >= self.capacity {
            self.list_touches();
            while self.windows.len() >= self.capacity
                && let Some((_, key)) = self.touched.pop_front()
            {
                self.windows.remove(&key);
            }
        }
    }

    fn touch(&mut self, key: &K, now: Timestamp) {
        self.touched.push_back((now, key.clone()));
        self.compact();
    }

    /// Keeps the list of touches in proportion to the keys.
    fn compact(&mut self) {
        let most = (self.quota.attempts as usize).saturating_add(1).saturating_mul(self.capacity).max(64);
        if self.touched.len() > most.min(self.windows.len().saturating_mul(4).max(64)) {
            self.list_touches();
        }
    }

    /// Lists the last touch of each key: of what there is, since a newest attempt that was given back leaves an older one. A key
    /// without attempts, all of which have left the window, is dropped: nothing could list it.
    fn list_touches(&mut self) {
        self.windows.retain(|_, window| !window.attempts.is_empty());
        let last = |(key, window): (&K, &SlidingWindow)| Some((*window.attempts.back()?, key.clone()));
        let mut touched: Vec<_> = self.windows.iter().filter_map(last).collect();
        touched.sort_by_key(|(at, _)| *at);
        self.touched = touched.into();
    }
}

#[cfg(test)]
mod tests;
