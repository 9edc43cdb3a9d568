//! Counts by client or by user, so that none takes what all share.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::ClientKey;

/// How many of something each client has, or each holder of another kind.
#[derive(Debug)]
pub(crate) struct ClientCounts<K: Eq + Hash = ClientKey> {
    most: usize,
    most_in_all: usize,
    counts: Mutex<Counts<K>>,
    refused: AtomicU64,
}

#[derive(Debug)]
struct Counts<K> {
    all: usize,
    by_client: HashMap<K, usize>,
}

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted<K: Eq + Hash = ClientKey> {
    counts: Arc<ClientCounts<K>>,
    client: K,
}

impl<K: Clone + Eq + Hash> ClientCounts<K> {
    /// At most `most` of each client, and `most_in_all` together.
    pub(crate) fn new(most: usize, most_in_all: usize) -> Arc<Self> {
        let counts = Mutex::new(Counts { all: 0, by_client: HashMap::new() });
        Arc::new(Self { most, most_in_all, counts, refused: AtomicU64::new(0) })
    }

    /// Counts one more; `None` when the client has too many, or all together.
    pub(crate) fn admit(self: &Arc<Self>, client: K) -> Option<Counted<K>> {
        let mut counts = self.lock();
        let own = counts.by_client.get(&client).copied().unwrap_or_default();
        if own >= self.most || counts.all >= self.most_in_all {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        counts.all += 1;
        counts.by_client.insert(client.clone(), own + 1);
        Some(Counted { counts: Arc::clone(self), client })
    }
}

impl<K: Eq + Hash> ClientCounts<K> {
    /// How many were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Counts<K>> {
        // Both numbers are changed together: they are sound after a panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        counts.all -= 1;
        match counts.by_client.get_mut(&self.client) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(counts.by_client.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_apart_and_forgotten_when_they_leave() {
        let counts = ClientCounts::new(2, 100);
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let (here, there) = (ClientKey::of(here), ClientKey::of(there));
        let (first, second) = (counts.admit(here).unwrap(), counts.admit(here).unwrap());
        assert!(counts.admit(here).is_none());
        let elsewhere = counts.admit(there).unwrap();
        drop(first);
        let third = counts.admit(here).unwrap();
        assert!(counts.admit(here).is_none());
        assert_eq!(counts.refused(), 2);
        drop((second, third, elsewhere));
        let left = counts.lock();
        assert!(left.by_client.is_empty() && left.all == 0);
    }

    #[test]
    fn all_together_leave_room_for_others() {
        let counts = ClientCounts::new(2, 3);
        let held: Vec<_> = [1, 1, 2, 2, 3].into_iter().map(|client| counts.admit(client)).collect();
        assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, true, false, false]);
        drop(held);
        assert!(counts.admit(3).is_some());
    }
}
