//! Operations on groups.

use auth_core::{Act, Conflict, Group, GroupId, Realm, StoreError, UserId, is_control};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Changed, Operation, Page, Scope};
use crate::error::AdminError;
use crate::view::{GroupView, UserView};

/// The groups or members that a part of a list has unless fewer are asked for.
const PAGE: u32 = 500;

/// The longest name of a group, in characters.
const LONGEST_NAME: usize = 100;

/// By what an operator means a group: its name in a realm, whatever the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct GroupName {
    /// The slug of the realm.
    pub realm: String,
    /// The name.
    pub name: String,
}

/// Lists the groups of a realm by name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListGroups {
    /// The slug of the realm.
    pub realm: String,
    /// Where the list goes on: `next` of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The number of groups, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Operation for ListGroups {
    const NAME: &'static str = "group.list";
    const SUMMARY: &'static str = "Lists the groups of a realm.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Page<GroupView>;

    async fn run(self, admin: &Admin) -> Result<Page<GroupView>, AdminError> {
        let realm = admin.realm(&self.realm).await?;
        let limit = self.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let groups = admin.engine().store().groups(realm.id, self.after.as_deref(), limit).await?;
        let is_full = groups.len() >= limit as usize;
        let next = groups.last().filter(|_| is_full).map(|last| last.name.clone());
        Ok(Page { items: groups.iter().map(|group| GroupView::of(group, &realm)).collect(), next })
    }
}

/// Lists the members of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListMembers {
    /// The group.
    pub group: GroupName,
    /// Where the list goes on: `next` of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The number of members, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Operation for ListMembers {
    const NAME: &'static str = "group.members";
    const SUMMARY: &'static str = "Lists the members of a group.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Page<UserView>;

    async fn run(self, admin: &Admin) -> Result<Page<UserView>, AdminError> {
        let (group, realm) = admin.group(&self.group).await?;
        let after = self.after.as_deref().map(str::parse::<UserId>).transpose();
        let after = after.map_err(|_| AdminError::BadCursor)?;
        let limit = self.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let members = admin.engine().store().members(group.id, after, limit).await?;
        let is_full = members.len() >= limit as usize;
        let next = members.last().filter(|_| is_full).map(|last| last.user.id.to_string());
        Ok(Page { items: members.iter().map(|member| UserView::of(member, &realm, None)).collect(), next })
    }
}

/// Makes a group without members.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AddGroup {
    /// The group's name, and its realm.
    pub group: GroupName,
}

impl Operation for AddGroup {
    const NAME: &'static str = "group.add";
    const SUMMARY: &'static str = "Makes a group.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = GroupView;

    async fn run(self, admin: &Admin) -> Result<GroupView, AdminError> {
        let realm = admin.realm(&self.group.realm).await?;
        let engine = admin.engine();
        let group = Group {
            id: GroupId::random(&**engine.rng()),
            realm: realm.id,
            name: checked(&self.group.name)?,
            source: None,
            made: engine.clock().now(),
        };
        let audit = admin.audit(Act::GroupAdded, Some(realm.id), None, group.name.clone());
        engine.store().add_group(&group, Some(&audit)).await.map_err(told)?;
        Ok(GroupView::of(&group, &realm))
    }
}

/// Gives a group another name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RenameGroup {
    /// The group.
    pub group: GroupName,
    /// The new name.
    pub to: String,
}

impl Operation for RenameGroup {
    const NAME: &'static str = "group.rename";
    const SUMMARY: &'static str = "Gives a group another name.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (group, realm) = admin.group_to_change(&self.group).await?;
        let name = checked(&self.to)?;
        if name == group.name {
            return Ok(Changed { changed: false });
        }
        let detail = format!("{} → {name}", group.name);
        let audit = admin.audit(Act::GroupRenamed, Some(realm.id), None, detail);
        let store = admin.engine().store();
        let is_there = store.rename_group(group.id, &name, Some(&audit)).await.map_err(told)?;
        if is_there { Ok(Changed { changed: true }) } else { Err(AdminError::NoGroup) }
    }
}

/// Removes a group. Its members stay users.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RemoveGroup {
    /// The group.
    pub group: GroupName,
}

impl Operation for RemoveGroup {
    const NAME: &'static str = "group.remove";
    const SUMMARY: &'static str = "Removes a group. Its members stay users.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (group, realm) = admin.group_to_change(&self.group).await?;
        let audit = admin.audit(Act::GroupRemoved, Some(realm.id), None, group.name);
        Ok(Changed { changed: admin.engine().store().remove_group(group.id, Some(&audit)).await? })
    }
}

/// Puts a user into a group of the user's realm.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AddMember {
    /// The user.
    pub user: AccountName,
    /// The name of the group.
    pub group: String,
}

impl Operation for AddMember {
    const NAME: &'static str = "group.add-member";
    const SUMMARY: &'static str = "Puts a user into a group.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        set_membership(admin, &self.user, &self.group, true).await
    }
}

/// Takes a user out of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RemoveMember {
    /// The user.
    pub user: AccountName,
    /// The name of the group.
    pub group: String,
}

impl Operation for RemoveMember {
    const NAME: &'static str = "group.remove-member";
    const SUMMARY: &'static str = "Takes a user out of a group.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        set_membership(admin, &self.user, &self.group, false).await
    }
}

/// Lists the groups that a user is in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListGroupsOf {
    /// The user.
    pub user: AccountName,
}

impl Operation for ListGroupsOf {
    const NAME: &'static str = "user.groups";
    const SUMMARY: &'static str = "Lists the groups that a user is in.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Vec<GroupView>;

    async fn run(self, admin: &Admin) -> Result<Vec<GroupView>, AdminError> {
        let (account, realm) = admin.account(&self.user).await?;
        let groups = admin.engine().store().groups_of(account.user.id).await?;
        Ok(groups.iter().map(|group| GroupView::of(group, &realm)).collect())
    }
}

impl Admin {
    /// The group that is meant, with its realm.
    async fn group(&self, group: &GroupName) -> Result<(Group, Realm), AdminError> {
        let realm = self.realm(&group.realm).await?;
        Ok((self.group_of(&realm, &group.name).await?, realm))
    }

    /// The group of a realm by its name.
    async fn group_of(&self, realm: &Realm, name: &str) -> Result<Group, AdminError> {
        let found = self.engine().store().find_group(realm.id, name).await?;
        found.ok_or(AdminError::NoGroup)
    }

    /// The group that is meant, to change it, with its realm.
    async fn group_to_change(&self, group: &GroupName) -> Result<(Group, Realm), AdminError> {
        let (group, realm) = self.group(group).await?;
        Ok((check_own(group)?, realm))
    }
}

/// The group, unless it is a directory's to change.
fn check_own(group: Group) -> Result<Group, AdminError> {
    if group.source.is_some() { Err(AdminError::GroupOfDirectory) } else { Ok(group) }
}

/// Has a user be in a group or not.
async fn set_membership(
    admin: &Admin,
    user: &AccountName,
    group: &str,
    is_member: bool,
) -> Result<Changed, AdminError> {
    // A membership is no part of the account: it gives no authority here.
    let (account, realm) = admin.account(user).await?;
    let group = check_own(admin.group_of(&realm, group).await?)?;
    let (store, user) = (admin.engine().store(), account.user.id);
    let act = if is_member { Act::GroupJoined } else { Act::GroupLeft };
    let audit = admin.audit(act, Some(realm.id), Some(user), group.name);
    let changed = if is_member {
        store.add_member(group.id, user, Some(&audit)).await?
    } else {
        store.remove_member(group.id, user, Some(&audit)).await?
    };
    Ok(Changed { changed })
}

/// The name of a group as it is kept.
fn checked(name: &str) -> Result<String, AdminError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(is_control) {
        return Err(AdminError::NotAName("name of a group"));
    }
    Ok(name.to_owned())
}

fn told(error: StoreError) -> AdminError {
    match error {
        StoreError::Conflict(Conflict::Group) => AdminError::GroupThere,
        other => AdminError::Store(other),
    }
}
