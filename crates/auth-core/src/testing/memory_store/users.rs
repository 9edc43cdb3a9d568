//! Users.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::{
    Account, AuditRecord, Conflict, ExternalId, ImportError, ImportMode, ImportNote, ImportNotes, Imported,
    ImportedChange, Lookup, MarkedUser, NameKind, NewId, NewRecord, NewUser, OnConflict, PasswordString,
    ProfileUpdate, ProtocolName, RealmChange, RealmId, Records, Revocation, StoreError, UserId, UserStore,
    fold,
};

#[async_trait]
impl UserStore for MemoryStore {
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> Result<Option<Account>, StoreError> {
        self.read(|state| state.find(realm, who).and_then(|user| state.account(user)))
    }

    async fn realms_of(&self, kind: NameKind, name: &str) -> Result<Vec<RealmId>, StoreError> {
        let folded = fold(name);
        let has_name = |state: &State, realm| {
            let mut names = state.users_of(realm).flat_map(|user| &user.names);
            names.any(|name| name.kind == kind && fold(&name.exact) == folded)
        };
        self.read(|state| state.realms.keys().copied().filter(|realm| has_name(state, *realm)).collect())
    }

    async fn user(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.read(|state| state.account(id))
    }

    async fn users(
        &self,
        realm: RealmId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        self.read(|state| {
            state
                .users_of(realm)
                .filter(|user| after.is_none_or(|after| user.id > after))
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .filter_map(|user| state.account(user.id))
                .collect()
        })
    }

    async fn rehash(
        &self,
        user: UserId,
        old: &PasswordString,
        new: &PasswordString,
    ) -> Result<bool, StoreError> {
        self.change_user(user, |state| {
            let password = state.users.get(&user).and_then(|record| record.password.as_ref());
            let is_old = password == Some(old);
            if is_old {
                state.change_user(user, |_, password| *password = Some(new.clone()));
            }
            Ok(is_old)
        })
    }

    async fn set_password(
        &self,
        user: UserId,
        new: Option<&PasswordString>,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act(user, audit, |state| {
            Ok(state.change_and_revoke(user, revocation, |user, password| {
                user.must_change_password &= new.is_none();
                *password = new.cloned();
            }))
        })
    }

    async fn set_active(
        &self,
        user: UserId,
        active: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act(user, audit, |state| {
            if !active {
                state.deactivate_bots(user, revocation, audit);
            }
            Ok(state.change_and_revoke(user, revocation, |user, _| user.active = active))
        })
    }

    async fn revoke(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act(user, audit, |state| Ok(state.change_and_revoke(user, revocation, |_, _| ())))
    }

    async fn update_profile(
        &self,
        user: UserId,
        update: &ProfileUpdate,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act(user, audit, |state| {
            let Some(current) = state.users.get(&user).map(|record| &record.user) else {
                return Ok(false);
            };
            if current.version != update.version {
                return Err(StoreError::Changed);
            }
            state.check_names(current.realm, user, &update.names)?;
            Ok(state.change_and_revoke(user, revocation, |user, _| {
                user.names.clone_from(&update.names);
                user.full_name.clone_from(&update.full_name);
                user.language = update.language;
                user.must_change_password = update.must_change_password;
                user.role = update.role;
            }))
        })
    }

    async fn ensure_external_id(
        &self,
        user: UserId,
        protocol: ProtocolName,
        new: &NewId,
    ) -> Result<Option<ExternalId>, StoreError> {
        self.change_user(user, |state| {
            let Some(record) = state.users.get(&user) else { return Ok(None) };
            if let Some(own) = record.user.external_ids.get(protocol) {
                return Ok(Some(own.clone()));
            }
            let realm = record.user.realm;
            let id = state.choose_id(realm, protocol, new)?;
            if state.owner_of(realm, protocol, &id).is_some() {
                return Err(StoreError::Conflict(Conflict::ExternalId(protocol)));
            }
            state.change_user(user, |user, _| user.external_ids.set(protocol, id.clone()));
            Ok(Some(id))
        })
    }

    async fn set_email_second_factor(
        &self,
        user: UserId,
        on: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act(user, audit, |state| {
            Ok(state.change_and_revoke(user, revocation, |user, _| user.email_second_factor = on))
        })
    }

    async fn create_user(&self, new: &NewUser, audit: Option<&AuditRecord>) -> Result<(), StoreError> {
        let realm = new.user.realm;
        self.change_user(new.user.id, |state| {
            // A caller that repeats the command finds its own user.
            if state.users.get(&new.user.id).is_some_and(|own| own.user.realm == realm) {
                return Ok(());
            }
            state.create_user(new.clone(), realm)?;
            state.audit(audit);
            Ok(())
        })
    }

    async fn delete(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act(user, audit, |state| {
            state.deactivate_bots(user, revocation, audit);
            for bot in state.bots_of(user) {
                state.change_user(bot, |bot, _| bot.bot_owner = None);
            }
            state.credentials.retain(|own| own.user != user);
            state.members.retain(|(_, member)| *member != user);
            state.blank(user);
            state.forget_user_of_marks(user);
            Ok(state.users.remove(&user).is_some())
        })
    }

    async fn merge(
        &self,
        (gone, version): (UserId, u64),
        change: &ImportedChange,
    ) -> Result<bool, StoreError> {
        let kept = change.user.id;
        let done = self.change_user(kept, |state| {
            let found = state.users.get(&gone).map(|record| record.user.version);
            if found != Some(version) {
                return Ok(false);
            }
            state.give_all(gone, kept);
            state.credentials.retain(|own| own.user != gone);
            state.users.remove(&gone);
            state.change_imported(change.clone())
        });
        self.notify(gone);
        done
    }

    async fn import(
        &self,
        records: Records,
        mode: ImportMode,
        on_conflict: OnConflict,
        notes: ImportNotes,
        audit: Option<&AuditRecord>,
    ) -> Result<Imported, ImportError> {
        let records: Vec<Option<NewRecord>> = records.collect();
        let mut outcome = Err(ImportError { record: None, error: None });
        let mut changed = Vec::new();
        let written = self.change(|state| {
            let mut import = Import {
                state: state.clone(),
                on_conflict,
                notes,
                audit,
                kept: BTreeMap::new(),
                done: Imported::default(),
                is_change: false,
                changed: Vec::new(),
            };
            outcome = import.write(records).map(|()| import.done);
            changed = std::mem::take(&mut import.changed);
            if outcome.is_ok() && mode == ImportMode::Write {
                *state = import.finish();
            }
            Ok(())
        });
        changed.into_iter().for_each(|user| self.notify(user));
        written.map_err(|error| ImportError { record: None, error: Some(error) })?;
        outcome
    }
}

/// The state of an import.
struct Import<'a> {
    state: State,
    on_conflict: OnConflict,
    notes: ImportNotes,
    audit: Option<&'a AuditRecord>,
    /// The id of each realm in the store, by its id in the records: a realm that existed before keeps its id.
    kept: BTreeMap<RealmId, RealmId>,
    done: Imported,
    /// Whether a realm was made or changed.
    is_change: bool,
    /// The users who were there and are changed.
    changed: Vec<UserId>,
}

impl Import<'_> {
    /// Writes records up to the first that can't be written, but those that are left out.
    fn write(&mut self, records: Vec<Option<NewRecord>>) -> Result<(), ImportError> {
        for (record, index) in records.into_iter().zip(0..) {
            let record = record.ok_or(ImportError { record: None, error: None })?;
            let before = self.on_conflict.leaves_out().then(|| self.state.clone());
            let realm = record.realm();
            let written = match record {
                NewRecord::Realm(change) => self.write_realm(index, change),
                NewRecord::User(new) => self.write_user(index, *new),
                NewRecord::Marked(marked) => self.write_marked(index, *marked),
                NewRecord::Change(change) => self.write_change(*change),
            };
            if let Err(error) = written {
                self.on_conflict.leave_out(index, realm, error)?;
                self.state = before.unwrap_or_else(|| self.state.clone());
            }
        }
        Ok(())
    }

    fn write_realm(&mut self, index: u64, change: RealmChange) -> Result<(), StoreError> {
        let id = change.id;
        let written = self.state.write_realm(change)?;
        self.kept.insert(id, written.after.id);
        self.done.realms += 1;
        if written.is_change() {
            self.is_change = true;
            self.state.audit(self.audit.map(|audit| written.audit_record(audit)).as_ref());
            (self.notes)(index, ImportNote::Realm(Box::new(written)));
        }
        Ok(())
    }

    fn write_user(&mut self, index: u64, new: NewUser) -> Result<(), StoreError> {
        let (id, realm) = (new.user.id, new.user.realm);
        self.state.create_user(new, self.kept.get(&realm).copied().unwrap_or(realm))?;
        self.done.users += 1;
        for kind in self.state.kinds_folding_alike(id) {
            (self.notes)(index, ImportNote::FoldsAlike(kind));
        }
        Ok(())
    }

    fn write_marked(&mut self, index: u64, marked: MarkedUser) -> Result<(), StoreError> {
        self.write_user(index, marked.new)?;
        self.state.write_mark(marked.mark);
        self.state.audit(marked.audit.as_ref());
        Ok(())
    }

    fn write_change(&mut self, change: ImportedChange) -> Result<(), StoreError> {
        let user = change.user.id;
        if self.state.change_imported(change)? {
            self.changed.push(user);
        }
        Ok(())
    }

    /// Writes the row of the import; returns the state after it.
    fn finish(mut self) -> State {
        if self.is_change || self.done.users > 0 {
            let mut row = self.audit.and_then(|audit| self.done.audit_record(audit));
            if let Some(row) = &mut row {
                row.realm = row.realm.map(|realm| self.kept.get(&realm).copied().unwrap_or(realm));
            }
            self.state.audit(row.as_ref());
        }
        self.state
    }
}
