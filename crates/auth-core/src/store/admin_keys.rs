//! Keys for administration.

use async_trait::async_trait;

use super::StoreError;
use crate::{AdminKeyId, AuditRecord, Digest, RealmId, Timestamp};

/// Keeps the keys by which programs administer a server. What a key may do, and whether it has ended, is for its reader to say.
#[async_trait]
pub trait AdminKeyStore: Send + Sync {
    /// All keys by name, also those that have ended.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn admin_keys(&self) -> Result<Vec<AdminKey>, StoreError>;

    /// The key whose secret has that digest.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn admin_key(&self, digest: &Digest) -> Result<Option<AdminKey>, StoreError>;

    /// Adds a key.
    ///
    /// # Errors
    /// [`Conflict::AdminKey`](super::Conflict::AdminKey) when another key has its name or its digest, and
    /// [`StoreError::Missing`] when there is no such realm. See [`StoreError`].
    async fn add_admin_key(&self, key: &AdminKey, audit: Option<&AuditRecord>) -> Result<(), StoreError>;

    /// Removes a key; `false` when there is no such key.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove_admin_key(&self, id: AdminKeyId, audit: Option<&AuditRecord>)
    -> Result<bool, StoreError>;

    /// Writes when keys were last used, where that is later than what is written. Keys that are gone are passed over.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_admin_keys_used(&self, uses: &[(AdminKeyId, Timestamp)]) -> Result<(), StoreError>;

    /// Deletes the keys that ended before a moment; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_admin_keys(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// A key for administration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: commands build it field by field")]
pub struct AdminKey {
    /// The key's identifier.
    pub id: AdminKeyId,
    /// The name. No other key has it.
    pub name: String,
    /// The digest of the secret.
    pub digest: Digest,
    /// What the key may do, in a word.
    pub scope: String,
    /// The realm for which it may do that, and with which it ends; `None` for all.
    pub realm: Option<RealmId>,
    /// When it was made.
    pub made: Timestamp,
    /// From this moment on it is refused; `None` for never.
    pub ends: Option<Timestamp>,
    /// When it was last used, as far as that was written.
    pub last_used: Option<Timestamp>,
}
