//! Groups that a directory carries over: found by the entry that they come from, made, and followed at a login.

use std::collections::BTreeSet;

use auth_core::{
    Act, AuditRecord, Conflict, Entry, EntryGroup, Group, GroupId, GroupSource, RealmId, Store, StoreError,
    Timestamp, User, is_control,
};
use auth_crypto::opaque;

/// The longest name of a group, in characters.
const LONGEST_NAME: usize = 100;

/// The group that comes from an entry of a directory. `None` where the entry's name can't be the name of a group.
#[must_use]
pub fn group_of_entry(realm: RealmId, directory: &str, group: &EntryGroup, made: Timestamp) -> Option<Group> {
    let name = group.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(is_control) {
        return None;
    }
    let source = GroupSource { directory: directory.to_owned(), entry: group.entry.clone() };
    Some(Group {
        id: id_of_group(realm, directory, &group.entry),
        realm,
        name: name.to_owned(),
        source: Some(source),
        made,
    })
}

/// The id of the group that comes from an entry of a directory. It is made of the realm, the directory and the entry: so the group
/// is found without a search, and two servers never make two of one.
#[must_use]
pub fn id_of_group(realm: RealmId, directory: &str, entry: &str) -> GroupId {
    // Only the last part can hold a line end.
    let text = format!("group of a directory\n{realm}\n{directory}\n{entry}");
    let mut id = [0; 16];
    for (byte, of_digest) in id.iter_mut().zip(opaque::digest(&text).as_bytes()) {
        *byte = *of_digest;
    }
    GroupId::from_bytes(id)
}

/// Has a user be in the groups that the user's entry is in, and in no others of the directory. Groups that are not there yet are
/// made. One whose name another group has is left out: `ldap sync` names it. Nothing changes where the directory shows no group:
/// that may be a mistake of its configuration, and `ldap sync` takes out who has left the last one.
pub(super) async fn follow(
    store: &dyn Store,
    directory: &str,
    entry: &Entry,
    user: &User,
    audit: &(dyn Fn(Act, &User) -> AuditRecord + Sync),
) -> Result<(), StoreError> {
    let shown = entry.groups.as_deref().unwrap_or_default();
    if shown.is_empty() {
        return Ok(());
    }
    let own = store.groups_of(user.id).await?;
    let own: BTreeSet<GroupId> =
        own.into_iter().filter(|group| group.is_from(directory)).map(|group| group.id).collect();
    let row = audit(Act::GroupJoined, user);
    let mut wanted = BTreeSet::new();
    for group in shown {
        let Some(group) = group_of_entry(user.realm, directory, group, row.at) else { continue };
        if own.contains(&group.id) || is_there(store, &group, &row).await? {
            wanted.insert(group.id);
        }
    }
    if wanted == own {
        return Ok(());
    }
    let groups: Vec<GroupId> = wanted.into_iter().collect();
    match store.set_groups(user.id, &groups, Some(directory), Some(&row)).await {
        // A group was removed meanwhile: the next login settles it.
        Err(StoreError::Missing(_)) => Ok(()),
        done => done.map(drop),
    }
}

/// Whether a group of a directory is there, or is made now.
async fn is_there(store: &dyn Store, group: &Group, row: &AuditRecord) -> Result<bool, StoreError> {
    if store.group(group.id).await?.is_some() {
        return Ok(true);
    }
    let (act, detail) = (Act::GroupAdded, group.name.clone());
    let audit = AuditRecord { act, user: None, detail, ..row.clone() };
    match store.add_group(group, Some(&audit)).await {
        Ok(()) => Ok(true),
        // Another login made it meanwhile, or another group has the name.
        Err(StoreError::Conflict(Conflict::Group)) => {
            let is_there = store.group(group.id).await?.is_some();
            if !is_there {
                tracing::warn!(
                    target: "auth::account",
                    group = group.name,
                    "a group of the directory is not carried over: another group has its name"
                );
            }
            Ok(is_there)
        }
        Err(error) => Err(error),
    }
}
