//! Imports: many records, all or none, in one transaction.

use std::collections::HashMap;

use auth_core::{
    AuditRecord, Conflict, ImportError, ImportMode, Imported, NewRecord, OnConflict, Realm, RealmId, Records,
    StoreError,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{CACHE, set_cache};
use super::error::{CommandError, Result, taken};
use super::writer::{begin, commit};
use super::{audit, new_user};
use crate::encoding::to_json;

pub(super) const REALM: &str = "SELECT id FROM realm WHERE slug = ?1";
pub(super) const INSERT_REALM: &str = "INSERT INTO realm (id, slug, subdomain, name, icon, description, \
    active, password_login, digest_logins, min_length, min_guesses, backends) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
pub(super) const UPDATE_REALM: &str = "UPDATE realm SET slug = ?2, subdomain = ?3, name = ?4, icon = ?5, \
    description = ?6, active = ?7, password_login = ?8, digest_logins = ?9, min_length = ?10, \
    min_guesses = ?11, backends = ?12 WHERE id = ?1";
/// Memory for pages while an import runs, in KiB.
const IMPORT_CACHE: u32 = 65_536;

/// One record, which is undone by itself where it is left out.
const SAVEPOINT: &str = "SAVEPOINT record";
const RELEASE: &str = "RELEASE record";
const ROLLBACK_TO: &str = "ROLLBACK TO record";

/// Writes all records but those that are left out, or none.
///
/// # Errors
/// [`ImportError`], with the first record that can't be written.
pub(super) fn import(
    connection: &Connection,
    records: Records,
    mode: ImportMode,
    on_conflict: &mut OnConflict,
    audit: Option<&AuditRecord>,
) -> std::result::Result<Imported, ImportError> {
    // Ids are random, so that inserts change pages all over the file.
    set_cache(connection, IMPORT_CACHE).map_err(whole)?;
    let done = transact(connection, records, mode, on_conflict, audit);
    // The import stands, whether the memory can be freed or not.
    let _ = set_cache(connection, CACHE);
    done
}

fn transact(
    connection: &Connection,
    records: Records,
    mode: ImportMode,
    on_conflict: &mut OnConflict,
    audit: Option<&AuditRecord>,
) -> std::result::Result<Imported, ImportError> {
    begin(connection).map_err(whole)?;
    let written = write(connection, records, on_conflict).and_then(|done| {
        let record = audit.and_then(|audit| done.audit_record(audit));
        audit::write(connection, record.as_ref()).map_err(whole)?;
        Ok(done)
    });
    if written.is_ok() && mode == ImportMode::Write {
        commit(connection).map_err(whole)?;
    } else if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(|error| whole(CommandError::from(error)))?;
    }
    written
}

/// An error that no single record is to blame for.
fn whole(error: impl Into<StoreError>) -> ImportError {
    ImportError { record: None, error: Some(error.into()) }
}

fn write(
    connection: &Connection,
    records: Records,
    on_conflict: &mut OnConflict,
) -> std::result::Result<Imported, ImportError> {
    let mut kept = KeptIds::default();
    let mut done = Imported::default();
    for (record, index) in records.zip(0..) {
        let record = record.ok_or(ImportError { record: None, error: None })?;
        let written = if on_conflict.leaves_out() {
            write_apart(connection, &record, &mut kept)
        } else {
            write_record(connection, &record, &mut kept)
        };
        match (written, &record) {
            (Ok(()), NewRecord::Realm(_)) => done.realms += 1,
            (Ok(()), NewRecord::User(_)) => done.users += 1,
            (Err(error), record) => on_conflict.leave_out(index, record.realm(), error.into())?,
        }
    }
    Ok(done)
}

/// Writes a record; an error leaves nothing of it behind.
fn write_apart(connection: &Connection, record: &NewRecord, kept: &mut KeptIds) -> Result<()> {
    let execute = |statement| connection.prepare_cached(statement)?.execute([]).map_err(CommandError::from);
    execute(SAVEPOINT)?;
    let written = write_record(connection, record, kept);
    // A full disk has ended the transaction, and the savepoint with it.
    if written.is_err() && !connection.is_autocommit() {
        execute(ROLLBACK_TO)?;
    }
    if !connection.is_autocommit() {
        execute(RELEASE)?;
    }
    written
}

fn write_record(connection: &Connection, record: &NewRecord, kept: &mut KeptIds) -> Result<()> {
    match record {
        NewRecord::Realm(realm) => write_realm(connection, realm, kept),
        NewRecord::User(new) => new_user::write(connection, new, kept.of(new.user.realm)),
    }
}

/// The id of each realm in the store, by its id in the records: a realm that existed before keeps its id.
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
        Err(error) if taken(&error).is_some() => {
            return Err(StoreError::Conflict(Conflict::Realm).into());
        }
        other => other?,
    };
    kept.0.insert(realm.id, id);
    Ok(())
}
