//! Counts by client, so that no client takes what all share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::ClientKey;

/// How many of something each client has.
#[derive(Debug)]
pub(crate) struct ClientCounts {
    most: usize,
    counts: Mutex<HashMap<ClientKey, usize>>,
    refused: AtomicU64,
}

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    counts: Arc<ClientCounts>,
    client: ClientKey,
}

impl ClientCounts {
    /// At most `most` of each client.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default(), refused: AtomicU64::new(0) })
    }

    /// Counts one more; `None` when the client has too many.
    pub(crate) fn admit(self: &Arc<Self>, client: ClientKey) -> Option<Counted> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *count += 1;
        Some(Counted { counts: Arc::clone(self), client })
    }

    /// How many were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_apart_and_forgotten_when_they_leave() {
        let counts = ClientCounts::new(2);
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
        assert!(counts.counts.lock().unwrap().is_empty());
    }
}
