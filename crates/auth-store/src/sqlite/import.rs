//! Imports: many records, all or none, in one transaction.

use std::collections::HashMap;

use auth_core::{
    AuditRecord, Conflict, ImportError, ImportMode, ImportNote, ImportNotes, Imported, NewRecord, NewUser,
    OnConflict, RealmChange, RealmId, RealmWritten, Records, StoreError, UserId,
};
use rusqlite::{Connection, params};

use super::connection::{CACHE, set_cache};
use super::error::{CommandError, Result, taken};
use super::row::Columns;
use super::writer::{begin, commit};
use super::{audit, import_marks, names, new_user, realms};
use crate::encoding::to_json;

pub(super) const INSERT_REALM: &str = "INSERT INTO realm (id, slug, subdomain, name, icon, description, \
    active, password_login, digest_logins, min_length, min_guesses, backends, require_second_factor) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
pub(super) const UPDATE_REALM: &str = "UPDATE realm SET slug = ?2, subdomain = ?3, name = ?4, icon = ?5, \
    description = ?6, active = ?7, password_login = ?8, digest_logins = ?9, min_length = ?10, \
    min_guesses = ?11, backends = ?12, require_second_factor = ?13 WHERE id = ?1";
/// Memory for pages while an import runs, in KiB.
const IMPORT_CACHE: u32 = 65_536;

/// One record, which is undone by itself where it is left out.
const SAVEPOINT: &str = "SAVEPOINT record";
const RELEASE: &str = "RELEASE record";
const ROLLBACK_TO: &str = "ROLLBACK TO record";

/// What an import writes, and whom it tells.
pub(super) struct Import {
    pub(super) mode: ImportMode,
    pub(super) on_conflict: OnConflict,
    pub(super) notes: ImportNotes,
    pub(super) audit: Option<AuditRecord>,
    /// The id of each realm in the store, by its id in the records: a realm that existed before keeps its id.
    kept: HashMap<RealmId, RealmId>,
    done: Imported,
    /// Whether a realm was made or changed.
    is_change: bool,
    /// The users who were there and are changed.
    changed: Vec<UserId>,
}

impl Import {
    pub(super) fn new(
        mode: ImportMode,
        on_conflict: OnConflict,
        notes: ImportNotes,
        audit: Option<&AuditRecord>,
    ) -> Self {
        Self {
            mode,
            on_conflict,
            notes,
            audit: audit.cloned(),
            kept: HashMap::new(),
            done: Imported::default(),
            is_change: false,
            changed: Vec::new(),
        }
    }

    /// Writes all records but those that are left out, or none. Returns the users who were there and are changed, too.
    ///
    /// # Errors
    /// [`ImportError`], with the first record that can't be written.
    pub(super) fn run(
        mut self,
        connection: &Connection,
        records: Records,
    ) -> std::result::Result<(Imported, Vec<UserId>), ImportError> {
        // Ids are random, so that inserts change pages all over the file.
        set_cache(connection, IMPORT_CACHE).map_err(whole)?;
        let done = self.transact(connection, records);
        // The import stands, whether the memory can be freed or not.
        let _ = set_cache(connection, CACHE);
        done.map(|done| (done, self.changed))
    }

    fn transact(
        &mut self,
        connection: &Connection,
        records: Records,
    ) -> std::result::Result<Imported, ImportError> {
        begin(connection).map_err(whole)?;
        let written =
            self.write(connection, records).and_then(|()| self.write_row(connection).map_err(whole));
        if written.is_ok() && self.mode == ImportMode::Write {
            commit(connection).map_err(whole)?;
        } else if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").map_err(|error| whole(CommandError::from(error)))?;
        }
        written.map(|()| self.done)
    }

    fn write(&mut self, connection: &Connection, records: Records) -> std::result::Result<(), ImportError> {
        for (record, index) in records.zip(0..) {
            let record = record.ok_or(ImportError { record: None, error: None })?;
            let realm = record.realm();
            let written = if self.on_conflict.leaves_out() {
                self.write_apart(connection, index, record)
            } else {
                self.write_record(connection, index, record)
            };
            if let Err(error) = written {
                self.on_conflict.leave_out(index, realm, error.into())?;
            }
        }
        Ok(())
    }

    /// Writes a record; an error leaves nothing of it behind.
    fn write_apart(&mut self, connection: &Connection, index: u64, record: NewRecord) -> Result<()> {
        let execute =
            |statement| connection.prepare_cached(statement)?.execute([]).map_err(CommandError::from);
        execute(SAVEPOINT)?;
        let written = self.write_record(connection, index, record);
        // A full disk has ended the transaction, and the savepoint with it.
        if written.is_err() && !connection.is_autocommit() {
            execute(ROLLBACK_TO)?;
        }
        if !connection.is_autocommit() {
            execute(RELEASE)?;
        }
        written
    }

    fn write_record(&mut self, connection: &Connection, index: u64, record: NewRecord) -> Result<()> {
        match record {
            NewRecord::Realm(change) => {
                let id = change.id;
                let written = write_realm(connection, change)?;
                self.kept.insert(id, written.after.id);
                self.done.realms += 1;
                if written.is_change() {
                    self.is_change = true;
                    let row = self.audit.as_ref().map(|import| written.audit_record(import));
                    audit::write(connection, row.as_ref())?;
                    (self.notes)(index, ImportNote::Realm(Box::new(written)));
                }
            }
            NewRecord::User(new) => {
                let realm = self.kept_id(new.user.realm);
                new_user::write(connection, &new, realm)?;
                self.note_user(connection, index, &new, realm)?;
            }
            NewRecord::Marked(marked) => {
                let realm = self.kept_id(marked.new.user.realm);
                new_user::write(connection, &marked.new, realm)?;
                import_marks::write(connection, &marked.mark)?;
                audit::write(connection, marked.audit.as_ref())?;
                self.note_user(connection, index, &marked.new, realm)?;
            }
            NewRecord::Change(change) => {
                self.changed.extend(import_marks::change(connection, &change)?);
            }
        }
        Ok(())
    }

    /// Counts a user who was written, and notes which names fold alike.
    fn note_user(
        &mut self,
        connection: &Connection,
        index: u64,
        new: &NewUser,
        realm: RealmId,
    ) -> Result<()> {
        self.done.users += 1;
        for kind in names::kinds_folding_alike(connection, new.user.id, realm, &new.user.names)? {
            (self.notes)(index, ImportNote::FoldsAlike(kind));
        }
        Ok(())
    }

    /// Writes the row of the import in the audit log.
    fn write_row(&self, connection: &Connection) -> Result<()> {
        let is_change = self.is_change || self.done.users > 0;
        let Some(import) = self.audit.as_ref().filter(|_| is_change) else { return Ok(()) };
        let realm = import.realm.map(|realm| self.kept_id(realm));
        let row = self.done.audit_record(import).map(|row| AuditRecord { realm, ..row });
        audit::write(connection, row.as_ref())
    }

    fn kept_id(&self, id: RealmId) -> RealmId {
        self.kept.get(&id).copied().unwrap_or(id)
    }
}

/// An error that no single record is to blame for.
fn whole(error: impl Into<StoreError>) -> ImportError {
    ImportError { record: None, error: Some(error.into()) }
}

/// Writes what is named of a realm, which keeps its id where it is there.
fn write_realm(connection: &Connection, change: RealmChange) -> Result<RealmWritten> {
    let mut statement = connection.prepare_cached(realms::BY_SLUG)?;
    let before =
        statement.query_and_then([&change.slug], |row| Columns::of(row).realm())?.next().transpose()?;
    let statement = if before.is_some() { UPDATE_REALM } else { INSERT_REALM };
    let realm = change.apply(before.clone());
    if before.as_ref() == Some(&realm) {
        return Ok(RealmWritten { before, after: realm });
    }
    let written = connection.prepare_cached(statement)?.execute(params![
        realm.id.as_bytes(),
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
        realm.require_second_factor,
    ]);
    match written {
        Err(error) if taken(&error).is_some() => Err(StoreError::Conflict(Conflict::Realm).into()),
        other => {
            other?;
            Ok(RealmWritten { before, after: realm })
        }
    }
}
