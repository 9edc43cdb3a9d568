//! Groups and their members.

use std::collections::BTreeSet;

use async_trait::async_trait;
use auth_core::{
    Account, Act, AuditRecord, Conflict, Group, GroupId, GroupSource, GroupStore, RealmId, StoreError,
    UserId, fold,
};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::error::{CommandError, Result};
use super::row::{Columns, account_columns, escaped};
use super::session::{read, transact};
use super::statement::{Params, changed, execute, row, rows};
use super::{Postgres, audit};

type StoreResult<T> = std::result::Result<T, StoreError>;

macro_rules! group_columns {
    () => {
        "g.id, g.realm, g.name, g.directory, g.entry, g.made"
    };
}

pub(super) const BY_ID: &str = concat!("SELECT ", group_columns!(), " FROM user_group AS g WHERE g.id = $1");
pub(super) const BY_NAME: &str =
    concat!("SELECT ", group_columns!(), " FROM user_group AS g WHERE g.realm = $1 AND g.folded = $2");
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM user_group AS g WHERE g.realm = $1 AND g.folded > $2 ORDER BY g.folded LIMIT $3"
);
pub(super) const OF_USER: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM membership AS m JOIN user_group AS g ON g.id = m.user_group WHERE m.account = $1"
);
// Each account is looked up by itself: a plan for all of them at once might read the whole table.
pub(super) const MEMBERS: &str = concat!(
    "SELECT u.* FROM (SELECT account FROM membership WHERE user_group = $1 AND account > $2 \
     ORDER BY account LIMIT $3) AS p CROSS JOIN LATERAL (SELECT ",
    account_columns!(),
    " FROM account AS u WHERE u.id = p.account OFFSET 0) AS u ORDER BY p.account"
);
pub(super) const INSERT: &str = "INSERT INTO user_group (id, realm, name, folded, directory, entry, made) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const RENAME: &str = "UPDATE user_group SET name = $2, folded = $3 WHERE id = $1";
pub(super) const REMOVE: &str = "DELETE FROM user_group WHERE id = $1";
/// Locks the user until the transaction ends, so that two changes of all its groups come one after the other.
pub(super) const LOCK: &str = "SELECT realm FROM account WHERE id = $1 FOR NO KEY UPDATE";
pub(super) const JOIN: &str = "INSERT INTO membership (user_group, account) SELECT g.id, a.id \
    FROM user_group AS g JOIN account AS a ON a.id = $2 AND a.realm = g.realm WHERE g.id = $1 \
    ON CONFLICT (user_group, account) DO NOTHING";
pub(super) const LEAVE: &str = "DELETE FROM membership WHERE user_group = $1 AND account = $2";

#[async_trait]
impl GroupStore for Postgres {
    async fn group(&self, id: GroupId) -> StoreResult<Option<Group>> {
        Ok(read!(self, |client| by_id(client, id).await)?)
    }

    async fn find_group(&self, realm: RealmId, name: &str) -> StoreResult<Option<Group>> {
        let (realm, folded) = (&realm.as_bytes()[..], fold(name));
        let folded = escaped(&folded);
        let found = read!(self, |client| row(client, BY_NAME, &[&realm, &&*folded]).await)?;
        Ok(found.as_ref().map(group).transpose()?)
    }

    async fn groups(&self, realm: RealmId, after: Option<&str>, limit: u32) -> StoreResult<Vec<Group>> {
        // No name is empty.
        let (realm, after, limit) =
            (&realm.as_bytes()[..], after.map(fold).unwrap_or_default(), i64::from(limit));
        let after = escaped(&after);
        let found = read!(self, |client| rows(client, PAGE, &[&realm, &&*after, &limit]).await)?;
        Ok(found.iter().map(group).collect::<Result<_>>()?)
    }

    async fn groups_of(&self, user: UserId) -> StoreResult<Vec<Group>> {
        Ok(read!(self, |client| groups_of(client, user).await)?)
    }

    async fn members(&self, group: GroupId, after: Option<UserId>, limit: u32) -> StoreResult<Vec<Account>> {
        let (group, limit) = (&group.as_bytes()[..], i64::from(limit));
        // The empty id sorts before every other.
        let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let found = read!(self, |client| rows(client, MEMBERS, &[&group, &after, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).account()).collect::<Result<_>>()?)
    }

    async fn add_group(&self, group: &Group, audit: Option<&AuditRecord>) -> StoreResult<()> {
        let (id, realm) = (&group.id.as_bytes()[..], &group.realm.as_bytes()[..]);
        let (folded, made) = (fold(&group.name), group.made.as_millis());
        let (name, folded) = (escaped(&group.name), escaped(&folded));
        let source = group.source.as_ref();
        let directory = source.map(|source| escaped(&source.directory));
        let entry = source.map(|source| escaped(&source.entry));
        let params: Params<'_> =
            &[&id, &realm, &&*name, &&*folded, &directory.as_deref(), &entry.as_deref(), &made];
        let added: Result<()> = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            if by_id(transaction, group.id).await?.is_some() {
                return Ok(());
            }
            execute(transaction, INSERT, params).await?;
            audit::write(transaction, audit).await
        });
        Ok(added.map_err(refusal)?)
    }

    async fn rename_group(&self, id: GroupId, name: &str, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        let (id, folded) = (&id.as_bytes()[..], fold(name));
        let (name, folded) = (escaped(name), escaped(&folded));
        let renamed = self.act_apart(RENAME, &[&id, &&*name, &&*folded], audit).await;
        Ok(renamed.map_err(refusal)?)
    }

    async fn remove_group(&self, id: GroupId, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        Ok(self.act_apart(REMOVE, &[&&id.as_bytes()[..]], audit).await?)
    }

    async fn add_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let joined = self.act_apart(JOIN, &[&&group.as_bytes()[..], &&user.as_bytes()[..]], audit).await;
        match joined {
            // The group or the user went meanwhile.
            Err(error) if error.is_dangling() => Ok(false),
            other => Ok(other?),
        }
    }

    async fn remove_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        Ok(self.act_apart(LEAVE, &[&&group.as_bytes()[..], &&user.as_bytes()[..]], audit).await?)
    }

    async fn set_groups(
        &self,
        user: UserId,
        groups: &[GroupId],
        directory: Option<&str>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let wanted: BTreeSet<GroupId> = groups.iter().copied().collect();
        let set: Result<bool> = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            set_groups(transaction, user, &wanted, directory, audit).await
        });
        match set {
            Err(error) if error.is_dangling() => Err(StoreError::Missing("group")),
            other => Ok(other?),
        }
    }
}

async fn set_groups(
    client: &impl GenericClient,
    user: UserId,
    wanted: &BTreeSet<GroupId>,
    directory: Option<&str>,
    audit: Option<&AuditRecord>,
) -> Result<bool> {
    let id = &user.as_bytes()[..];
    let Some(account) = row(client, LOCK, &[&id]).await? else { return Ok(false) };
    let realm = RealmId::from_bytes(Columns::of(&account).bytes()?);
    for group in groups_of(client, user).await? {
        if !wanted.contains(&group.id) && directory.is_none_or(|directory| group.is_from(directory)) {
            execute(client, LEAVE, &[&&group.id.as_bytes()[..], &id]).await?;
            let row = audit.map(|audit| group.audit_record(Act::GroupLeft, audit));
            audit::write(client, row.as_ref()).await?;
        }
    }
    for wanted in wanted {
        let group = by_id(client, *wanted).await?.filter(|group| group.realm == realm);
        let group = group.ok_or(StoreError::Missing("group"))?;
        if changed(client, JOIN, &[&&wanted.as_bytes()[..], &id]).await? {
            let row = audit.map(|audit| group.audit_record(Act::GroupJoined, audit));
            audit::write(client, row.as_ref()).await?;
        }
    }
    Ok(true)
}

async fn by_id(client: &impl GenericClient, id: GroupId) -> Result<Option<Group>> {
    row(client, BY_ID, &[&&id.as_bytes()[..]]).await?.as_ref().map(group).transpose()
}

async fn groups_of(client: &impl GenericClient, user: UserId) -> Result<Vec<Group>> {
    let found = rows(client, OF_USER, &[&&user.as_bytes()[..]]).await?;
    let mut groups: Vec<Group> = found.iter().map(group).collect::<Result<_>>()?;
    groups.sort_by_cached_key(|group| fold(&group.name));
    Ok(groups)
}

fn group(row: &Row) -> Result<Group> {
    let mut columns = Columns::of(row);
    let (id, realm) = (GroupId::from_bytes(columns.bytes()?), RealmId::from_bytes(columns.bytes()?));
    let name = columns.text()?;
    let (directory, entry) = (columns.text_or_none()?, columns.text_or_none()?);
    let source = directory.zip(entry).map(|(directory, entry)| GroupSource { directory, entry });
    Ok(Group { id, realm, name, source, made: columns.timestamp()? })
}

/// The error for a group's row that was refused.
fn refusal(error: CommandError) -> CommandError {
    if error.taken() == Some("user_group_by_name") {
        return StoreError::Conflict(Conflict::Group).into();
    }
    if error.is_dangling() { StoreError::Missing("realm").into() } else { error }
}
