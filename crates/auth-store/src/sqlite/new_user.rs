//! A new user with all that belongs to it.

use auth_core::{Conflict, Language, NewUser, RealmId, StoreError};
use rusqlite::{Connection, params};

use super::credentials::{self, NotInserted};
use super::error::{CommandError, Result, is_dangling, taken};
use super::{activity, external_ids, names};
use crate::encoding::ExternalColumns;

pub(super) const INSERT: &str = "INSERT INTO user (id, realm, full_name, role, bot, active, joined, \
    valid_from, email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, zettelstore, \
    zettelstore_role, version, password, external, bot_owner, language) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

/// Writes a user into a realm, which may be another than its record says.
///
/// # Errors
/// [`StoreError::Conflict`] when another user has one of its names or ids, [`StoreError::Missing`] when there is no
/// such realm. The caller rolls back what was written by then.
pub(super) fn write(connection: &Connection, new: &NewUser, realm: RealmId) -> Result<()> {
    let user = &new.user;
    let ids = external_ids::ids_of(connection, new, realm)?;
    let external = ExternalColumns::of(&ids, &user.external_roles)?;
    let written = connection.prepare_cached(INSERT)?.execute(params![
        user.id.as_bytes(),
        realm.as_bytes(),
        user.full_name,
        user.role.as_str(),
        user.bot.map(auth_core::BotKind::as_str),
        user.active,
        user.joined.as_millis(),
        user.valid_from.as_millis(),
        user.email_second_factor,
        user.must_change_password,
        external.zulip,
        external.rocketchat,
        external.rocketchat_roles,
        external.zettelstore,
        external.zettelstore_role,
        user.version.cast_signed(),
        new.password.as_ref().map(|password| password.expose()),
        external.external,
        user.bot_owner.map(u64::cast_signed),
        user.language.map(Language::tag),
    ]);
    if let Err(error) = written {
        return Err(refusal(error));
    }
    activity::insert(connection, connection.last_insert_rowid(), new, realm)?;
    external_ids::insert_others(connection, user.id, realm, &ids)?;
    names::insert(connection, user.id, realm, &user.names)?;
    for credential in &new.credentials {
        credentials::insert(connection, user.id, credential).map_err(|why| match why {
            NotInserted::Failed(error) => error,
            NotInserted::NoUser => StoreError::Missing("user").into(),
            _ => StoreError::Conflict(Conflict::Credential).into(),
        })?;
    }
    Ok(())
}

/// The error for a user's row that was refused.
fn refusal(error: rusqlite::Error) -> CommandError {
    let Some(columns) = taken(&error) else {
        return if is_dangling(&error) { StoreError::Missing("realm").into() } else { error.into() };
    };
    match external_ids::taken_in(columns) {
        Some(protocol) => StoreError::Conflict(Conflict::ExternalId(protocol)).into(),
        None => StoreError::Corrupt("a user's identifier occurs twice".into()).into(),
    }
}
