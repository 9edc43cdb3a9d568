//! Groups of a directory, compared with those of the store, and what makes them equal.
//!
//! Of the store, only groups that come from the directory are looked at and changed ([`Group::is_from`]). A group that operators
//! made stays as it is, also where its name is that of a group of the directory: such a clash is named.

use std::collections::{BTreeMap, HashMap, HashSet};

use auth_core::{
    Account, Act, Actor, AuditRecord, EntryGroup, Group, GroupId, NameKind, Realm, UserId, fold,
};
use auth_engine::{Engine, USERS_PER_PAGE, group_of_entry, id_of_group};

use crate::error::AdminError;

/// Groups that are read of the store at a time.
const PAGE: u32 = 500;

/// The groups of a directory, and who is in them.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the caller that asks the directory builds it")]
pub struct DirectoryGroups {
    /// The groups.
    pub groups: Vec<EntryGroup>,
    /// For each group by its entry, the ids of the people who are in it.
    pub members: HashMap<String, HashSet<String>>,
    /// Whether these are all groups: others are not removed where they aren't.
    pub is_whole: bool,
}

/// A change that makes the store's groups those of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupChange {
    /// The group is new in the directory.
    Add(Group),
    /// The group has another name there.
    Rename(Group, String),
    /// The group is gone there.
    Remove(Group),
    /// A person is in the group there: the id and the shown name of the account.
    Join(Group, UserId, String),
    /// A person is no more in the group there.
    Leave(Group, UserId, String),
}

/// The groups of a directory, compared with those of the store.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct GroupComparison {
    /// What is to be changed, in an order in which it can be.
    pub changes: Vec<GroupChange>,
    /// Groups that are not carried over, each by its name with the reason.
    pub left_out: Vec<(String, &'static str)>,
    /// The number of memberships in groups of the directory before.
    pub memberships: u64,
    /// The number of memberships that end: of those who leave, and of groups that go.
    pub ending: u64,
}

/// Compares the groups of a directory with those of the store that come from it. Nothing is changed.
///
/// # Errors
/// [`AdminError::Store`].
pub async fn compare_groups(
    engine: &Engine,
    realm: &Realm,
    directory: &str,
    shown: &DirectoryGroups,
) -> Result<GroupComparison, AdminError> {
    let mut found = GroupComparison::default();
    let mut names: HashMap<String, GroupId> = HashMap::new();
    let mut own: BTreeMap<GroupId, Group> = BTreeMap::new();
    for group in groups_of(engine, realm).await? {
        names.insert(fold(&group.name), group.id);
        if group.is_from(directory) {
            own.insert(group.id, group);
        }
    }
    let people = people_of(engine, realm).await?;
    let now = engine.clock().now();
    let (mut wanted, mut kept) = (Vec::new(), HashSet::new());
    for entry in &shown.groups {
        if !kept.insert(id_of_group(realm.id, directory, &entry.entry)) {
            continue;
        }
        match group_of_entry(realm.id, directory, entry, now) {
            Some(group) => wanted.push(group),
            None => found.left_out.push((entry.name.clone(), "no group can have that name")),
        }
    }
    // Names of groups that go are free for others.
    let going: Vec<Group> =
        own.values().filter(|group| shown.is_whole && !kept.contains(&group.id)).cloned().collect();
    for group in going {
        names.remove(&fold(&group.name));
        let members = members_of(engine, group.id).await?.len() as u64;
        found.memberships += members;
        found.ending += members;
        found.changes.push(GroupChange::Remove(group));
    }
    for group in wanted {
        let there = own.get(&group.id);
        let owner = names.get(&fold(&group.name)).copied();
        let is_taken = owner.is_some_and(|owner| owner != group.id);
        if is_taken {
            found.left_out.push((group.name.clone(), "another group has that name"));
        }
        let group = match there {
            None if is_taken => continue,
            None => {
                names.insert(fold(&group.name), group.id);
                found.changes.push(GroupChange::Add(group.clone()));
                group
            }
            Some(there) => {
                if there.name != group.name && !is_taken {
                    names.remove(&fold(&there.name));
                    names.insert(fold(&group.name), group.id);
                    found.changes.push(GroupChange::Rename(there.clone(), group.name.clone()));
                }
                there.clone()
            }
        };
        let members = if there.is_some() { members_of(engine, group.id).await? } else { BTreeMap::new() };
        found.memberships += members.len() as u64;
        let entry = group.source.as_ref().map(|source| source.entry.as_str()).unwrap_or_default();
        let shown: BTreeMap<UserId, &String> = shown
            .members
            .get(entry)
            .into_iter()
            .flatten()
            .filter_map(|id| people.get(&fold(id)).map(|(user, name)| (*user, name)))
            .collect();
        for (user, name) in &members {
            if !shown.contains_key(user) {
                found.ending += 1;
                found.changes.push(GroupChange::Leave(group.clone(), *user, name.clone()));
            }
        }
        for (user, name) in shown {
            if !members.contains_key(&user) {
                found.changes.push(GroupChange::Join(group.clone(), user, name.clone()));
            }
        }
    }
    Ok(found)
}

/// Makes a change that [`compare_groups`] found, with a row in the audit log that names the directory; `false` where it was made
/// meanwhile.
///
/// # Errors
/// [`AdminError::Store`].
pub async fn change_groups(
    engine: &Engine,
    directory: &str,
    change: &GroupChange,
) -> Result<bool, AdminError> {
    let store = engine.store();
    let row = |act, group: &Group, user, detail: String| AuditRecord {
        actor: Actor::Directory(directory.to_owned()),
        ..engine.auditor().by_command(act, Some(group.realm), user, detail)
    };
    Ok(match change {
        GroupChange::Add(group) => {
            store.add_group(group, Some(&row(Act::GroupAdded, group, None, group.name.clone()))).await?;
            true
        }
        GroupChange::Rename(group, to) => {
            let detail = format!("{} → {to}", group.name);
            store.rename_group(group.id, to, Some(&row(Act::GroupRenamed, group, None, detail))).await?
        }
        GroupChange::Remove(group) => {
            let row = row(Act::GroupRemoved, group, None, group.name.clone());
            store.remove_group(group.id, Some(&row)).await?
        }
        GroupChange::Join(group, user, _) => {
            let row = row(Act::GroupJoined, group, Some(*user), group.name.clone());
            store.add_member(group.id, *user, Some(&row)).await?
        }
        GroupChange::Leave(group, user, _) => {
            let row = row(Act::GroupLeft, group, Some(*user), group.name.clone());
            store.remove_member(group.id, *user, Some(&row)).await?
        }
    })
}

/// All groups of a realm.
async fn groups_of(engine: &Engine, realm: &Realm) -> Result<Vec<Group>, AdminError> {
    let (mut all, mut after) = (Vec::<Group>::new(), None);
    loop {
        let page = engine.store().groups(realm.id, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|last| last.name.clone());
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The members of a group, each with a name to show.
async fn members_of(engine: &Engine, group: GroupId) -> Result<BTreeMap<UserId, String>, AdminError> {
    let (mut all, mut after) = (BTreeMap::new(), None);
    loop {
        let page = engine.store().members(group, after, USERS_PER_PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.user.id);
        all.extend(page.iter().map(|account| (account.user.id, shown_name(account))));
    }
}

/// The accounts of a realm's directories by the folded id of their entry, each with a name to show.
async fn people_of(engine: &Engine, realm: &Realm) -> Result<HashMap<String, (UserId, String)>, AdminError> {
    let (mut all, mut after) = (HashMap::new(), None);
    loop {
        let page = engine.store().users(realm.id, after, USERS_PER_PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.user.id);
        for account in page {
            if let Some(name) = account.user.name(NameKind::Directory) {
                all.insert(fold(&name.exact), (account.user.id, shown_name(&account)));
            }
        }
    }
}

fn shown_name(account: &Account) -> String {
    let user = &account.user;
    let email = user.email().map(|email| email.address);
    user.user_name().or(email).map_or_else(|| user.id.to_string(), str::to_owned)
}
