//! What servers that share a store need: notice of each other's changes, and one count of attempts.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Digest, Quota, StoreError, Timestamp, UserId};

/// Tells caches which users have changed.
///
/// [`ChangeFeed::versions`] is authoritative. A [`ChangeListener`] hears of changes sooner, but may miss those made
/// elsewhere.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// A number that differs after any change of the store; `None` from a store that can't tell without looking at every
    /// record. Numbers of different openings can't be compared.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn change_counter(&self) -> Result<Option<u64>, StoreError>;

    /// The users that are there, each with the version of its record, in no order.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn versions(&self, users: &[UserId]) -> Result<Vec<(UserId, u64)>, StoreError>;

    /// Registers a listener, which is called until it is dropped: before a change made through this store is
    /// acknowledged, and when the store learns of a change made elsewhere.
    fn listen(&self, listener: Weak<dyn ChangeListener>);
}

/// Hears which users' records have changed.
pub trait ChangeListener: Send + Sync {
    /// A user has changed, or is gone.
    fn changed(&self, user: UserId);

    /// What was counted of an account was forgotten, perhaps by another server.
    fn limits_lifted(&self, _user: UserId) {}
}

/// Counts attempts for all servers that share a store. By default nothing is counted: a store of a single server needs
/// no count beside the server's own.
#[async_trait]
pub trait SharedAttempts: Send + Sync {
    /// Counts an attempt at a counter if its quota lets it through, in one step across all servers; else gives the time
    /// until one is let through. Attempts that lie in the future, by more than clocks differ, count as made now: see
    /// [`Timestamp::counted_at`]. A repeated command may count twice.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn reserve_attempt(
        &self,
        _counter: &SharedCounter,
        _now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        Ok(None)
    }

    /// Uncounts the attempt that was reserved at `at`.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn give_back_attempt(&self, _key: &Digest, _at: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    /// Forgets the keys whose last attempt is older than `before`; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_shared_attempts(&self, _before: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Up to `limit` counters that let nothing through at `now`: those that will do so first come first, from the first
    /// behind `after` on, which is when a counter lets through again, and its key.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn full_counters(
        &self,
        _now: Timestamp,
        _after: Option<(Timestamp, Digest)>,
        _limit: u32,
    ) -> Result<Vec<FullCounter>, StoreError> {
        Ok(Vec::new())
    }

    /// Forgets all that was counted of an account, and tells the listeners; gives the number of its counters.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_counters_of(&self, _user: UserId) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Forgets all that was counted at a counter; `false` when there was nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_counter(&self, _key: &Digest) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// A counter of attempts that the servers of a store have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it, stores take it apart")]
pub struct SharedCounter {
    /// A digest of whom it counts.
    pub key: Digest,
    /// Whom it counts, for people to read: at most 200 bytes, and never what was typed.
    pub label: String,
    /// The account that it counts; `None` where it counts a client, or a name of which no account is known.
    pub user: Option<UserId>,
    /// What it lets through.
    pub quota: Quota,
}

/// A counter that lets nothing through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct FullCounter {
    /// The counter, as it was when it last counted an attempt.
    pub counter: SharedCounter,
    /// Until when it lets nothing through.
    pub until: Timestamp,
}
