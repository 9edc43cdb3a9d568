//! The audit log.

use async_trait::async_trait;

use super::MemoryStore;
use super::state::paged;
use crate::{AuditFilter, AuditRecord, AuditRow, AuditStore, LogPage, StoreError, Timestamp};

#[async_trait]
impl AuditStore for MemoryStore {
    async fn write_audit(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.change(|state| {
            state.audit(Some(record));
            Ok(())
        })
    }

    async fn audit_rows(&self, filter: &AuditFilter, page: LogPage) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|state| {
            let fitting = state.audit.iter().filter(|row| filter.fits(&row.record));
            paged(fitting.cloned().map(|row| (row.place, row)), page)
        })
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let all = state.audit.len();
            state.audit.retain(|row| row.record.at >= before);
            Ok(u64::try_from(all - state.audit.len()).unwrap_or(u64::MAX))
        })
    }
}
