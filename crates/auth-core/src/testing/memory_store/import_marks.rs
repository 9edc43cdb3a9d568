//! What imports remember, and the changes that records make.

use std::sync::Arc;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::{
    Act, Conflict, ImportMark, ImportMarkStore, ImportedChange, MarkKey, Revocation, StoreError, UserId,
};

#[async_trait]
impl ImportMarkStore for MemoryStore {
    async fn import_marks(
        &self,
        source: &str,
        after: Option<MarkKey>,
        limit: u32,
    ) -> Result<Vec<ImportMark>, StoreError> {
        self.read(|state| {
            let own = state.import_marks.values().filter(|mark| mark.source == source);
            let behind = own.filter(|mark| after.is_none_or(|after| mark.key > after));
            behind.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect()
        })
    }

    async fn import_mark(&self, source: &str, key: MarkKey) -> Result<Option<ImportMark>, StoreError> {
        self.read(|state| state.import_marks.get(&(source.to_owned(), key)).cloned())
    }

    async fn import_marks_of(&self, user: UserId) -> Result<Vec<ImportMark>, StoreError> {
        self.read(|state| {
            state.import_marks.values().filter(|mark| mark.user == Some(user)).cloned().collect()
        })
    }
}

impl State {
    /// Remembers a record, in place of what was remembered of it.
    pub(super) fn write_mark(&mut self, mark: ImportMark) {
        self.import_marks.insert((mark.source.clone(), mark.key), mark);
    }

    /// Forgets which record a user came from, since the user is deleted.
    pub(super) fn forget_user_of_marks(&mut self, user: UserId) {
        for mark in self.import_marks.values_mut().filter(|mark| mark.user == Some(user)) {
            mark.user = None;
        }
    }

    /// Writes a change of an account; returns whether it was more than a mark. An error leaves a part of it behind.
    pub(super) fn change_imported(&mut self, change: ImportedChange) -> Result<bool, StoreError> {
        if change.is_change {
            self.change_account(&change)?;
        }
        for row in &change.audit {
            self.audit(Some(row));
        }
        if let Some(mark) = change.mark {
            self.write_mark(mark);
        }
        Ok(change.is_change)
    }

    fn change_account(&mut self, change: &ImportedChange) -> Result<(), StoreError> {
        let new = &change.user;
        let before = self.users.get(&new.id).map(|record| Arc::clone(&record.user));
        let before = before.filter(|before| before.version == new.version).ok_or(StoreError::Changed)?;
        if before.active && !new.active {
            let (kinds, valid_from) = &change.bots;
            let revocation = Revocation { valid_from: Some(*valid_from), kinds, except: None };
            let row = change.audit.iter().find(|row| row.act == Act::Deactivated);
            self.deactivate_bots(new.id, &revocation, row);
        }
        for (protocol, id) in new.external_ids.iter() {
            if self.owner_of(before.realm, protocol, id).is_some_and(|owner| owner != new.id) {
                return Err(StoreError::Conflict(Conflict::ExternalId(protocol)));
            }
        }
        self.check_names(before.realm, new.id, &new.names)?;
        let revocation = Revocation { valid_from: None, kinds: &change.revoked, except: None };
        self.change_and_revoke(new.id, &revocation, |user, password| {
            let version = user.version;
            *user = crate::User { realm: before.realm, joined: before.joined, version, ..new.clone() };
            if change.password.is_some() {
                password.clone_from(&change.password);
            }
        });
        for credential in &change.credentials {
            let added = self.add_credential(credential.clone());
            added.map_err(|_| StoreError::Conflict(Conflict::Credential))?;
        }
        Ok(())
    }
}
