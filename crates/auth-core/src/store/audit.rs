//! The audit log of a store.

use async_trait::async_trait;

use super::{AuditFilter, AuditRow, LogPage, StoreError};
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

    /// A page of the rows that fit a filter. It is found by an index where the filter has a user or a client; else the log is
    /// read in the order of time until the page is full, from `since` to `until` at most.
    ///
    /// A row gets its time before it is written: who follows the log asks for rows `until` some seconds ago, so that none is
    /// passed over.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn audit_rows(&self, filter: &AuditFilter, page: LogPage) -> Result<Vec<AuditRow>, StoreError>;

    /// Deletes rows older than `before`; gives their number. Nothing else ever deletes one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError>;
}
