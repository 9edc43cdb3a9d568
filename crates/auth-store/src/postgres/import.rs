//! Imports: many records, all or none, in one transaction.
//!
//! Users are written in chunks of some hundreds, by COPY. If PostgreSQL refuses a chunk, it is rolled back and written
//! again one by one, so that the error names the record at fault. Changes of users who are there likewise, but by statements
//! of their own, which don't wait for each other's answers.

use std::collections::HashMap;

use auth_core::{
    AuditRecord, Conflict, ImportError, ImportMark, ImportMode, ImportNote, ImportNotes, Imported,
    ImportedChange, MarkedUser, NameKind, NewRecord, NewUser, OnConflict, RealmChange, RealmId, RealmWritten,
    Records, StoreError, UserId,
};
use deadpool_postgres::Transaction;
use tokio::sync::mpsc;

use super::error::{CommandError, Result};
use super::new_user::{self, Resolved};
use super::numbers::Numbers;
use super::row::{Columns, escaped};
use super::statement::{changed, row};
use super::{Postgres, audit, import_marks, names, realms};
use crate::encoding::to_json;

/// Users of one chunk.
const CHUNK: usize = 500;

/// After an import of so many users, the planner's statistics are renewed.
const MANY: u64 = 1000;

pub(super) const ANALYZE: &str = "ANALYZE account, login_name, credential, activity, import_mark";

pub(super) const INSERT_REALM: &str = "INSERT INTO realm (id, slug, subdomain, name, icon, description, \
    active, password_login, digest_logins, min_length, min_guesses, backends, require_second_factor) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
pub(super) const UPDATE_REALM: &str = "UPDATE realm SET slug = $2, subdomain = $3, name = $4, icon = $5, \
    description = $6, active = $7, password_login = $8, digest_logins = $9, min_length = $10, \
    min_guesses = $11, backends = $12, require_second_factor = $13 WHERE id = $1";

/// Writes all records but those that are left out, or none.
///
/// # Errors
/// [`ImportError`], with the first record that can't be written.
pub(super) async fn import(
    store: &Postgres,
    records: Records,
    mode: ImportMode,
    on_conflict: OnConflict,
    notes: ImportNotes,
    audit: Option<&AuditRecord>,
) -> std::result::Result<Imported, ImportError> {
    let (sender, receiver) = mpsc::channel(CHUNK);
    // The iterator may take its time over each record.
    let reading = tokio::task::spawn_blocking(move || {
        for record in records {
            // After a refusal no more records are wanted.
            if sender.blocking_send(record).is_err() {
                return;
            }
        }
    });
    let mut client = store.client().await.map_err(whole)?;
    let mut transaction = client.transaction().await.map_err(whole)?;
    let numbers = Numbers::begin(&transaction).await.map_err(whole)?;
    let mut import = Import {
        receiver,
        kept: HashMap::new(),
        numbers,
        on_conflict,
        notes,
        audit,
        done: Imported::default(),
        is_change: false,
        changed: Vec::new(),
    };
    let written = import.write(&mut transaction).await;
    // Where a rollback fails, the end of the connection rolls back.
    match (written, mode) {
        (Ok(()), ImportMode::Write) => {
            audit::write(&transaction, import.row().as_ref()).await.map_err(whole)?;
            let committed = transaction.commit().await;
            // Also where nobody knows whether it was committed.
            import.changed.drain(..).for_each(|user| store.notifications.notify(user));
            committed.map_err(|error| whole(CommandError::from(error).during_commit()))?;
        }
        (Ok(()), ImportMode::DryRun) => drop(transaction.rollback().await),
        (Err(error), _) => {
            drop(transaction.rollback().await);
            return Err(error);
        }
    }
    if mode == ImportMode::Write && import.done.users >= MANY {
        // The import stands; without statistics plans are only worse for a while.
        let _ = client.batch_execute(ANALYZE).await;
    }
    if reading.await.is_err() {
        return Err(ImportError { record: None, error: None });
    }
    Ok(import.done)
}

/// An error that no single record is to blame for.
fn whole(error: impl Into<CommandError>) -> ImportError {
    ImportError { record: None, error: Some(error.into().into()) }
}

/// The state of an import.
struct Import<'a> {
    receiver: mpsc::Receiver<Option<NewRecord>>,
    /// The id of each realm in the store, by its id in the records: a realm that existed before keeps its id.
    kept: HashMap<RealmId, RealmId>,
    numbers: Numbers,
    on_conflict: OnConflict,
    notes: ImportNotes,
    audit: Option<&'a AuditRecord>,
    done: Imported,
    /// Whether a realm was made or changed.
    is_change: bool,
    /// The users who were there and are changed.
    changed: Vec<UserId>,
}

/// A user that waits to be written.
struct Waiting {
    /// The number of its record.
    record: u64,
    new: Box<NewUser>,
    mark: Option<ImportMark>,
    /// A row of the audit log for this user alone.
    audit: Option<AuditRecord>,
}

impl Import<'_> {
    async fn write(&mut self, transaction: &mut Transaction<'_>) -> std::result::Result<(), ImportError> {
        let mut next = 0;
        let mut users = Vec::with_capacity(CHUNK);
        let mut changes = Vec::new();
        let mut received = Vec::with_capacity(CHUNK);
        while self.receiver.recv_many(&mut received, CHUNK).await > 0 {
            for record in received.drain(..) {
                let index = next;
                next += 1;
                match record {
                    None => return Err(ImportError { record: None, error: None }),
                    Some(NewRecord::User(new)) => {
                        self.flush_changes(transaction, &mut changes).await?;
                        users.push(Waiting { record: index, new, mark: None, audit: None });
                    }
                    Some(NewRecord::Marked(marked)) => {
                        self.flush_changes(transaction, &mut changes).await?;
                        let MarkedUser { new, mark, audit } = *marked;
                        users.push(Waiting { record: index, new: Box::new(new), mark: Some(mark), audit });
                    }
                    Some(NewRecord::Change(change)) => {
                        self.flush(transaction, &mut users).await?;
                        changes.push((index, change));
                    }
                    Some(NewRecord::Realm(realm)) => {
                        self.flush(transaction, &mut users).await?;
                        self.flush_changes(transaction, &mut changes).await?;
                        let id = realm.id;
                        if let Err(error) = self.realm(transaction, index, realm).await {
                            self.leave_out(index, id, error)?;
                        }
                    }
                }
                if users.len() == CHUNK {
                    self.flush(transaction, &mut users).await?;
                }
                if changes.len() == CHUNK {
                    self.flush_changes(transaction, &mut changes).await?;
                }
            }
        }
        self.flush(transaction, &mut users).await?;
        self.flush_changes(transaction, &mut changes).await
    }

    /// Writes what is named of a realm, which keeps its id where it is there; an error leaves nothing of it behind.
    async fn realm(
        &mut self,
        transaction: &mut Transaction<'_>,
        index: u64,
        change: RealmChange,
    ) -> Result<()> {
        let part = transaction.transaction().await?;
        let before = row(&part, realms::BY_SLUG, &[&change.slug]).await?;
        let before = before.map(|row| Columns::of(&row).realm()).transpose()?;
        let statement = if before.is_some() { UPDATE_REALM } else { INSERT_REALM };
        let id = change.id;
        let realm = change.apply(before.clone());
        if before.as_ref() == Some(&realm) {
            part.rollback().await?;
            self.kept.insert(id, realm.id);
            self.done.realms += 1;
            return Ok(());
        }
        let written = changed(
            &part,
            statement,
            &[
                &&realm.id.as_bytes()[..],
                &realm.slug,
                &realm.subdomain,
                &&*escaped(&realm.name),
                &&*escaped(&realm.icon),
                &&*escaped(&realm.description),
                &realm.active,
                &realm.password_login,
                &realm.digest_logins,
                &realm.strength.map(|rule| i64::from(rule.min_length)),
                &realm.strength.map(|rule| rule.min_guesses.cast_signed()),
                &to_json(&realm.backends)?,
                &realm.require_second_factor,
            ],
        )
        .await;
        match written {
            Err(error) if error.taken().is_some() => {
                part.rollback().await?;
                return Err(StoreError::Conflict(Conflict::Realm).into());
            }
            other => drop(other?),
        }
        let written = RealmWritten { before, after: realm };
        let row = self.audit.filter(|_| written.is_change()).map(|import| written.audit_record(import));
        audit::write(&part, row.as_ref()).await?;
        part.commit().await?;
        self.kept.insert(id, written.after.id);
        self.done.realms += 1;
        if written.is_change() {
            self.is_change = true;
            (self.notes)(index, ImportNote::Realm(Box::new(written)));
        }
        Ok(())
    }

    /// Writes the changes that wait of users who are there: all at once, else one by one, but those that are left out.
    async fn flush_changes(
        &mut self,
        transaction: &mut Transaction<'_>,
        changes: &mut Vec<(u64, Box<ImportedChange>)>,
    ) -> std::result::Result<(), ImportError> {
        let changes = std::mem::take(changes);
        if changes.is_empty() {
            return Ok(());
        }
        let all: Vec<&ImportedChange> = changes.iter().map(|(_, change)| &**change).collect();
        match import_marks::change(transaction, &all).await {
            Ok(changed) => self.changed.extend(changed),
            Err(error) if error.breaks_connection() => return Err(whole(error)),
            Err(_) => {
                for (record, change) in &changes {
                    match import_marks::change(transaction, &[change]).await {
                        Ok(changed) => self.changed.extend(changed),
                        Err(error) if error.breaks_connection() => return Err(whole(error)),
                        Err(error) => self.leave_out(*record, change.user.realm, error)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// The row of the import in the audit log.
    fn row(&self) -> Option<AuditRecord> {
        let import = self.audit.filter(|_| self.is_change || self.done.users > 0)?;
        let realm = import.realm.map(|realm| self.kept_id(realm));
        self.done.audit_record(import).map(|row| AuditRecord { realm, ..row })
    }

    fn kept_id(&self, id: RealmId) -> RealmId {
        self.kept.get(&id).copied().unwrap_or(id)
    }

    /// Writes the users that wait: all at once, else one by one, but those that are left out.
    async fn flush(
        &mut self,
        transaction: &mut Transaction<'_>,
        users: &mut Vec<Waiting>,
    ) -> std::result::Result<(), ImportError> {
        let users = std::mem::take(users);
        if users.is_empty() {
            return Ok(());
        }
        let resolved = self.resolve(transaction, &users).await?;
        let (waiting, resolved): (Vec<&Waiting>, Vec<Resolved<'_>>) = resolved.into_iter().unzip();
        let part = transaction.transaction().await.map_err(whole)?;
        let written = async {
            new_user::write(&part, &resolved).await?;
            write_beside(&part, &waiting).await
        };
        match written.await {
            Ok(()) => {
                part.commit().await.map_err(whole)?;
                self.done.users += u64::try_from(resolved.len()).unwrap_or(u64::MAX);
                self.note_alike(transaction, &waiting, &resolved).await?;
            }
            Err(error) if error.breaks_connection() => return Err(whole(error)),
            Err(_) => {
                part.rollback().await.map_err(whole)?;
                for (one, user) in waiting.into_iter().zip(&resolved) {
                    match new_user::write_one(transaction, user).await {
                        Ok(()) => {
                            self.done.users += 1;
                            write_beside(transaction, &[one]).await.map_err(whole)?;
                            self.note_alike(transaction, &[one], std::slice::from_ref(user)).await?;
                        }
                        Err(error) => self.leave_out(one.record, user.new.user.realm, error)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes the names of users, written just now, that fold like those of others.
    async fn note_alike(
        &mut self,
        transaction: &Transaction<'_>,
        waiting: &[&Waiting],
        users: &[Resolved<'_>],
    ) -> std::result::Result<(), ImportError> {
        let placed: Vec<_> = users.iter().map(|user| (&user.new.user, user.realm)).collect();
        let alike = names::kinds_folding_alike(transaction, &placed).await.map_err(whole)?;
        for (one, user) in waiting.iter().zip(users) {
            let id = user.new.user.id;
            for kind in NameKind::ALL.into_iter().filter(|kind| alike.contains(&(id, *kind))) {
                (self.notes)(one.record, ImportNote::FoldsAlike(kind));
            }
        }
        Ok(())
    }

    /// Finds the realm of each user, and chooses the ids that the store is to choose. Users for which it can't are left
    /// out.
    async fn resolve<'u>(
        &mut self,
        transaction: &Transaction<'_>,
        users: &'u [Waiting],
    ) -> std::result::Result<Vec<(&'u Waiting, Resolved<'u>)>, ImportError> {
        let placed: Vec<_> = users.iter().map(|one| (&*one.new, self.kept_id(one.new.user.realm))).collect();
        let assigned = self.numbers.assign(transaction, &placed).await.map_err(whole)?;
        let mut resolved = Vec::with_capacity(users.len());
        for ((one, (new, realm)), ids) in users.iter().zip(placed).zip(assigned) {
            match ids {
                Ok(ids) => resolved.push((one, Resolved { new, realm, ids })),
                Err(error) => self.leave_out(one.record, new.user.realm, error)?,
            }
        }
        Ok(resolved)
    }

    fn leave_out(
        &mut self,
        record: u64,
        realm: RealmId,
        error: CommandError,
    ) -> std::result::Result<(), ImportError> {
        self.on_conflict.leave_out(record, realm, error.into())
    }
}

/// Writes what is remembered of the records of users who were just written, and the rows of the audit log for them.
async fn write_beside(transaction: &Transaction<'_>, users: &[&Waiting]) -> Result<()> {
    let marks: Vec<&ImportMark> = users.iter().filter_map(|one| one.mark.as_ref()).collect();
    import_marks::write(transaction, &marks).await?;
    for one in users {
        audit::write(transaction, one.audit.as_ref()).await?;
    }
    Ok(())
}
