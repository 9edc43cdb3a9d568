//! Sockets on which no user is signed in: few for each client, and none for ever.
//!
//! A new socket is always let in, so that a good token can be resumed on it. Beyond the limit of its client it takes the
//! place of the client's oldest.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::ClientKey;
use tokio_util::sync::CancellationToken;

/// The anonymous sockets of each client.
#[derive(Debug)]
pub(crate) struct AnonymousSockets {
    most: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// By client, the oldest first.
    sockets: HashMap<ClientKey, VecDeque<(u64, CancellationToken)>>,
}

/// The place of an anonymous socket, until it is dropped.
#[derive(Debug)]
pub(super) struct AnonymousPlace {
    of: Arc<AnonymousSockets>,
    client: ClientKey,
    number: u64,
    displaced: CancellationToken,
}

impl AnonymousSockets {
    /// At most `most` sockets of each client, and at least one.
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most: (most as usize).max(1), table: Mutex::default() })
    }

    /// Gives a socket a place. The client's oldest sockets beyond the limit are displaced.
    pub(super) fn enter(self: &Arc<Self>, client: ClientKey) -> AnonymousPlace {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let number = table.next;
        table.next += 1;
        let displaced = CancellationToken::new();
        let own = table.sockets.entry(client).or_default();
        own.push_back((number, displaced.clone()));
        while own.len() > self.most {
            if let Some((_, oldest)) = own.pop_front() {
                oldest.cancel();
            }
        }
        AnonymousPlace { of: Arc::clone(self), client, number, displaced }
    }
}

impl AnonymousPlace {
    /// Waits until another socket takes the place.
    pub(super) async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for AnonymousPlace {
    fn drop(&mut self) {
        let mut table = self.of.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = table.sockets.get_mut(&self.client) else { return };
        own.retain(|(number, _)| *number != self.number);
        if own.is_empty() {
            table.sockets.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn newest_sockets_of_a_client_stay_and_the_oldest_is_displaced() {
        let sockets = AnonymousSockets::new(2);
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let (here, there) = (ClientKey::of(here), ClientKey::of(there));
        let is_displaced = |place: &AnonymousPlace| place.displaced().now_or_never().is_some();
        let (first, second) = (sockets.enter(here), sockets.enter(here));
        let elsewhere = sockets.enter(there);
        assert!(!is_displaced(&first));
        let third = sockets.enter(here);
        assert!(is_displaced(&first));
        assert!(!is_displaced(&second) && !is_displaced(&third) && !is_displaced(&elsewhere));
        drop(second);
        let fourth = sockets.enter(here);
        assert!(!is_displaced(&third) && !is_displaced(&fourth));
        drop((first, third, fourth, elsewhere));
        assert!(sockets.table.lock().unwrap().sockets.is_empty());
    }
}
