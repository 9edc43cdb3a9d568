//! The audit log of a store.

use async_trait::async_trait;

use super::StoreError;
use crate::{AuditRecord, Timestamp};

/// Keeps the audit log. Commands that change an account, a realm or a key take the row of the act along and write it in the
/// same transaction: the act and its row are there both, or neither is. A command that changes nothing writes no row.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Writes the row of an act that is done outside of the store.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn write_audit(&self, record: &AuditRecord) -> Result<(), StoreError>;

    /// Up to `limit` rows, newest first; those that come behind `after`, where it is given. Of rows of one moment, the one
    /// that was written last comes first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn audit_rows(&self, after: Option<&AuditRow>, limit: u32) -> Result<Vec<AuditRow>, StoreError>;

    /// Deletes rows older than `before`; gives their number. Nothing else ever deletes one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// A row of the audit log, and its place there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct AuditRow {
    /// The store's number of the row: later rows have higher ones.
    pub number: i64,
    /// What the row says.
    pub record: AuditRecord,
}
