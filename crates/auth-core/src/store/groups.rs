//! Groups of users.

use async_trait::async_trait;

use super::StoreError;
use crate::{Account, Act, AuditRecord, GroupId, RealmId, Timestamp, UserId};

/// Keeps groups and their members. A group ends with its realm, a membership with its group and with its user; a membership is
/// no part of a user's record, so it changes no version.
#[async_trait]
pub trait GroupStore: Send + Sync {
    /// The group of that id.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError>;

    /// The group of a realm with a name that folds alike.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn find_group(&self, realm: RealmId, name: &str) -> Result<Option<Group>, StoreError>;

    /// Up to `limit` groups of a realm by folded name, from the first behind the name `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn groups(&self, realm: RealmId, after: Option<&str>, limit: u32)
    -> Result<Vec<Group>, StoreError>;

    /// The groups that a user is in, by folded name.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn groups_of(&self, user: UserId) -> Result<Vec<Group>, StoreError>;

    /// Up to `limit` members of a group by id, from the first after `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError>;

    /// Adds a group without members.
    ///
    /// # Errors
    /// [`Conflict::Group`](super::Conflict::Group) when another group of the realm has a name that folds alike, and
    /// [`StoreError::Missing`] when there is no such realm. See [`StoreError`].
    async fn add_group(&self, group: &Group, audit: Option<&AuditRecord>) -> Result<(), StoreError>;

    /// Gives a group another name; `false` when there is no such group.
    ///
    /// # Errors
    /// [`Conflict::Group`](super::Conflict::Group) as for a new group. See [`StoreError`].
    async fn rename_group(
        &self,
        id: GroupId,
        name: &str,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Removes a group and its memberships; `false` when there is no such group.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove_group(&self, id: GroupId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;

    /// Adds a user to a group of its realm; `false` when one of both is not there, or the user is in the group already.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn add_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Takes a user out of a group; `false` when it is not in the group.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Has a user be in `groups` and in no others, in one step. Where `directory` is given, the user stays in groups that come
    /// from elsewhere. Each group that is joined or left has a row of its own, made of `audit` ([`Group::audit_record`]).
    /// `false` when there is no such user.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when one of the groups is not in the user's realm: nothing is changed then. See [`StoreError`].
    async fn set_groups(
        &self,
        user: UserId,
        groups: &[GroupId],
        directory: Option<&str>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;
}

/// A group of users of one realm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: commands build it field by field")]
pub struct Group {
    /// The group's identifier.
    pub id: GroupId,
    /// The realm that it belongs to.
    pub realm: RealmId,
    /// The name. No other of the realm folds alike.
    pub name: String,
    /// Where it comes from; `None` for a group that was made here.
    pub source: Option<GroupSource>,
    /// When it was made.
    pub made: Timestamp,
}

/// Where a group comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: commands build it field by field")]
pub struct GroupSource {
    /// The name of the directory.
    pub directory: String,
    /// The entry there.
    pub entry: String,
}

impl Group {
    /// Whether it comes from that directory.
    #[must_use]
    pub fn is_from(&self, directory: &str) -> bool {
        self.source.as_ref().is_some_and(|source| source.directory == directory)
    }

    /// The row of the audit log for a user who joins or leaves the group, by that of the change of all its groups.
    #[must_use]
    pub fn audit_record(&self, act: Act, change: &AuditRecord) -> AuditRecord {
        AuditRecord { act, realm: Some(self.realm), detail: self.name.clone(), ..change.clone() }
    }
}
