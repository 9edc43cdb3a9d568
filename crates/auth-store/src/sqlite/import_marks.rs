//! What imports remember of the records that they have read, and the changes that records make.

use async_trait::async_trait;
use auth_core::{
    Act, BotKind, Conflict, ImportMark, ImportMarkStore, ImportedChange, Language, MarkKey, Revocation,
    StoreError, UserId,
};
use rusqlite::{Connection, Row, params};

use super::account::by_id;
use super::credentials::NotInserted;
use super::error::{Result, taken};
use super::revocation::OwnedRevocation;
use super::row::Columns;
use super::{Sqlite, audit, bots, credentials, external_ids, names};
use crate::encoding::ExternalColumns;

pub(super) const PAGE: &str = "SELECT source, key, user, digest, fields FROM import_mark \
    WHERE source = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
pub(super) const BY_KEY: &str =
    "SELECT source, key, user, digest, fields FROM import_mark WHERE source = ?1 AND key = ?2";
pub(super) const OF_USER: &str = "SELECT source, key, user, digest, fields FROM import_mark WHERE user = ?1";
pub(super) const WRITE: &str = "INSERT INTO import_mark (source, key, user, digest, fields) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (source, key) DO UPDATE SET user = excluded.user, \
    digest = excluded.digest, fields = excluded.fields";
pub(super) const CHANGE: &str = "UPDATE user SET full_name = ?3, role = ?4, bot = ?5, active = ?6, valid_from = ?7, \
    email_second_factor = ?8, must_change_password = ?9, zulip = ?10, rocketchat = ?11, rocketchat_roles = ?12, \
    zettelstore = ?13, zettelstore_role = ?14, external = ?15, bot_owner = ?16, language = ?17, \
    password = coalesce(?18, password), version = version + 1 WHERE id = ?1 AND version = ?2";
pub(super) const FORGET_IDS: &str =
    "DELETE FROM external_id WHERE user = (SELECT number FROM user WHERE id = ?1)";

#[async_trait]
impl ImportMarkStore for Sqlite {
    async fn import_marks(
        &self,
        source: &str,
        after: Option<MarkKey>,
        limit: u32,
    ) -> std::result::Result<Vec<ImportMark>, StoreError> {
        let source = source.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(PAGE)?;
            // The empty key sorts before every other.
            let after = after.as_ref().map_or(&[][..], |key| &key[..]);
            statement.query_and_then(params![source, after, limit], mark)?.collect()
        })
        .await
    }

    async fn import_mark(
        &self,
        source: &str,
        key: MarkKey,
    ) -> std::result::Result<Option<ImportMark>, StoreError> {
        let source = source.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(BY_KEY)?;
            statement.query_and_then(params![source, key], mark)?.next().transpose()
        })
        .await
    }

    async fn import_marks_of(&self, user: UserId) -> std::result::Result<Vec<ImportMark>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(OF_USER)?;
            statement.query_and_then([user.as_bytes()], mark)?.collect()
        })
        .await
    }
}

fn mark(row: &Row<'_>) -> Result<ImportMark> {
    let mut columns = Columns::of(row);
    Ok(ImportMark {
        source: columns.take()?,
        key: columns.take()?,
        user: columns.take::<Option<[u8; 16]>>()?.map(UserId::from_bytes),
        digest: columns.take()?,
        fields: columns.take()?,
    })
}

/// Remembers a record, in place of what was remembered of it.
pub(super) fn write(connection: &Connection, mark: &ImportMark) -> Result<()> {
    let user = mark.user.as_ref().map(UserId::as_bytes);
    let row = params![mark.source, mark.key, user, mark.digest, mark.fields];
    connection.prepare_cached(WRITE)?.execute(row)?;
    Ok(())
}

/// Writes a change of an account; returns the users that it has changed.
///
/// # Errors
/// [`StoreError::Changed`] when the account is gone or has another version, [`StoreError::Conflict`] when another user has one of
/// its names or ids. The caller rolls back what was written by then.
pub(super) fn change(connection: &Connection, change: &ImportedChange) -> Result<Vec<UserId>> {
    let mut changed = Vec::new();
    if change.is_change {
        changed = change_account(connection, change)?;
    }
    for row in &change.audit {
        audit::write(connection, Some(row))?;
    }
    if let Some(mark) = &change.mark {
        write(connection, mark)?;
    }
    Ok(changed)
}

fn change_account(connection: &Connection, change: &ImportedChange) -> Result<Vec<UserId>> {
    let user = &change.user;
    let Some(before) = by_id(connection, user.id)?.map(|account| account.user) else {
        return Err(StoreError::Changed.into());
    };
    let mut changed = vec![user.id];
    if before.active && !user.active {
        let (kinds, valid_from) = &change.bots;
        let revocation = Revocation { valid_from: Some(*valid_from), kinds, except: None };
        let row = change.audit.iter().find(|row| row.act == Act::Deactivated);
        changed.extend(bots::deactivate(connection, user.id, &OwnedRevocation::of(&revocation), row)?);
    }
    let external = ExternalColumns::of(&user.external_ids, &user.external_roles)?;
    let written = connection.prepare_cached(CHANGE)?.execute(params![
        user.id.as_bytes(),
        user.version.cast_signed(),
        user.full_name,
        user.role.as_str(),
        user.bot.map(BotKind::as_str),
        user.active,
        user.valid_from.as_millis(),
        user.email_second_factor,
        user.must_change_password,
        external.zulip,
        external.rocketchat,
        external.rocketchat_roles,
        external.zettelstore,
        external.zettelstore_role,
        external.external,
        user.bot_owner.map(u64::cast_signed),
        user.language.map(Language::tag),
        change.password.as_ref().map(|password| password.expose()),
    ]);
    match written {
        Ok(0) => return Err(StoreError::Changed.into()),
        Ok(_) => {}
        Err(error) => {
            return Err(match taken(&error).and_then(external_ids::taken_in) {
                Some(protocol) => StoreError::Conflict(Conflict::ExternalId(protocol)).into(),
                None => error.into(),
            });
        }
    }
    if user.external_ids != before.external_ids {
        connection.prepare_cached(FORGET_IDS)?.execute([user.id.as_bytes()])?;
        external_ids::insert_others(connection, user.id, before.realm, &user.external_ids)?;
    }
    if user.names != before.names {
        connection.prepare_cached(names::DELETE)?.execute([user.id.as_bytes()])?;
        names::insert(connection, user.id, before.realm, &user.names)?;
    }
    credentials::delete_kinds(connection, user.id, &change.revoked, None)?;
    for credential in &change.credentials {
        credentials::insert(connection, user.id, credential).map_err(|why| match why {
            NotInserted::Failed(error) => error,
            NotInserted::NoUser => StoreError::Changed.into(),
            _ => StoreError::Conflict(Conflict::Credential).into(),
        })?;
    }
    Ok(changed)
}
