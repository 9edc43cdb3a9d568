//! Groups and their members.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::{
    Account, Act, AuditRecord, Conflict, Group, GroupId, GroupStore, RealmId, StoreError, UserId, fold,
};

#[async_trait]
impl GroupStore for MemoryStore {
    async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.read(|state| state.groups.get(&id).cloned())
    }

    async fn find_group(&self, realm: RealmId, name: &str) -> Result<Option<Group>, StoreError> {
        self.read(|state| named(state, realm, name).cloned())
    }

    async fn groups(
        &self,
        realm: RealmId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Group>, StoreError> {
        let after = after.map(fold);
        self.read(|state| {
            let is_meant = |group: &&Group| {
                group.realm == realm && after.as_ref().is_none_or(|after| fold(&group.name) > *after)
            };
            let mut groups = by_name(state.groups.values().filter(is_meant).cloned().collect());
            groups.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            groups
        })
    }

    async fn groups_of(&self, user: UserId) -> Result<Vec<Group>, StoreError> {
        self.read(|state| by_name(groups_of(state, user)))
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        self.read(|state| {
            let members = state.members.iter().filter(|(of, _)| *of == group).map(|(_, user)| *user);
            members
                .filter(|user| after.is_none_or(|after| *user > after))
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .filter_map(|user| state.account(user))
                .collect()
        })
    }

    async fn add_group(&self, group: &Group, audit: Option<&AuditRecord>) -> Result<(), StoreError> {
        let added = self.act_apart(audit, |state| {
            // A caller that repeats the command finds its own group.
            if state.groups.contains_key(&group.id) {
                return Ok(false);
            }
            if !state.realms.contains_key(&group.realm) {
                return Err(StoreError::Missing("realm"));
            }
            if named(state, group.realm, &group.name).is_some() {
                return Err(StoreError::Conflict(Conflict::Group));
            }
            state.groups.insert(group.id, group.clone());
            Ok(true)
        });
        added.map(drop)
    }

    async fn rename_group(
        &self,
        id: GroupId,
        name: &str,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act_apart(audit, |state| {
            let Some(realm) = state.groups.get(&id).map(|group| group.realm) else { return Ok(false) };
            if named(state, realm, name).is_some_and(|other| other.id != id) {
                return Err(StoreError::Conflict(Conflict::Group));
            }
            Ok(state.groups.get_mut(&id).map(|group| name.clone_into(&mut group.name)).is_some())
        })
    }

    async fn remove_group(&self, id: GroupId, audit: Option<&AuditRecord>) -> Result<bool, StoreError> {
        self.act_apart(audit, |state| {
            state.members.retain(|(of, _)| *of != id);
            Ok(state.groups.remove(&id).is_some())
        })
    }

    async fn add_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act_apart(audit, |state| {
            let realm = state.users.get(&user).map(|record| record.user.realm);
            let is_there = realm.is_some() && state.groups.get(&group).map(|group| group.realm) == realm;
            Ok(is_there && state.members.insert((group, user)))
        })
    }

    async fn remove_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act_apart(audit, |state| Ok(state.members.remove(&(group, user))))
    }

    async fn set_groups(
        &self,
        user: UserId,
        groups: &[GroupId],
        directory: Option<&str>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            state.check_actor(audit)?;
            let Some(realm) = state.users.get(&user).map(|record| record.user.realm) else {
                return Ok(false);
            };
            let wanted: BTreeSet<GroupId> = groups.iter().copied().collect();
            for group in by_name(groups_of(state, user)) {
                if !wanted.contains(&group.id) && directory.is_none_or(|directory| group.is_from(directory)) {
                    state.members.remove(&(group.id, user));
                    state.audit(audit.map(|audit| group.audit_record(Act::GroupLeft, audit)).as_ref());
                }
            }
            for id in wanted {
                let group = state.groups.get(&id).filter(|group| group.realm == realm).cloned();
                let group = group.ok_or(StoreError::Missing("group"))?;
                if state.members.insert((id, user)) {
                    state.audit(audit.map(|audit| group.audit_record(Act::GroupJoined, audit)).as_ref());
                }
            }
            Ok(true)
        })
    }
}

/// The group of a realm with a name that folds alike.
fn named<'a>(state: &'a State, realm: RealmId, name: &str) -> Option<&'a Group> {
    let folded = fold(name);
    state.groups.values().find(|group| group.realm == realm && fold(&group.name) == folded)
}

fn groups_of(state: &State, user: UserId) -> Vec<Group> {
    let own = state.members.iter().filter(|(_, member)| *member == user);
    own.filter_map(|(group, _)| state.groups.get(group).cloned()).collect()
}

fn by_name(mut groups: Vec<Group>) -> Vec<Group> {
    groups.sort_by_cached_key(|group| fold(&group.name));
    groups
}
