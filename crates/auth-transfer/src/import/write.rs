//! The third step of an import: the records are given to the store, which writes all, all but those that are left out,
//! or none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{
    Act, AuditRecord, ImportError as StoreImportError, ImportNote, ImportNotes, InternalError, LeftOut,
    MarkedUser, NameKind, NewRecord, OnConflict, Realm, RealmId, RealmWritten, StoreError,
};
use auth_engine::Engine;
use futures_util::future::join;
use serde_json::Value;

use super::channel::{Sender, channel};
use super::checked::Checked;
use super::draft::{NO_REALM, Record};
use super::outcomes_of_all::Told;
use super::progress::{LINES_PER_STEP, OnProgress, tell};
use crate::line::RealmLine;
use crate::missing_realms::MissingRealms;
use crate::{ImportError, ImportOptions, ImportReport, Progress, Remarks};

/// Gives the store the records, and leaves out those that conflict with stored ones, if that is allowed.
pub(super) struct Writer<'a> {
    engine: &'a Engine,
    options: ImportOptions,
    progress: OnProgress<'a>,
    given: Arc<Mutex<Given>>,
}

/// The records that the store was given, and what it has left out of them.
#[derive(Default)]
struct Given {
    /// The line of each record. The store names a record by its place among them.
    lines: Vec<u64>,
    left_out: Remarks<u64>,
    /// The same, with a remark for each user of a realm that is not there.
    each_left_out: Remarks<u64>,
    missing_realms: MissingRealms<RealmId, u64>,
    /// What was changed of realms.
    changes: Remarks<u64>,
    /// What was noticed on records that were written.
    notes: Remarks<u64>,
}

impl<'a> Writer<'a> {
    /// A writer that has written nothing yet.
    pub(super) fn new(engine: &'a Engine, options: ImportOptions, progress: OnProgress<'a>) -> Self {
        Self { engine, options, progress, given: Arc::default() }
    }

    /// Writes the records, and reports what was written and what was left out.
    pub(super) async fn write(
        mut self,
        checked: &mut Checked,
        report: &mut ImportReport,
        told: &mut Told,
    ) -> Result<(), ImportError> {
        self.given().left_out = std::mem::take(&mut report.left_out);
        let audit = self.audit(checked)?;
        let (sender, records) = channel();
        let on_conflict = self.on_conflict();
        let store = self.engine.store();
        let writing = store.import(records, self.options.mode, on_conflict, self.notes(), Some(&audit));
        let (written, fed) = join(writing, self.feed(checked, sender)).await;
        fed?;
        let mut given = self.given();
        match written {
            Ok(imported) => report.imported = imported,
            Err(refused) => return Err(given.error(refused)),
        }
        report.left_out = given.finish();
        told.changes = std::mem::take(&mut given.changes);
        told.written = std::mem::take(&mut given.notes);
        told.left_out = std::mem::take(&mut given.each_left_out);
        Ok(())
    }

    /// Gives the store the records.
    async fn feed(&mut self, checked: &mut Checked, sender: Sender) -> Result<(), ImportError> {
        let (mut records, of) = (0, checked.len());
        for draft in checked.read()? {
            let draft = draft?;
            let record = match (draft.record, draft.mark) {
                (Record::Realm(change), _) => NewRecord::Realm(change),
                (Record::User { user, .. }, None) => NewRecord::User(user),
                (Record::User { user, .. }, Some(mark)) => {
                    NewRecord::Marked(Box::new(MarkedUser { new: *user, mark, audit: None }))
                }
            };
            self.given().lines.push(draft.line);
            if !sender.send(record).await {
                // The store says why it takes no more.
                return Ok(());
            }
            records += 1;
            if records % LINES_PER_STEP == 0 {
                tell(self.progress, Progress::Written { records, of })?;
            }
        }
        sender.end().await;
        Ok(())
    }

    fn on_conflict(&self) -> OnConflict {
        if !self.options.skip_bad {
            return OnConflict::Refuse;
        }
        let given = Arc::clone(&self.given);
        OnConflict::LeaveOut(Box::new(move |record| lock(&given).leave_out(&record)))
    }

    fn notes(&self) -> ImportNotes {
        let given = Arc::clone(&self.given);
        Box::new(move |record, note| lock(&given).note(record, &note))
    }

    /// The row of the audit log: a user who was created alone or with its realm, else how many records there were.
    fn audit(&self, checked: &mut Checked) -> Result<AuditRecord, ImportError> {
        let by_command = |act, realm, user| self.engine.auditor().by_command(act, realm, user, String::new());
        // A user that is added may come with its realm. What may be left out is not named.
        if checked.len() > 2 || self.options.skip_bad {
            return Ok(by_command(Act::Imported, None, None));
        }
        let mut users = Vec::new();
        for draft in checked.read()? {
            if let Record::User { user, .. } = draft?.record {
                users.push((user.user.realm, user.user.id));
            }
        }
        Ok(match &users[..] {
            [(realm, user)] => by_command(Act::UserCreated, Some(*realm), Some(*user)),
            _ => by_command(Act::Imported, None, None),
        })
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        lock(&self.given)
    }
}

fn lock(given: &Mutex<Given>) -> MutexGuard<'_, Given> {
    given.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Given {
    fn leave_out(&mut self, record: &LeftOut) {
        let line = self.line(record.record).unwrap_or_default();
        if matches!(record.error, StoreError::Missing(_)) {
            self.each_left_out.push(line, NO_REALM);
        } else {
            self.each_left_out.push(line, record.error.to_string());
        }
        if !matches!(record.error, StoreError::Missing(_)) {
            self.left_out.push(line, record.error.to_string());
        } else if let Err(line) = self.missing_realms.count(record.realm, line) {
            self.left_out.push(line, NO_REALM);
        }
    }

    fn note(&mut self, record: u64, note: &ImportNote) {
        let line = self.line(record).unwrap_or_default();
        match note {
            ImportNote::Realm(written) => {
                let RealmWritten { before, after } = &**written;
                for change in before.iter().flat_map(|before| changes(before, after)) {
                    self.changes.push(line, change);
                }
            }
            ImportNote::FoldsAlike(kind) => {
                if let Some(note) = folding_note(*kind) {
                    self.notes.push(line, note);
                }
            }
        }
    }

    /// What was left out.
    fn finish(&mut self) -> Remarks<u64> {
        for (line, reason, users) in self.missing_realms.take(NO_REALM) {
            self.left_out.push_of_many(line, reason, users);
        }
        std::mem::take(&mut self.left_out)
    }

    /// Why the store wrote nothing.
    fn error(&self, StoreImportError { record, error }: StoreImportError) -> ImportError {
        let Some(error) = error else { return InternalError::defect("the records ended early").into() };
        match (&error, record.and_then(|place| self.line(place))) {
            (StoreError::Conflict(_) | StoreError::Missing(_), Some(line)) => {
                ImportError::Lines { named: vec![(line, error.to_string())], more: 0 }
            }
            _ => error.into(),
        }
    }

    /// The line of the record at a place among those that the store was given.
    fn line(&self, place: u64) -> Option<u64> {
        usize::try_from(place).ok().and_then(|place| self.lines.get(place)).copied()
    }
}

/// What is noted of names that fold alike; nothing of names that nobody types.
pub(super) fn folding_note(kind: NameKind) -> Option<String> {
    let key = match kind {
        NameKind::Directory => return None,
        NameKind::Email => "email",
        _ => "username",
    };
    Some(format!(
        "another user of the realm has this `{key}` but for its case: each of them is found by its own spelling alone, and none \
         by any other"
    ))
}

/// What was changed of a realm, key by key.
pub(super) fn changes(before: &Realm, after: &Realm) -> Vec<String> {
    let fields = |realm| serde_json::to_value(RealmLine::of(realm)).unwrap_or_default();
    let (slug, before, after) = (&after.slug, fields(before), fields(after));
    let changed = after.as_object().into_iter().flatten().filter_map(|(key, value)| {
        let old = before.get(key).unwrap_or(&Value::Null);
        (old != value).then(|| format!("realm {slug}: {key}: {old} → {value}"))
    });
    changed.collect()
}
