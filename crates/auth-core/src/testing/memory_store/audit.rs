//! The audit log.

use std::cmp::Reverse;

use async_trait::async_trait;

use super::MemoryStore;
use crate::{AuditRecord, AuditRow, AuditStore, StoreError, Timestamp};

#[async_trait]
impl AuditStore for MemoryStore {
    async fn write_audit(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.change(|state| {
            state.audit(Some(record));
            Ok(())
        })
    }

    async fn audit_rows(&self, after: Option<&AuditRow>, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let place = |row: &AuditRow| (row.record.at, row.number);
        self.read(|state| {
            let rows = state.audit.iter().filter(|row| after.is_none_or(|after| place(row) < place(after)));
            let mut rows: Vec<AuditRow> = rows.cloned().collect();
            rows.sort_by_key(|row| Reverse(place(row)));
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            rows
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
