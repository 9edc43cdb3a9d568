//! A limiter that may be switched off.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use auth_core::{Quota, RateLimitStatus, RateLimiter, Timestamp};

/// Keys held per limiter. A key with its attempts takes some 300 bytes: full, a limiter stays below 20 MiB.
pub(super) const CAPACITY: usize = 65_536;

/// A limit that may be switched off.
#[derive(Debug)]
pub(super) struct OptionalLimiter<K> {
    quota: Option<Quota>,
    limiter: Option<Mutex<RateLimiter<K>>>,
}

impl<K: Clone + Eq + Hash> OptionalLimiter<K> {
    pub(super) fn new(quota: Option<Quota>) -> Self {
        Self::with_capacity(quota, CAPACITY)
    }

    /// A limit for so many keys at a time.
    pub(super) fn with_capacity(quota: Option<Quota>, capacity: usize) -> Self {
        Self { quota, limiter: quota.map(|quota| Mutex::new(RateLimiter::new(quota, capacity))) }
    }

    /// The quota, where the limit is on.
    pub(super) fn quota(&self) -> Option<Quota> {
        self.quota
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut RateLimiter<K>) -> T) -> Option<T> {
        // A panic while counting leaves counts that are still sound.
        self.limiter.as_ref().map(|limiter| act(&mut limiter.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(super) fn reserve(&self, key: &K, now: Timestamp) -> Option<RateLimitStatus> {
        self.with(|limiter| limiter.reserve(key, now))
    }

    pub(super) fn count(&self, key: &K, now: Timestamp) {
        self.with(|limiter| limiter.count(key, now));
    }

    pub(super) fn give_back(&self, key: &K, at: Timestamp) {
        self.with(|limiter| limiter.give_back(key, at));
    }

    pub(super) fn clear(&self, key: &K) {
        self.with(|limiter| limiter.clear(key));
    }
}
