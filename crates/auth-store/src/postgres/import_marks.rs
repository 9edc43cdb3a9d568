//! What imports remember of the records that they have read, and the changes that records make.

use async_trait::async_trait;
use auth_core::{
    Act, BotKind, Conflict, ImportMark, ImportMarkStore, ImportedChange, Language, MarkKey, Revocation,
    StoreError, UserId,
};
use deadpool_postgres::{GenericClient, Transaction};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use tokio_postgres::Row;

use super::account::by_id;
use super::error::{CommandError, Result};
use super::row::{Columns, escaped};
use super::session::read;
use super::statement::{execute, row, rows};
use super::{Postgres, audit, bots, credentials, external_ids, names};
use crate::encoding::ExternalColumns;

pub(super) const PAGE: &str = "SELECT source, key, account, digest, fields FROM import_mark \
    WHERE source = $1 AND key > $2 ORDER BY key LIMIT $3";
pub(super) const BY_KEY: &str =
    "SELECT source, key, account, digest, fields FROM import_mark WHERE source = $1 AND key = $2";
pub(super) const OF_USER: &str =
    "SELECT source, key, account, digest, fields FROM import_mark WHERE account = $1";
pub(super) const WRITE: &str = "INSERT INTO import_mark (source, key, account, digest, fields) \
    SELECT r.source, r.key, r.account, r.digest, r.fields \
    FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) \
    AS r (source, key, account, digest, fields) \
    ON CONFLICT (source, key) DO UPDATE SET account = excluded.account, digest = excluded.digest, \
    fields = excluded.fields";
pub(super) const CHANGE: &str = "UPDATE account SET full_name = $3, role = $4, bot = $5, active = $6, valid_from = $7, \
    email_second_factor = $8, must_change_password = $9, zulip = $10, rocketchat = $11, rocketchat_roles = $12, \
    zettelstore = $13, zettelstore_role = $14, external = $15, bot_owner = $16, language = $17, \
    password = coalesce($18, password), version = version + 1 WHERE id = $1 AND version = $2";
pub(super) const FORGET_IDS: &str = "DELETE FROM external_id WHERE account = $1";

#[async_trait]
impl ImportMarkStore for Postgres {
    async fn import_marks(
        &self,
        source: &str,
        after: Option<MarkKey>,
        limit: u32,
    ) -> std::result::Result<Vec<ImportMark>, StoreError> {
        // The empty key sorts before every other.
        let (after, limit) = (after.as_ref().map_or(&[][..], |key| &key[..]), i64::from(limit));
        let found = read!(self, |client| rows(client, PAGE, &[&source, &after, &limit]).await)?;
        Ok(found.iter().map(mark).collect::<Result<_>>()?)
    }

    async fn import_mark(
        &self,
        source: &str,
        key: MarkKey,
    ) -> std::result::Result<Option<ImportMark>, StoreError> {
        let found = read!(self, |client| row(client, BY_KEY, &[&source, &&key[..]]).await)?;
        Ok(found.as_ref().map(mark).transpose()?)
    }

    async fn import_marks_of(&self, user: UserId) -> std::result::Result<Vec<ImportMark>, StoreError> {
        let found = read!(self, |client| rows(client, OF_USER, &[&&user.as_bytes()[..]]).await)?;
        Ok(found.iter().map(mark).collect::<Result<_>>()?)
    }
}

fn mark(row: &Row) -> Result<ImportMark> {
    let mut columns = Columns::of(row);
    Ok(ImportMark {
        source: columns.take()?,
        key: columns.bytes()?,
        user: columns.bytes_or_none()?.map(UserId::from_bytes),
        digest: columns.bytes()?,
        fields: columns.take()?,
    })
}

/// Remembers records, in place of what was remembered of them. No two are of one record.
pub(super) async fn write(client: &impl GenericClient, marks: &[&ImportMark]) -> Result<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let sources: Vec<&str> = marks.iter().map(|mark| mark.source.as_str()).collect();
    let keys: Vec<&[u8]> = marks.iter().map(|mark| &mark.key[..]).collect();
    let users: Vec<Option<&[u8]>> =
        marks.iter().map(|mark| mark.user.as_ref().map(|user| &user.as_bytes()[..])).collect();
    let digests: Vec<&[u8]> = marks.iter().map(|mark| &mark.digest[..]).collect();
    let fields: Vec<&[u8]> = marks.iter().map(|mark| &mark.fields[..]).collect();
    execute(client, WRITE, &[&sources, &keys, &users, &digests, &fields]).await?;
    Ok(())
}

/// Writes changes of accounts; returns the users that they have changed. What one change asks doesn't wait for the answers to
/// another. An error leaves nothing behind.
///
/// # Errors
/// [`StoreError::Changed`] when an account is gone or has another version, [`StoreError::Conflict`] when another user has one of
/// the names or ids that a change gives.
pub(super) async fn change(
    transaction: &mut Transaction<'_>,
    changes: &[&ImportedChange],
) -> Result<Vec<UserId>> {
    let part = transaction.transaction().await?;
    match write_changes(&part, changes).await {
        Ok(changed) => {
            part.commit().await?;
            Ok(changed)
        }
        Err(error) if error.breaks_connection() => Err(error),
        Err(error) => {
            part.rollback().await?;
            Err(refusal(error))
        }
    }
}

/// The error for a change that was refused, the same as other stores return.
fn refusal(error: CommandError) -> CommandError {
    let Some(constraint) = error.taken() else { return error };
    let constraint = constraint.to_owned();
    if constraint.starts_with("credential") {
        return StoreError::Conflict(Conflict::Credential).into();
    }
    match external_ids::taken_in(&constraint) {
        Some(protocol) => StoreError::Conflict(Conflict::ExternalId(protocol)).into(),
        None => error,
    }
}

async fn write_changes(client: &impl GenericClient, changes: &[&ImportedChange]) -> Result<Vec<UserId>> {
    let accounts = changes.iter().filter(|change| change.is_change);
    let changed = together(accounts.map(|change| change_account(client, change).boxed()).collect()).await?;
    let rows = changes.iter().flat_map(|change| &change.audit);
    together(rows.map(|row| audit::write(client, Some(row)).boxed()).collect()).await?;
    let marks: Vec<&ImportMark> = changes.iter().filter_map(|change| change.mark.as_ref()).collect();
    write(client, &marks).await?;
    Ok(changed.into_iter().flatten().collect())
}

/// Awaits all, each of which begins in its turn without waiting for the one before: but for the first, which prepares the
/// statements of all.
async fn together<T>(mut all: Vec<BoxFuture<'_, Result<T>>>) -> Result<Vec<T>> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let mut done = vec![all.remove(0).await?];
    done.extend(try_join_all(all).await?);
    Ok(done)
}

async fn change_account(client: &impl GenericClient, change: &ImportedChange) -> Result<Vec<UserId>> {
    let user = &change.user;
    let id = &user.id.as_bytes()[..];
    // Not locked: whoever changes the account before the update makes it another version.
    let Some(before) = by_id(client, user.id).await?.map(|account| account.user) else {
        return Err(StoreError::Changed.into());
    };
    let mut changed = vec![user.id];
    if before.active && !user.active {
        let (kinds, valid_from) = &change.bots;
        let revocation = Revocation { valid_from: Some(*valid_from), kinds, except: None };
        let row = change.audit.iter().find(|row| row.act == Act::Deactivated);
        changed.extend(bots::deactivate(client, user.id, &revocation, row).await?);
    }
    let external = ExternalColumns::of(&user.external_ids, &user.external_roles)?;
    let rocketchat = external.rocketchat.as_deref().map(escaped);
    let zettelstore_role = external.zettelstore_role.as_deref().map(escaped);
    let written = execute(
        client,
        CHANGE,
        &[
            &id,
            &user.version.cast_signed(),
            &&*escaped(&user.full_name),
            &user.role.as_str(),
            &user.bot.map(BotKind::as_str),
            &user.active,
            &user.valid_from.as_millis(),
            &user.email_second_factor,
            &user.must_change_password,
            &external.zulip,
            &rocketchat.as_deref(),
            &external.rocketchat_roles,
            &external.zettelstore,
            &zettelstore_role.as_deref(),
            &external.external,
            &user.bot_owner.map(u64::cast_signed),
            &user.language.map(Language::tag),
            &change.password.as_ref().map(|password| password.expose()),
        ],
    )
    .await?;
    if written == 0 {
        return Err(StoreError::Changed.into());
    }
    if user.external_ids != before.external_ids {
        execute(client, FORGET_IDS, &[&id]).await?;
        external_ids::insert_others(client, user.id, before.realm, &user.external_ids).await?;
    }
    if user.names != before.names {
        execute(client, names::DELETE, &[&id]).await?;
        names::insert(client, user.id, before.realm, &user.names).await?;
    }
    let revocation = Revocation { valid_from: None, kinds: &change.revoked, except: None };
    credentials::revoke(client, user.id, &revocation).await?;
    for credential in &change.credentials {
        if !credentials::insert(client, credential).await? {
            return Err(StoreError::Conflict(Conflict::Credential).into());
        }
    }
    Ok(changed)
}
