//! What may be used once.

use async_trait::async_trait;

use crate::{Digest, StoreError, Timestamp};

/// Remembers what was used up, such as sealed texts that no row stands for.
#[async_trait]
pub trait SpentStore: Send + Sync {
    /// Remembers a digest until a moment; `false` when it is remembered already. Of two calls with one digest one gets `true`.
    ///
    /// # Errors
    /// See [`StoreError`]. After [`StoreError::OutcomeUnknown`] the digest may be remembered.
    async fn spend(&self, digest: &Digest, until: Timestamp) -> Result<bool, StoreError>;

    /// Forgets the digests that were to be remembered until before `now`; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_spent(&self, now: Timestamp) -> Result<u64, StoreError>;
}
