//! The third step of an import: the records are given to the store, which writes all or none.

use std::collections::HashSet;

use auth_core::{
    Act, AuditRecord, ImportError as StoreImportError, Imported, InternalError, NewRecord, StoreError,
};
use auth_engine::Engine;
use futures_util::future::join;

use super::channel::{Sender, channel};
use super::checked::Checked;
use super::draft::{NO_REALM, Record};
use super::progress::{LINES_PER_STEP, OnProgress, tell};
use crate::{ImportError, ImportOptions, Progress};

/// The number of records that are left out at most because they conflict with stored ones; more are hardly meant.
const MOST_CONFLICTS: usize = 1000;

/// Gives the store the records, and leaves out those that conflict with stored ones, if that is allowed.
pub(super) struct Writer<'a> {
    engine: &'a Engine,
    options: ImportOptions,
    /// Where each line that is left out is reported, with the reason.
    reported: &'a mut Vec<(u64, String)>,
    progress: OnProgress<'a>,
    left_out: HashSet<u64>,
    /// The line of each record that the store was given in the last try. The store names a record by its place among
    /// them.
    given: Vec<u64>,
}

impl<'a> Writer<'a> {
    /// A writer that has left out nothing yet.
    pub(super) fn new(
        engine: &'a Engine,
        options: ImportOptions,
        reported: &'a mut Vec<(u64, String)>,
        progress: OnProgress<'a>,
    ) -> Self {
        Self { engine, options, reported, progress, left_out: HashSet::new(), given: Vec::new() }
    }

    /// Writes the records. When one is left out, everything is tried again: the store takes all or nothing.
    pub(super) async fn write(mut self, checked: &mut Checked) -> Result<Imported, ImportError> {
        loop {
            let audit = self.audit(checked)?;
            let (sender, records) = channel();
            let writing = self.engine.store().import(records, self.options.mode, Some(&audit));
            let (written, fed) = join(writing, self.feed(checked, sender)).await;
            fed?;
            let StoreImportError { record, error } = match written {
                Ok(imported) => return Ok(imported),
                Err(refused) => refused,
            };
            let error = error.ok_or_else(|| InternalError::defect("the records ended early"))?;
            let conflicting = match &error {
                StoreError::Conflict(_) | StoreError::Missing(_) => record.and_then(|place| self.line(place)),
                _ => None,
            };
            let Some(line) = conflicting else { return Err(error.into()) };
            if !self.options.skip_bad || self.left_out.len() >= MOST_CONFLICTS {
                return Err(ImportError::Lines(vec![(line, error.to_string())]));
            }
            self.leave_out(line, error.to_string());
        }
    }

    /// Gives the store the records, but those that are left out.
    async fn feed(&mut self, checked: &mut Checked, sender: Sender) -> Result<(), ImportError> {
        self.given.clear();
        let (mut records, of) = (0, checked.len());
        // Realms that are neither in the store nor written by the lines so far.
        let mut missing = HashSet::new();
        for draft in checked.read()? {
            let draft = draft?;
            let is_left_out = self.left_out.contains(&draft.line);
            match &draft.record {
                Record::Realm { realm, is_new: true } if is_left_out => {
                    missing.insert(realm.id);
                }
                // A later line of the same slug may make the realm after all.
                Record::Realm { realm, .. } if !is_left_out => {
                    missing.remove(&realm.id);
                }
                Record::User { user, .. } if !is_left_out && missing.contains(&user.user.realm) => {
                    self.leave_out(draft.line, NO_REALM.to_owned());
                    continue;
                }
                _ => {}
            }
            if is_left_out {
                continue;
            }
            let record = match draft.record {
                Record::Realm { realm, .. } => NewRecord::Realm(realm),
                Record::User { user, .. } => NewRecord::User(user),
            };
            self.given.push(draft.line);
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

    /// The row of the audit log: what was created or written where it is one record, else how many there were.
    fn audit(&self, checked: &mut Checked) -> Result<AuditRecord, ImportError> {
        let by_command = |act, realm, user| self.engine.auditor().by_command(act, realm, user, String::new());
        // A user that is added may come with its realm.
        if checked.len() > 2 {
            return Ok(by_command(Act::Imported, None, None));
        }
        let (mut realms, mut users) = (Vec::new(), Vec::new());
        for draft in checked.read()? {
            let draft = draft?;
            match draft.record {
                _ if self.left_out.contains(&draft.line) => {}
                Record::Realm { realm, .. } => realms.push(realm.id),
                Record::User { user, .. } => users.push((user.user.realm, user.user.id)),
            }
        }
        Ok(match (&realms[..], &users[..]) {
            (_, [(realm, user)]) => by_command(Act::UserCreated, Some(*realm), Some(*user)),
            ([realm], []) => by_command(Act::RealmWritten, Some(*realm), None),
            _ => by_command(Act::Imported, None, None),
        })
    }

    fn leave_out(&mut self, line: u64, reason: String) {
        self.reported.push((line, reason));
        self.left_out.insert(line);
    }

    /// The line of the record at a place among those that the store was given.
    fn line(&self, place: u64) -> Option<u64> {
        usize::try_from(place).ok().and_then(|place| self.given.get(place)).copied()
    }
}
