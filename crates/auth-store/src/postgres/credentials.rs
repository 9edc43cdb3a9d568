//! Credentials: looked up, added, exchanged and deleted.

use async_trait::async_trait;
use auth_core::{
    Account, AuditRecord, Conflict, Credential, CredentialId, CredentialKind, CredentialStore, Digest,
    Revocation, StoreError, Timestamp, UserId,
};
use deadpool_postgres::GenericClient;
use futures_util::future::try_join_all;

use super::error::{CommandError, Result};
use super::row::{Columns, account_columns, credential_columns, escaped};
use super::session::{read, transact, write_once};
use super::statement::{execute, lock, row, rows, touch};
use super::{Postgres, audit};
use crate::credential_counts::{LOOKED_AT, of_all};
use crate::encoding::{credential_kind, protocol_names};

type StoreResult<T> = std::result::Result<T, StoreError>;

/// Last uses that one command writes.
const USES: usize = 1000;

/// Rows that one command of a purge deletes, so that none takes long.
const PURGE: i64 = 1000;

/// The error of an exchange whose new credential has a parent that is not there.
const NO_PARENT: &str = "parent of a credential";

pub(super) const BY_DIGEST: &str = concat!(
    "SELECT ",
    credential_columns!(),
    ", ",
    account_columns!(),
    " FROM credential AS c JOIN account AS u ON u.id = c.account WHERE c.digest = $2 AND c.kind = $1"
);
pub(super) const OF_USER: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM credential AS c WHERE c.account = $1 AND c.kind = $2 ORDER BY c.created, c.id"
);
pub(super) const INSERT: &str = "INSERT INTO credential (id, account, kind, digest, sealed, doors, \
    bypass_second_factor, label, created, expires, last_used, counter, clear_only, parent, client, agent) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
// Locked until the transaction ends, so that it is not deleted before what comes from it is there.
pub(super) const LOCK_OWN: &str = "SELECT id FROM credential WHERE id = $1 AND account = $2 FOR KEY SHARE";
// Never the one that was just added, whatever the clocks of servers say.
pub(super) const TRIM: &str = "DELETE FROM credential WHERE id IN (SELECT id FROM credential \
    WHERE account = $1 AND kind = $2 AND parent IS NOT DISTINCT FROM $5 AND id <> $4 \
    ORDER BY created DESC, id DESC OFFSET $3)";
// The user's row is locked first, as by every other command: else a command that adds what comes from the credential would
// wait for this one, and this one for it.
pub(super) const REMOVE: &str = "WITH owner AS MATERIALIZED (SELECT a.id FROM credential AS c \
    JOIN account AS a ON a.id = c.account WHERE c.id = $1 FOR UPDATE OF a), \
    gone AS (DELETE FROM credential WHERE id = $1 AND account = (SELECT id FROM owner) RETURNING account) \
    UPDATE account SET version = version + 1 FROM gone WHERE account.id = gone.account RETURNING account.id";
pub(super) const REMOVE_KINDS: &str =
    "DELETE FROM credential WHERE account = $1 AND kind = ANY($2) AND id IS DISTINCT FROM $3";
pub(super) const SET_LAST_USED: &str = "WITH written AS (UPDATE credential SET last_used = used.at \
    FROM unnest($1::bytea[], $2::bigint[]) AS used (id, at) \
    WHERE credential.id = used.id AND coalesce(credential.last_used, 0) < used.at \
    RETURNING credential.account, used.at), \
    newest AS (SELECT account, max(at) AS at FROM written GROUP BY account ORDER BY account) \
    UPDATE activity AS a SET last_use = n.at, seen = greatest(a.seen, n.at) FROM newest AS n \
    WHERE a.account = n.account AND coalesce(a.last_use, n.at - 1) < n.at";
pub(super) const RAISE: &str = "WITH raised AS (UPDATE credential SET counter = $2 \
    WHERE id = $1 AND counter < $2 RETURNING account) \
    UPDATE account SET version = version + 1 FROM raised WHERE account.id = raised.account \
    RETURNING account.id";
pub(super) const EXPIRED: &str = "WITH gone AS (DELETE FROM credential WHERE id IN (SELECT id FROM credential \
    WHERE expires < $1 AND kind <> 'device-removal' LIMIT $2) RETURNING account), \
    touched AS (UPDATE account SET version = version + 1 WHERE id IN (SELECT account FROM gone) RETURNING id) \
    SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM touched)";
// Ids as text have the same order, and every version knows the last of texts.
pub(super) const LOWEST: &str = "SELECT kind, count(*), max(encode(id, 'hex') COLLATE \"C\") \
    FROM (SELECT id, kind FROM credential ORDER BY id LIMIT $1) AS lowest GROUP BY kind";
pub(super) const ENDED: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM credential AS c WHERE c.expires < $1 AND c.kind = $2 ORDER BY c.expires LIMIT $3"
);

#[async_trait]
impl CredentialStore for Postgres {
    async fn by_digest(
        &self,
        kind: CredentialKind,
        digest: &Digest,
    ) -> StoreResult<Option<(Credential, Account)>> {
        let (kind, digest) = (kind.as_str(), &digest.as_bytes()[..]);
        let found = read!(self, |client| row(client, BY_DIGEST, &[&kind, &digest]).await)?;
        let Some(row) = found else { return Ok(None) };
        let mut columns = Columns::of(&row);
        Ok(Some((columns.credential()?, columns.account()?)))
    }

    async fn of_user(&self, user: UserId, kind: CredentialKind) -> StoreResult<Vec<Credential>> {
        Ok(read!(self, |client| of_user(client, user, kind).await)?)
    }

    async fn of_kinds(&self, user: UserId, kinds: &[CredentialKind]) -> StoreResult<Vec<Credential>> {
        // All are sent at once: the connection answers them in turn.
        let found = read!(self, |client| {
            try_join_all(kinds.iter().map(|kind| of_user(client, user, *kind))).await
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn add(
        &self,
        credential: &Credential,
        keep: u32,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (user, kind, id) = (credential.user, credential.kind.as_str(), &credential.id.as_bytes()[..]);
        let parent = credential.parent.as_ref().map(|parent| &parent.as_bytes()[..]);
        let others = i64::from(keep.saturating_sub(1));
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            if !touch(transaction, user).await? || !insert(transaction, credential).await? {
                return Ok(false);
            }
            execute(transaction, TRIM, &[&&user.as_bytes()[..], &kind, &others, &id, &parent]).await?;
            audit::write(transaction, audit).await?;
            Ok(true)
        });
        self.added(credential, done).await
    }

    async fn succeed(&self, other: CredentialId, new: &Credential) -> StoreResult<bool> {
        let done = transact!(self, |transaction| {
            // The user first, as everything that revokes does.
            Ok(touch(transaction, new.user).await?
                && lock_own(transaction, new.user, other).await?
                && insert(transaction, new).await?)
        });
        self.added(new, done).await
    }

    async fn ensure(&self, credential: &Credential) -> StoreResult<Option<Credential>> {
        let (user, kind) = (credential.user, credential.kind);
        let is_it = |own: &Credential| own.parent == credential.parent;
        // Nearly always the user has one, and a read is cheaper than a commit.
        if let Some(own) = self.of_user(user, kind).await?.into_iter().find(is_it) {
            return Ok(Some(own));
        }
        let done = transact!(self, |transaction| {
            if !lock(transaction, user).await? {
                return Ok(None);
            }
            if let Some(own) = of_user(transaction, user, kind).await?.into_iter().find(is_it) {
                return Ok(Some(own));
            }
            if !insert(transaction, credential).await? {
                return Ok(None);
            }
            touch(transaction, user).await?;
            Ok(Some(credential.clone()))
        });
        match done {
            Err(error) if taken(&error).is_some() => Err(conflict()),
            done => self.notify(user, done),
        }
    }

    async fn replace(
        &self,
        old: CredentialId,
        new: &Credential,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let user = new.user;
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            // The user first, as everything that revokes does.
            if !lock(transaction, user).await? || !lock_own(transaction, user, old).await? {
                return Ok(false);
            }
            execute(transaction, REMOVE, &[&&old.as_bytes()[..]]).await?;
            let done = exchange(transaction, user, &[], None, std::slice::from_ref(new)).await?;
            audit::write(transaction, audit.filter(|_| done)).await?;
            Ok(done)
        });
        self.exchanged(user, done)
    }

    async fn remove(&self, id: CredentialId, audit: Option<&AuditRecord>) -> StoreResult<bool> {
        let id = &id.as_bytes()[..];
        let owner = match audit {
            // One statement where no row is to be written: a code that is used once.
            None => write_once!(self, |client| row(client, REMOVE, &[&id]).await)?,
            Some(_) => transact!(self, |transaction| {
                audit::check(transaction, audit).await?;
                let owner = row(transaction, REMOVE, &[&id]).await?;
                audit::write(transaction, audit.filter(|_| owner.is_some())).await?;
                Ok(owner)
            })?,
        };
        self.notify_owner(owner.as_ref())
    }

    async fn remove_of_user(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<u64> {
        let (id, kinds) = (&user.as_bytes()[..], names(kinds));
        let except = except.as_ref().map(|id| &id.as_bytes()[..]);
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            // Locked first, so that credentials added meanwhile are deleted too.
            lock(transaction, user).await?;
            let count = execute(transaction, REMOVE_KINDS, &[&id, &kinds, &except]).await?;
            if count > 0 {
                touch(transaction, user).await?;
                audit::write(transaction, audit).await?;
            }
            Ok(count)
        });
        self.notify(user, done)
    }

    async fn exchange(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        new: &[Credential],
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            let done = exchange(transaction, user, kinds, except, new).await?;
            audit::write(transaction, audit.filter(|_| done)).await?;
            Ok(done)
        });
        self.exchanged(user, done)
    }

    async fn raise_counter(&self, id: CredentialId, to: i64) -> StoreResult<bool> {
        let id = &id.as_bytes()[..];
        let owner = write_once!(self, |client| row(client, RAISE, &[&id, &to]).await)?;
        self.notify_owner(owner.as_ref())
    }

    async fn set_last_used(&self, uses: &[(CredentialId, Timestamp)]) -> StoreResult<()> {
        let mut uses = uses.to_vec();
        // In one order at all servers, so that none waits for another that waits for it.
        uses.sort_unstable_by_key(|(id, _)| *id.as_bytes());
        for uses in uses.chunks(USES) {
            let ids: Vec<&[u8]> = uses.iter().map(|(id, _)| &id.as_bytes()[..]).collect();
            let times: Vec<i64> = uses.iter().map(|(_, at)| at.as_millis()).collect();
            write_once!(self, |client| execute(client, SET_LAST_USED, &[&ids, &times]).await)?;
        }
        Ok(())
    }

    async fn ended(&self, kind: CredentialKind, now: Timestamp, limit: u32) -> StoreResult<Vec<Credential>> {
        let (now, kind, limit) = (now.as_millis(), kind.as_str(), i64::from(limit));
        let found = read!(self, |client| rows(client, ENDED, &[&now, &kind, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).credential()).collect::<Result<_>>()?)
    }

    async fn counts(&self) -> StoreResult<Vec<(CredentialKind, u64)>> {
        let limit = i64::from(LOOKED_AT);
        let found = read!(self, |client| rows(client, LOWEST, &[&limit]).await)?;
        let (mut lowest, mut highest) = (Vec::new(), None);
        for row in &found {
            let mut columns = Columns::of(row);
            let kind = credential_kind(columns.take()?)?;
            let count: i64 = columns.take()?;
            lowest.push((kind, u64::try_from(count).unwrap_or(0)));
            highest = highest.max(columns.take::<&str>()?.parse().ok());
        }
        Ok(of_all(lowest, highest))
    }

    async fn purge(&self, now: Timestamp) -> StoreResult<u64> {
        let now = now.as_millis();
        let mut total = 0;
        loop {
            // Every server refuses expired credentials already: no listener needs to know.
            let found = write_once!(self, |client| row(client, EXPIRED, &[&now, &PURGE]).await)?;
            let count: i64 = found.map_or(Ok(0), |row| Columns::of(&row).take())?;
            total += u64::try_from(count).unwrap_or(0);
            if count < PURGE {
                return Ok(total);
            }
        }
    }
}

impl Postgres {
    /// The outcome of a command that adds a credential.
    async fn added(&self, new: &Credential, done: Result<bool>) -> StoreResult<bool> {
        match done {
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            Err(error) if matches!(taken(&error), Some(Taken::Id | Taken::Label)) => {
                let own = self.of_user(new.user, new.kind).await?;
                Ok(own.iter().any(|own| own.id == new.id))
            }
            Err(error) if taken(&error).is_some() => Err(conflict()),
            done => self.notify(new.user, done),
        }
    }

    /// The outcome of an exchange, which has changed nothing where there was no room.
    fn exchanged(&self, user: UserId, done: Result<bool>) -> StoreResult<bool> {
        match done.as_ref().err().and_then(taken) {
            Some(Taken::Digest) => Err(conflict()),
            Some(Taken::Id | Taken::Label) => Ok(false),
            None => match self.notify(user, done) {
                Err(StoreError::Missing(NO_PARENT)) => Ok(false),
                done => done,
            },
        }
    }

    /// Notifies of a change of a credential's owner, if the statement changed one; returns whether it did.
    fn notify_owner(&self, owner: Option<&tokio_postgres::Row>) -> StoreResult<bool> {
        if let Some(row) = owner {
            self.notifications.notify(UserId::from_bytes(Columns::of(row).bytes()?));
        }
        Ok(owner.is_some())
    }
}

/// The part of a new credential that another has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Id,
    Label,
    Digest,
}

/// The part of a new credential that another has already, if that is the error.
pub(super) fn taken(error: &CommandError) -> Option<Taken> {
    Some(match error.taken()? {
        "credential_by_label" => Taken::Label,
        "credential_by_digest" => Taken::Digest,
        _ => Taken::Id,
    })
}

/// The names of kinds, as statements take them.
fn names(kinds: &[CredentialKind]) -> Vec<&str> {
    kinds.iter().map(CredentialKind::as_str).collect()
}

/// Deletes the credentials that are revoked with a change of their user, whose row is locked.
pub(super) async fn revoke(
    client: &impl GenericClient,
    user: UserId,
    revocation: &Revocation<'_>,
) -> Result<()> {
    if !revocation.kinds.is_empty() {
        let except = revocation.except.as_ref().map(|id| &id.as_bytes()[..]);
        let kinds = names(revocation.kinds);
        execute(client, REMOVE_KINDS, &[&&user.as_bytes()[..], &kinds, &except]).await?;
    }
    Ok(())
}

/// Deletes a user's credentials of the given kinds except one, and adds others. `false` when there is no such user.
pub(super) async fn exchange(
    client: &impl GenericClient,
    user: UserId,
    kinds: &[CredentialKind],
    except: Option<CredentialId>,
    new: &[Credential],
) -> Result<bool> {
    if !touch(client, user).await? {
        return Ok(false);
    }
    let except = except.as_ref().map(|id| &id.as_bytes()[..]);
    execute(client, REMOVE_KINDS, &[&&user.as_bytes()[..], &names(kinds), &except]).await?;
    for credential in new {
        if !insert(client, &Credential { user, ..credential.clone() }).await? {
            // A command that fails is rolled back as a whole.
            return Err(StoreError::Missing(NO_PARENT).into());
        }
    }
    Ok(true)
}

/// Whether a user has a credential of that id, which stays until the transaction ends.
async fn lock_own(client: &impl GenericClient, user: UserId, id: CredentialId) -> Result<bool> {
    Ok(row(client, LOCK_OWN, &[&&id.as_bytes()[..], &&user.as_bytes()[..]]).await?.is_some())
}

/// Writes a credential; `false` when its parent is not there.
pub(super) async fn insert(client: &impl GenericClient, credential: &Credential) -> Result<bool> {
    if let Some(parent) = credential.parent
        && !lock_own(client, credential.user, parent).await?
    {
        return Ok(false);
    }
    let parent = credential.parent.as_ref().map(|parent| &parent.as_bytes()[..]);
    let agent = credential.origin.as_ref().and_then(|origin| origin.agent.as_deref()).map(escaped);
    let params = (
        &credential.id.as_bytes()[..],
        &credential.user.as_bytes()[..],
        credential.digest.as_ref().map(|digest| &digest.as_bytes()[..]),
        credential.label.as_deref().map(escaped),
        credential.expires.map(Timestamp::as_millis),
        credential.last_used.map(Timestamp::as_millis),
    );
    execute(
        client,
        INSERT,
        &[
            &params.0,
            &params.1,
            &credential.kind.as_str(),
            &params.2,
            &credential.sealed,
            &protocol_names(&credential.scope.protocols),
            &credential.scope.bypass_second_factor,
            &params.3.as_deref(),
            &credential.created.as_millis(),
            &params.4,
            &params.5,
            &credential.counter,
            &credential.clear_only,
            &parent,
            &credential.origin.as_ref().map(|origin| origin.client.to_string()),
            &agent.as_deref(),
        ],
    )
    .await?;
    Ok(true)
}

async fn of_user(client: &impl GenericClient, user: UserId, kind: CredentialKind) -> Result<Vec<Credential>> {
    let found = rows(client, OF_USER, &[&&user.as_bytes()[..], &kind.as_str()]).await?;
    found.iter().map(|row| Columns::of(row).credential()).collect()
}

fn conflict() -> StoreError {
    StoreError::Conflict(Conflict::Credential)
}
