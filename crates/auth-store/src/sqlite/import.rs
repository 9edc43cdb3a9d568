//! Imports: many records, all or none, in one transaction.

use std::collections::HashMap;

use auth_core::{
    Conflict, ImportError, ImportMode, Imported, LoginName, NewRecord, NewUser, Realm, RealmId, Records,
    StoreError, UserId, fold,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{CACHE, set_cache};
use super::credentials::{self, NotInserted};
use super::failure::{Failure, Result, is_dangling, taken};
use super::writer::{begin, commit};
use crate::words::{bot_name, number, to_json};

pub(super) const REALM: &str = "SELECT id FROM realm WHERE slug = ?1";
pub(super) const INSERT_REALM: &str = "INSERT INTO realm (id, slug, subdomain, name, icon, description, \
    active, password_login, digest_logins, min_length, min_guesses, backends) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
pub(super) const UPDATE_REALM: &str = "UPDATE realm SET slug = ?2, subdomain = ?3, name = ?4, icon = ?5, \
    description = ?6, active = ?7, password_login = ?8, digest_logins = ?9, min_length = ?10, \
    min_guesses = ?11, backends = ?12 WHERE id = ?1";
pub(super) const INSERT_USER: &str = "INSERT INTO user (id, realm, full_name, role, bot, active, joined, \
    valid_from, email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, zettelstore, \
    zettelstore_role, version, password) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
pub(super) const INSERT_NAME: &str = "INSERT INTO login_name (kind, folded, realm, exact, user, position, verified) \
    VALUES (?1, ?2, ?3, ?4, (SELECT number FROM user WHERE id = ?5), ?6, ?7)";
pub(super) const LAST_ZULIP: &str = "SELECT max(zulip) FROM user WHERE realm = ?1";
pub(super) const LAST_ZETTELSTORE: &str = "SELECT max(zettelstore) FROM user WHERE realm = ?1";
pub(super) const HAS_ZETTELSTORE: &str =
    "SELECT EXISTS (SELECT 1 FROM user WHERE realm = ?1 AND zettelstore = ?2)";

/// Memory for pages while an import runs, in KiB.
const IMPORT_CACHE: u32 = 65_536;

/// Writes all records, or none.
///
/// # Errors
/// The first record that can't be written; see [`ImportError`].
pub(super) fn import(
    connection: &Connection,
    records: Records,
    mode: ImportMode,
) -> std::result::Result<Imported, ImportError> {
    // Identifiers are random, so inserts go all over the place.
    set_cache(connection, IMPORT_CACHE).map_err(whole)?;
    let done = transact(connection, records, mode);
    // What has been written counts, not whether the memory is given back.
    let _ = set_cache(connection, CACHE);
    done
}

fn transact(
    connection: &Connection,
    records: Records,
    mode: ImportMode,
) -> std::result::Result<Imported, ImportError> {
    begin(connection).map_err(whole)?;
    let written = write(connection, records);
    if written.is_ok() && mode == ImportMode::Write {
        commit(connection).map_err(whole)?;
    } else if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(|error| whole(Failure::from(error)))?;
    }
    written
}

/// A failure that is no record's fault.
fn whole(failure: impl Into<StoreError>) -> ImportError {
    ImportError { record: None, error: Some(failure.into()) }
}

fn write(connection: &Connection, records: Records) -> std::result::Result<Imported, ImportError> {
    let mut kept = KeptIds::default();
    let mut done = Imported::default();
    for (record, index) in records.zip(0..) {
        let outcome = match record {
            None => return Err(ImportError { record: None, error: None }),
            Some(NewRecord::Realm(realm)) => {
                done.realms += 1;
                write_realm(connection, &realm, &mut kept)
            }
            Some(NewRecord::User(new)) => {
                done.users += 1;
                write_user(connection, &new, kept.of(new.user.realm))
            }
        };
        outcome.map_err(|failure| {
            let error = failure.into();
            // A full disk is no record's fault.
            let blamed = !matches!(error, StoreError::Unavailable(_));
            ImportError { record: blamed.then_some(index), error: Some(error) }
        })?;
    }
    Ok(done)
}

/// A realm that exists keeps its id: here is which, for the records that refer to the new one.
#[derive(Default)]
struct KeptIds(HashMap<RealmId, RealmId>);

impl KeptIds {
    fn of(&self, id: RealmId) -> RealmId {
        self.0.get(&id).copied().unwrap_or(id)
    }
}

fn write_realm(connection: &Connection, realm: &Realm, kept: &mut KeptIds) -> Result<()> {
    let existing = connection.prepare_cached(REALM)?.query_row([&realm.slug], |row| row.get(0)).optional()?;
    let id = existing.map_or(realm.id, RealmId::from_bytes);
    let statement = if existing.is_some() { UPDATE_REALM } else { INSERT_REALM };
    let written = connection.prepare_cached(statement)?.execute(params![
        id.as_bytes(),
        realm.slug,
        realm.subdomain,
        realm.name,
        realm.icon,
        realm.description,
        realm.active,
        realm.password_login,
        realm.digest_logins,
        realm.strength.map(|rule| rule.min_length),
        realm.strength.map(|rule| rule.min_guesses.cast_signed()),
        to_json(&realm.backends)?,
    ]);
    match written {
        Err(error) if taken(&error).is_some() => return Err(conflict(Conflict::Realm)),
        other => other?,
    };
    kept.0.insert(realm.id, id);
    Ok(())
}

fn write_user(connection: &Connection, new: &NewUser, realm: RealmId) -> Result<()> {
    insert_user(connection, new, realm)?;
    for (position, name) in (0..).zip(&new.user.names) {
        insert_name(connection, new.user.id, realm, position, name)?;
    }
    for credential in &new.credentials {
        credentials::insert(connection, new.user.id, credential).map_err(|why| match why {
            NotInserted::Failed(failure) => failure,
            NotInserted::NoUser => StoreError::Missing("user").into(),
            _ => conflict(Conflict::Credential),
        })?;
    }
    Ok(())
}

fn insert_user(connection: &Connection, new: &NewUser, realm: RealmId) -> Result<()> {
    let user = &new.user;
    let protocols = &user.protocols;
    let written = connection.prepare_cached(INSERT_USER)?.execute(params![
        user.id.as_bytes(),
        realm.as_bytes(),
        user.full_name,
        user.role.as_str(),
        user.bot.map(bot_name),
        user.active,
        user.joined.as_millis(),
        user.valid_from.as_millis(),
        user.email_second_factor,
        user.must_change_password,
        zulip_id(connection, new, realm)?,
        protocols.rocketchat,
        protocols.rocketchat_roles.as_deref().map(to_json).transpose()?,
        zettelstore_id(connection, new, realm)?,
        protocols.zettelstore_role,
        user.version.cast_signed(),
        new.password.as_ref().map(|password| password.expose()),
    ]);
    let Err(error) = written else { return Ok(()) };
    Err(match taken(&error) {
        Some(columns) if columns.contains("user.zulip") => conflict(Conflict::ZulipId),
        Some(columns) if columns.contains("user.rocketchat") => conflict(Conflict::RocketChatId),
        Some(columns) if columns.contains("user.zettelstore") => conflict(Conflict::ZettelstoreId),
        Some(_) => StoreError::Corrupt("a user's identifier occurs twice".into()).into(),
        None if is_dangling(&error) => StoreError::Missing("realm").into(),
        None => error.into(),
    })
}

pub(super) fn insert_name(
    connection: &Connection,
    user: UserId,
    realm: RealmId,
    position: i64,
    name: &LoginName,
) -> Result<()> {
    let written = connection.prepare_cached(INSERT_NAME)?.execute(params![
        number(name.kind),
        fold(&name.exact),
        realm.as_bytes(),
        name.exact,
        user.as_bytes(),
        position,
        name.verified,
    ]);
    match written {
        Err(error) if taken(&error).is_some() => Err(conflict(Conflict::Name(name.kind))),
        other => Ok(other.map(drop)?),
    }
}

fn zulip_id(connection: &Connection, new: &NewUser, realm: RealmId) -> Result<i64> {
    if new.assign_zulip_id {
        next(connection, LAST_ZULIP, realm, Conflict::ZulipId)
    } else {
        Ok(new.user.protocols.zulip)
    }
}

fn zettelstore_id(connection: &Connection, new: &NewUser, realm: RealmId) -> Result<i64> {
    let wish = new.user.protocols.zettelstore.cast_signed();
    let is_taken = || -> Result<bool> {
        let mut statement = connection.prepare_cached(HAS_ZETTELSTORE)?;
        Ok(statement.query_row(params![realm.as_bytes(), wish], |row| row.get(0))?)
    };
    if new.assign_zettelstore_id && is_taken()? {
        next(connection, LAST_ZETTELSTORE, realm, Conflict::ZettelstoreId)
    } else {
        Ok(wish)
    }
}

/// The number after the highest of the realm; 1 in an empty one.
fn next(connection: &Connection, last: &str, realm: RealmId, exhausted: Conflict) -> Result<i64> {
    let last: Option<i64> =
        connection.prepare_cached(last)?.query_row([realm.as_bytes()], |row| row.get(0))?;
    last.unwrap_or(0).max(0).checked_add(1).ok_or_else(|| conflict(exhausted))
}

fn conflict(what: Conflict) -> Failure {
    StoreError::Conflict(what).into()
}
