//! Keys for administration.

use async_trait::async_trait;

use super::MemoryStore;
use crate::{AdminKey, AdminKeyId, AdminKeyStore, AuditRecord, Conflict, Digest, StoreError, Timestamp};

#[async_trait]
impl AdminKeyStore for MemoryStore {
    async fn admin_keys(&self) -> Result<Vec<AdminKey>, StoreError> {
        self.read(|state| {
            let mut keys = state.admin_keys.clone();
            keys.sort_by(|one, other| one.name.cmp(&other.name));
            keys
        })
    }

    async fn admin_key(&self, digest: &Digest) -> Result<Option<AdminKey>, StoreError> {
        self.read(|state| state.admin_keys.iter().find(|key| key.digest == *digest).cloned())
    }

    async fn add_admin_key(&self, key: &AdminKey, audit: Option<&AuditRecord>) -> Result<(), StoreError> {
        let added = self.act_apart(audit, |state| {
            // A caller that repeats the command finds its own key.
            if state.admin_keys.iter().any(|own| own.id == key.id) {
                return Ok(false);
            }
            if key.realm.is_some_and(|realm| !state.realms.contains_key(&realm)) {
                return Err(StoreError::Missing("realm"));
            }
            if state.admin_keys.iter().any(|other| other.name == key.name || other.digest == key.digest) {
                return Err(StoreError::Conflict(Conflict::AdminKey));
            }
            state.admin_keys.push(key.clone());
            Ok(true)
        });
        added.map(drop)
    }

    async fn remove_admin_key(
        &self,
        id: AdminKeyId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act_apart(audit, |state| {
            let before = state.admin_keys.len();
            state.admin_keys.retain(|key| key.id != id);
            Ok(state.admin_keys.len() < before)
        })
    }

    async fn set_admin_keys_used(&self, uses: &[(AdminKeyId, Timestamp)]) -> Result<(), StoreError> {
        self.change(|state| {
            for key in &mut state.admin_keys {
                let used = uses.iter().filter(|(id, _)| *id == key.id).map(|(_, at)| *at);
                key.last_used = used.max().max(key.last_used);
            }
            Ok(())
        })
    }

    async fn forget_admin_keys(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let count = state.admin_keys.len();
            state.admin_keys.retain(|key| key.ends.is_none_or(|end| end >= before));
            Ok((count - state.admin_keys.len()) as u64)
        })
    }
}
