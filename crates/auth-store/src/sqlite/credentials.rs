//! Credentials: looked up, added, exchanged and deleted.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use auth_core::{
    Account, AuditRecord, Conflict, Credential, CredentialId, CredentialKind, CredentialStore, Digest,
    StoreError, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{CommandError, Result, taken};
use super::row::{Columns, account_columns, credential_columns};
use super::statement::touch;
use super::{Sqlite, activity, audit};
use crate::credential_counts::{LOOKED_AT, of_all};
use crate::encoding::{credential_kind, protocol_names};

type StoreResult<T> = std::result::Result<T, StoreError>;

/// Last uses that one command writes.
const USES: usize = 1000;

/// Rows that one command of a purge deletes, so that other commands run in between.
const PURGE: u32 = 1000;

/// The error of an exchange that finds a label taken.
const NOT_EXCHANGED: &str = "room for a credential";

pub(super) const BY_DIGEST: &str = concat!(
    "SELECT ",
    credential_columns!(),
    ", ",
    account_columns!(),
    " FROM credential AS c CROSS JOIN user AS u ON u.number = c.user WHERE c.kind = ?1 AND c.digest = ?2"
);
pub(super) const OF_USER: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM user AS u CROSS JOIN credential AS c ON c.user = u.number
     WHERE u.id = ?1 AND c.kind = ?2 ORDER BY c.created, c.number"
);
pub(super) const INSERT: &str = "INSERT INTO credential (id, user, kind, digest, sealed, doors, \
    bypass_second_factor, label, created, expires, last_used, counter, clear_only, parent, client, agent) \
    SELECT ?1, number, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16 FROM user WHERE id = ?2";
pub(super) const NUMBER: &str = "SELECT c.number FROM credential AS c CROSS JOIN user AS u \
    ON u.number = c.user WHERE c.id = ?1 AND u.id = ?2";
pub(super) const TRIM: &str = "DELETE FROM credential WHERE number IN (SELECT number FROM credential \
    WHERE user = (SELECT number FROM user WHERE id = ?1) AND kind = ?2 AND parent IS ?4 AND id <> ?5 \
    ORDER BY created DESC, number DESC LIMIT -1 OFFSET ?3)";
pub(super) const REMOVE: &str = "DELETE FROM credential WHERE id = ?1 \
    RETURNING (SELECT id FROM user WHERE number = credential.user)";
pub(super) const REMOVE_KIND: &str = "DELETE FROM credential \
    WHERE user = (SELECT number FROM user WHERE id = ?1) AND kind = ?2 AND id IS NOT ?3";
pub(super) const COUNT_KIND: &str = "SELECT count(*) FROM credential \
    WHERE user = (SELECT number FROM user WHERE id = ?1) AND kind = ?2 AND id IS NOT ?3";
pub(super) const SET_LAST_USED: &str =
    "UPDATE credential SET last_used = ?2 WHERE id = ?1 AND coalesce(last_used, 0) < ?2 RETURNING user";
pub(super) const RAISE: &str = "UPDATE credential SET counter = ?2 WHERE id = ?1 AND counter < ?2 \
    RETURNING (SELECT id FROM user WHERE number = credential.user)";
pub(super) const EXPIRED: &str = "DELETE FROM credential WHERE number IN (SELECT number FROM credential \
    WHERE expires < ?1 AND kind <> 'device-removal' LIMIT ?2) \
    RETURNING (SELECT id FROM user WHERE number = credential.user)";
pub(super) const LOWEST: &str = "SELECT id, kind FROM credential ORDER BY id LIMIT ?1";
pub(super) const ENDED: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM credential AS c CROSS JOIN user AS u ON u.number = c.user
     WHERE c.expires < ?1 AND c.kind = ?2 ORDER BY c.expires LIMIT ?3"
);

#[async_trait]
impl CredentialStore for Sqlite {
    async fn by_digest(
        &self,
        kind: CredentialKind,
        digest: &Digest,
    ) -> StoreResult<Option<(Credential, Account)>> {
        let digest = *digest.as_bytes();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(BY_DIGEST)?;
            let found = statement.query_row(params![kind.as_str(), digest], |row| {
                let mut columns = Columns::of(row);
                Ok(columns.credential().and_then(|credential| Ok((credential, columns.account(connection)?))))
            });
            found.optional()?.transpose()
        })
        .await
    }

    async fn of_user(&self, user: UserId, kind: CredentialKind) -> StoreResult<Vec<Credential>> {
        self.read(move |connection| of_user(connection, user, kind)).await
    }

    async fn of_kinds(&self, user: UserId, kinds: &[CredentialKind]) -> StoreResult<Vec<Credential>> {
        let kinds = kinds.to_vec();
        self.read(move |connection| {
            let mut found = Vec::new();
            for kind in &kinds {
                found.extend(of_user(connection, user, *kind)?);
            }
            Ok(found)
        })
        .await
    }

    async fn add(
        &self,
        credential: &Credential,
        keep: u32,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (new, audit) = (credential.clone(), audit.cloned());
        self.change(new.user, move |connection| {
            audit::check(connection, audit.as_ref())?;
            let added = add(connection, &new, keep)?;
            audit::write(connection, audit.as_ref().filter(|_| added == Added::Now))?;
            Ok(added != Added::No)
        })
        .await
    }

    async fn succeed(&self, other: CredentialId, new: &Credential) -> StoreResult<bool> {
        let new = new.clone();
        self.change(new.user, move |connection| {
            Ok(number(connection, new.user, other)?.is_some()
                && add(connection, &new, u32::MAX)? != Added::No)
        })
        .await
    }

    async fn ensure(&self, credential: &Credential) -> StoreResult<Option<Credential>> {
        // Nearly always the user has one, and a read is cheaper than a commit.
        let (user, kind, parent) = (credential.user, credential.kind, credential.parent);
        let read = move |connection: &Connection| {
            Ok(of_user(connection, user, kind)?.into_iter().find(|own| own.parent == parent))
        };
        if let Some(own) = self.read(read).await? {
            return Ok(Some(own));
        }
        let credential = credential.clone();
        self.change(user, move |connection| {
            if let Some(own) = read(connection)? {
                return Ok(Some(own));
            }
            match insert(connection, user, &credential) {
                Ok(()) => {
                    touch(connection, user)?;
                    Ok(Some(credential))
                }
                Err(NotInserted::NoUser | NotInserted::NoParent) => Ok(None),
                Err(NotInserted::Failed(error)) => Err(error),
                Err(_) => Err(conflict()),
            }
        })
        .await
    }

    async fn replace(
        &self,
        old: CredentialId,
        new: &Credential,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let new = new.clone();
        let replaced = self.act(new.user, audit, move |connection| {
            if number(connection, new.user, old)?.is_none() {
                return Ok(false);
            }
            remove(connection, old)?;
            exchange(connection, new.user, &[], None, std::slice::from_ref(&new))
        });
        exchanged(replaced.await)
    }

    async fn remove(&self, id: CredentialId, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        let audit = audit.cloned();
        let owner = self.write(move |connection| {
            audit::check(connection, audit.as_ref())?;
            let owner = remove(connection, id)?;
            audit::write(connection, audit.as_ref().filter(|_| owner.is_some()))?;
            Ok(owner)
        });
        Ok(self.notify_owner(owner.await?))
    }

    async fn remove_of_user(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<u64> {
        let (kinds, audit) = (kinds.to_vec(), audit.cloned());
        self.change(user, move |connection| {
            audit::check(connection, audit.as_ref())?;
            // Counted first: a deletion may take those of the next kind along.
            let count = count_kinds(connection, user, &kinds, except)?;
            if count > 0 {
                delete_kinds(connection, user, &kinds, except)?;
                touch(connection, user)?;
                audit::write(connection, audit.as_ref())?;
            }
            Ok(count)
        })
        .await
    }

    async fn exchange(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        new: &[Credential],
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (kinds, new) = (kinds.to_vec(), new.to_vec());
        let done = self.act(user, audit, move |connection| exchange(connection, user, &kinds, except, &new));
        exchanged(done.await)
    }

    async fn raise_counter(&self, id: CredentialId, to: i64) -> StoreResult<bool> {
        let owner = self.write(move |connection| {
            let mut statement = connection.prepare_cached(RAISE)?;
            let owner = statement.query_row(params![id.as_bytes(), to], |row| row.get(0)).optional()?;
            touch_owner(connection, owner)
        });
        Ok(self.notify_owner(owner.await?))
    }

    async fn set_last_used(&self, uses: &[(CredentialId, Timestamp)]) -> StoreResult<()> {
        for uses in uses.chunks(USES) {
            let uses = uses.to_vec();
            self.write(move |connection| {
                let mut statement = connection.prepare_cached(SET_LAST_USED)?;
                let mut of_owner = connection.prepare_cached(activity::USED)?;
                for (id, at) in uses {
                    let at = at.as_millis();
                    let owner = statement.query_row(params![id.as_bytes(), at], |row| row.get::<_, i64>(0));
                    if let Some(owner) = owner.optional()? {
                        of_owner.execute([owner, at])?;
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn ended(&self, kind: CredentialKind, now: Timestamp, limit: u32) -> StoreResult<Vec<Credential>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(ENDED)?;
            let rows = statement.query_and_then(params![now.as_millis(), kind.as_str(), limit], |row| {
                Columns::of(row).credential()
            })?;
            rows.collect()
        })
        .await
    }

    async fn counts(&self) -> StoreResult<Vec<(CredentialKind, u64)>> {
        self.read(counts).await
    }

    async fn purge(&self, now: Timestamp) -> StoreResult<u64> {
        let mut total = 0;
        loop {
            let count = self.write(move |connection| purge(connection, now)).await?;
            total += count;
            if count < u64::from(PURGE) {
                return Ok(total);
            }
        }
    }
}

/// Counts the credentials of each kind, or estimates how many there are.
fn counts(connection: &Connection) -> Result<Vec<(CredentialKind, u64)>> {
    let mut statement = connection.prepare_cached(LOWEST)?;
    let mut rows = statement.query([LOOKED_AT])?;
    let (mut lowest, mut highest) = (BTreeMap::new(), None);
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        highest = Some(CredentialId::from_bytes(columns.take()?));
        *lowest.entry(credential_kind(&columns.take::<String>()?)?).or_default() += 1;
    }
    Ok(of_all(lowest.into_iter().collect(), highest))
}

impl Sqlite {
    /// Notifies of a change of a credential's owner, if the statement changed one; returns whether it did.
    fn notify_owner(&self, owner: Option<UserId>) -> bool {
        if let Some(user) = owner {
            self.listeners.notify(user);
        }
        owner.is_some()
    }
}

/// Why a credential was not inserted.
pub(super) enum NotInserted {
    NoUser,
    NoParent,
    IdTaken,
    LabelTaken,
    DigestTaken,
    Failed(CommandError),
}

impl From<rusqlite::Error> for NotInserted {
    fn from(error: rusqlite::Error) -> Self {
        match taken(&error) {
            Some(columns) if columns.contains("credential.label") => Self::LabelTaken,
            Some(columns) if columns.contains("credential.digest") => Self::DigestTaken,
            Some(_) => Self::IdTaken,
            None => Self::Failed(error.into()),
        }
    }
}

impl From<CommandError> for NotInserted {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

/// Writes a credential that belongs to `user`.
pub(super) fn insert(
    connection: &Connection,
    user: UserId,
    credential: &Credential,
) -> std::result::Result<(), NotInserted> {
    let parent = match credential.parent {
        None => None,
        Some(parent) => Some(number(connection, user, parent)?.ok_or(NotInserted::NoParent)?),
    };
    let written = connection.prepare_cached(INSERT)?.execute(params![
        credential.id.as_bytes(),
        user.as_bytes(),
        credential.kind.as_str(),
        credential.digest.as_ref().map(Digest::as_bytes),
        credential.sealed,
        protocol_names(&credential.scope.protocols),
        credential.scope.bypass_second_factor,
        credential.label,
        credential.created.as_millis(),
        credential.expires.map(Timestamp::as_millis),
        credential.last_used.map(Timestamp::as_millis),
        credential.counter,
        credential.clear_only,
        parent,
        credential.origin.as_ref().map(|origin| origin.client.to_string()),
        credential.origin.as_ref().and_then(|origin| origin.agent.as_deref()),
    ])?;
    if written == 0 { Err(NotInserted::NoUser) } else { Ok(()) }
}

/// Whether a credential is there after a command that adds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Added {
    Now,
    /// By an earlier command that this one repeats.
    Before,
    /// There is no such user or parent, or the label is taken.
    No,
}

/// Adds a credential and keeps the newest of its kind and parent.
fn add(connection: &Connection, new: &Credential, keep: u32) -> Result<Added> {
    let (user, kind) = (new.user, new.kind);
    match insert(connection, user, new) {
        Ok(()) => {}
        Err(NotInserted::Failed(error)) => return Err(error),
        Err(NotInserted::NoUser | NotInserted::NoParent) => return Ok(Added::No),
        // A caller that repeats the command, because its outcome was unknown, finds its own row.
        Err(_) if number(connection, user, new.id)?.is_some() => return Ok(Added::Before),
        Err(NotInserted::IdTaken | NotInserted::LabelTaken) => return Ok(Added::No),
        Err(NotInserted::DigestTaken) => return Err(conflict()),
    }
    if keep < u32::MAX {
        let parent = new.parent.map(|parent| number(connection, user, parent)).transpose()?.flatten();
        // The new one stays, whatever the clocks said when the others were made.
        let (others, id) = (keep.saturating_sub(1), new.id);
        let of = params![user.as_bytes(), kind.as_str(), others, parent, id.as_bytes()];
        connection.prepare_cached(TRIM)?.execute(of)?;
    }
    touch(connection, user)?;
    Ok(Added::Now)
}

/// Deletes a credential and counts a change of its owner; returns the owner.
fn remove(connection: &Connection, id: CredentialId) -> Result<Option<UserId>> {
    let mut statement = connection.prepare_cached(REMOVE)?;
    let owner = statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    touch_owner(connection, owner)
}

/// The outcome of an exchange, which has changed nothing where there was no room.
fn exchanged(done: StoreResult<bool>) -> StoreResult<bool> {
    match done {
        Err(StoreError::Missing(NOT_EXCHANGED)) => Ok(false),
        other => other,
    }
}

/// The number of a user's credential; `None` when the user has none of that id.
fn number(connection: &Connection, user: UserId, id: CredentialId) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached(NUMBER)?;
    Ok(statement.query_row(params![id.as_bytes(), user.as_bytes()], |row| row.get(0)).optional()?)
}

/// Deletes a user's credentials of the given kinds except one, and those that came from them.
pub(super) fn delete_kinds(
    connection: &Connection,
    user: UserId,
    kinds: &[CredentialKind],
    except: Option<CredentialId>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(REMOVE_KIND)?;
    let except = except.as_ref().map(CredentialId::as_bytes);
    for kind in kinds {
        statement.execute(params![user.as_bytes(), kind.as_str(), except])?;
    }
    Ok(())
}

/// The number of a user's credentials of the given kinds except one.
fn count_kinds(
    connection: &Connection,
    user: UserId,
    kinds: &[CredentialKind],
    except: Option<CredentialId>,
) -> Result<u64> {
    let mut statement = connection.prepare_cached(COUNT_KIND)?;
    let except = except.as_ref().map(CredentialId::as_bytes);
    let mut count = 0;
    for kind in kinds.iter().collect::<BTreeSet<_>>() {
        count += statement
            .query_row(params![user.as_bytes(), kind.as_str(), except], |row| row.get::<_, i64>(0))?
            .cast_unsigned();
    }
    Ok(count)
}

fn of_user(connection: &Connection, user: UserId, kind: CredentialKind) -> Result<Vec<Credential>> {
    let mut statement = connection.prepare_cached(OF_USER)?;
    let rows = statement
        .query_and_then(params![user.as_bytes(), kind.as_str()], |row| Columns::of(row).credential())?;
    rows.collect()
}

fn purge(connection: &Connection, now: Timestamp) -> Result<u64> {
    let mut statement = connection.prepare_cached(EXPIRED)?;
    let owners = statement.query_map(params![now.as_millis(), PURGE], |row| row.get(0))?;
    let owners = owners.collect::<rusqlite::Result<Vec<[u8; 16]>>>()?;
    for owner in owners.iter().collect::<BTreeSet<_>>() {
        touch(connection, UserId::from_bytes(*owner))?;
    }
    Ok(u64::try_from(owners.len()).unwrap_or(u64::MAX))
}

/// Counts a change of a credential's owner, if there is one; returns the owner.
fn touch_owner(connection: &Connection, owner: Option<[u8; 16]>) -> Result<Option<UserId>> {
    let owner = owner.map(UserId::from_bytes);
    owner.map(|owner| touch(connection, owner)).transpose()?;
    Ok(owner)
}

fn conflict() -> CommandError {
    StoreError::Conflict(Conflict::Credential).into()
}

/// Deletes a user's credentials of the given kinds except one, and adds others. `false` when there is no such user.
pub(super) fn exchange(
    connection: &Connection,
    user: UserId,
    kinds: &[CredentialKind],
    except: Option<CredentialId>,
    new: &[Credential],
) -> Result<bool> {
    if !touch(connection, user)? {
        return Ok(false);
    }
    delete_kinds(connection, user, kinds, except)?;
    for credential in new {
        match insert(connection, user, credential) {
            Ok(()) => {}
            // A command that fails is rolled back as a whole.
            Err(
                NotInserted::NoUser | NotInserted::NoParent | NotInserted::IdTaken | NotInserted::LabelTaken,
            ) => return Err(StoreError::Missing(NOT_EXCHANGED).into()),
            Err(NotInserted::DigestTaken) => return Err(conflict()),
            Err(NotInserted::Failed(error)) => return Err(error),
        }
    }
    Ok(true)
}
