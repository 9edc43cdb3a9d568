//! Groups and their members.

use std::collections::BTreeSet;

use async_trait::async_trait;
use auth_core::{
    Account, Act, AuditRecord, Conflict, Group, GroupId, GroupSource, GroupStore, RealmId, StoreError,
    UserId, fold,
};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::error::{CommandError, Result, is_dangling, taken};
use super::row::{Columns, account_columns};
use super::statement::changed;
use super::{Sqlite, audit};

type StoreResult<T> = std::result::Result<T, StoreError>;

macro_rules! group_columns {
    () => {
        "g.id, g.realm, g.name, g.directory, g.entry, g.made"
    };
}

pub(super) const BY_ID: &str = concat!("SELECT ", group_columns!(), " FROM user_group AS g WHERE g.id = ?1");
pub(super) const BY_NAME: &str =
    concat!("SELECT ", group_columns!(), " FROM user_group AS g WHERE g.realm = ?1 AND g.folded = ?2");
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM user_group AS g WHERE g.realm = ?1 AND g.folded > ?2 ORDER BY g.folded LIMIT ?3"
);
pub(super) const OF_USER: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM membership AS m CROSS JOIN user_group AS g ON g.id = m.user_group WHERE m.user = ?1"
);
pub(super) const MEMBERS: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM membership AS m CROSS JOIN user AS u ON u.id = m.user
     WHERE m.user_group = ?1 AND m.user > ?2 ORDER BY m.user LIMIT ?3"
);
pub(super) const INSERT: &str = "INSERT INTO user_group (id, realm, name, folded, directory, entry, made) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const RENAME: &str = "UPDATE user_group SET name = ?2, folded = ?3 WHERE id = ?1";
pub(super) const REMOVE: &str = "DELETE FROM user_group WHERE id = ?1";
pub(super) const REALM: &str = "SELECT realm FROM user WHERE id = ?1";
pub(super) const JOIN: &str = "INSERT INTO membership (user_group, user) SELECT g.id, u.id \
    FROM user_group AS g CROSS JOIN user AS u ON u.id = ?2 AND u.realm = g.realm WHERE g.id = ?1 \
    ON CONFLICT (user_group, user) DO NOTHING";
pub(super) const LEAVE: &str = "DELETE FROM membership WHERE user_group = ?1 AND user = ?2";

#[async_trait]
impl GroupStore for Sqlite {
    async fn group(&self, id: GroupId) -> StoreResult<Option<Group>> {
        self.read(move |connection| one(connection, BY_ID, [id.as_bytes()])).await
    }

    async fn find_group(&self, realm: RealmId, name: &str) -> StoreResult<Option<Group>> {
        let folded = fold(name);
        self.read(move |connection| one(connection, BY_NAME, params![realm.as_bytes(), folded])).await
    }

    async fn groups(&self, realm: RealmId, after: Option<&str>, limit: u32) -> StoreResult<Vec<Group>> {
        // No name is empty.
        let after = after.map(fold).unwrap_or_default();
        self.read(move |connection| all(connection, PAGE, params![realm.as_bytes(), after, limit])).await
    }

    async fn groups_of(&self, user: UserId) -> StoreResult<Vec<Group>> {
        self.read(move |connection| groups_of(connection, user)).await
    }

    async fn members(&self, group: GroupId, after: Option<UserId>, limit: u32) -> StoreResult<Vec<Account>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(MEMBERS)?;
            // The empty id sorts before every other.
            let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
            let page = statement.query_and_then(params![group.as_bytes(), after, limit], |row| {
                Columns::of(row).account(connection)
            });
            page?.collect()
        })
        .await
    }

    async fn add_group(&self, group: &Group, audit: Option<&AuditRecord>) -> StoreResult<()> {
        let group = group.clone();
        let added = self.act_apart(audit, move |connection| {
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            if one(connection, BY_ID, [group.id.as_bytes()])?.is_some() {
                return Ok(false);
            }
            let source = group.source.as_ref();
            let params = params![
                group.id.as_bytes(),
                group.realm.as_bytes(),
                group.name,
                fold(&group.name),
                source.map(|source| &source.directory),
                source.map(|source| &source.entry),
                group.made.as_millis(),
            ];
            connection.prepare_cached(INSERT)?.execute(params).map_err(refusal)?;
            Ok(true)
        });
        added.await.map(drop)
    }

    async fn rename_group(&self, id: GroupId, name: &str, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        let (name, folded) = (name.to_owned(), fold(name));
        self.act_apart(audit, move |connection| {
            let mut statement = connection.prepare_cached(RENAME)?;
            let count = statement.execute(params![id.as_bytes(), name, folded]).map_err(refusal)?;
            Ok(count > 0)
        })
        .await
    }

    async fn remove_group(&self, id: GroupId, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        self.act_apart(audit, move |connection| changed(connection, REMOVE, [id.as_bytes()])).await
    }

    async fn add_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        self.act_apart(audit, move |connection| {
            changed(connection, JOIN, params![group.as_bytes(), user.as_bytes()])
        })
        .await
    }

    async fn remove_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        self.act_apart(audit, move |connection| {
            changed(connection, LEAVE, params![group.as_bytes(), user.as_bytes()])
        })
        .await
    }

    async fn set_groups(
        &self,
        user: UserId,
        groups: &[GroupId],
        directory: Option<&str>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let wanted: BTreeSet<GroupId> = groups.iter().copied().collect();
        let (directory, audit) = (directory.map(str::to_owned), audit.cloned());
        self.write(move |connection| {
            audit::check(connection, audit.as_ref())?;
            set_groups(connection, user, &wanted, directory.as_deref(), audit.as_ref())
        })
        .await
    }
}

fn set_groups(
    connection: &Connection,
    user: UserId,
    wanted: &BTreeSet<GroupId>,
    directory: Option<&str>,
    audit: Option<&AuditRecord>,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(REALM)?;
    let realm = statement.query_row([user.as_bytes()], |row| row.get(0)).optional()?;
    let Some(realm) = realm.map(RealmId::from_bytes) else { return Ok(false) };
    for group in groups_of(connection, user)? {
        if !wanted.contains(&group.id) && directory.is_none_or(|directory| group.is_from(directory)) {
            changed(connection, LEAVE, params![group.id.as_bytes(), user.as_bytes()])?;
            let row = audit.map(|audit| group.audit_record(Act::GroupLeft, audit));
            audit::write(connection, row.as_ref())?;
        }
    }
    for id in wanted {
        let group = one(connection, BY_ID, [id.as_bytes()])?.filter(|group| group.realm == realm);
        let group = group.ok_or(StoreError::Missing("group"))?;
        if changed(connection, JOIN, params![id.as_bytes(), user.as_bytes()])? {
            let row = audit.map(|audit| group.audit_record(Act::GroupJoined, audit));
            audit::write(connection, row.as_ref())?;
        }
    }
    Ok(true)
}

fn groups_of(connection: &Connection, user: UserId) -> Result<Vec<Group>> {
    let mut groups = all(connection, OF_USER, [user.as_bytes()])?;
    groups.sort_by_cached_key(|group| fold(&group.name));
    Ok(groups)
}

fn one(connection: &Connection, query: &str, params: impl Params) -> Result<Option<Group>> {
    Ok(all(connection, query, params)?.pop())
}

fn all(connection: &Connection, query: &str, params: impl Params) -> Result<Vec<Group>> {
    let mut statement = connection.prepare_cached(query)?;
    statement.query_and_then(params, |row| group(&mut Columns::of(row)))?.collect()
}

fn group(columns: &mut Columns<'_>) -> Result<Group> {
    let (id, realm) = (GroupId::from_bytes(columns.take()?), RealmId::from_bytes(columns.take()?));
    let name = columns.take()?;
    let (directory, entry): (Option<String>, Option<String>) = (columns.take()?, columns.take()?);
    let source = directory.zip(entry).map(|(directory, entry)| GroupSource { directory, entry });
    Ok(Group { id, realm, name, source, made: columns.timestamp()? })
}

/// The error for a group's row that was refused.
fn refusal(error: rusqlite::Error) -> CommandError {
    if taken(&error).is_some() {
        return StoreError::Conflict(Conflict::Group).into();
    }
    if is_dangling(&error) { StoreError::Missing("realm").into() } else { error.into() }
}
