//! Records of an update that are written together.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::{
    Act, AuditRecord, ImportMark, ImportMode, ImportNote, InternalError, MarkedUser, NewRecord, OnConflict,
    RealmChange, StoreError,
};
use auth_crypto::password::StoredPassword;
use auth_engine::{Engine, Scheme, register_schemes};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::draft::{NO_REALM, Record};
use super::empty::{EMPTY_PASSWORD, opens_without_password};
use super::follow::Following;
use super::hash::{HASHING, Hasher};
use super::outcome::{OnOutcome, RecordOutcome, tell};
use super::write::{changes, folding_note};
use crate::{ImportError, ImportOptions, UpdateReport};

/// A record that waits to be written.
pub(super) struct Waiting {
    line: u64,
    /// The name of the user; `None` of a realm.
    user: Option<String>,
    pending: Pending,
    notes: Vec<String>,
}

/// What is to be written of a record.
pub(super) enum Pending {
    /// All of it.
    Whole {
        record: Record,
        /// What is remembered of a user, and the row of the audit log.
        mark: Option<Box<(ImportMark, AuditRecord)>>,
    },
    /// A change of the account that it is.
    Change { following: Box<Following>, record: Record, outcome: &'static str },
}

impl Waiting {
    pub(super) fn new(line: u64, user: Option<String>, pending: Pending, notes: Vec<String>) -> Self {
        Self { line, user, pending, notes }
    }

    /// The record, whose password is to be hashed.
    fn record_mut(&mut self) -> &mut Record {
        match &mut self.pending {
            Pending::Whole { record, .. } | Pending::Change { record, .. } => record,
        }
    }
}

/// Records of an update that are written together.
pub(super) struct Batch<'a> {
    engine: &'a Engine,
    options: ImportOptions,
    waiting: Vec<Waiting>,
    /// The realms of earlier batches of a dry run, of which the store keeps nothing.
    realms: Vec<RealmChange>,
    /// The schemes that are listed.
    schemes: HashSet<Scheme>,
}

/// What the store says of the records of a batch, by their places.
#[derive(Default)]
struct Told {
    left_out: Vec<(u64, StoreError)>,
    notes: Vec<(u64, ImportNote)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(engine: &'a Engine, options: ImportOptions) -> Self {
        Self { engine, options, waiting: Vec::new(), realms: Vec::new(), schemes: HashSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    pub(super) fn extend(&mut self, waiting: Option<Waiting>) {
        self.waiting.extend(waiting);
    }

    /// Writes the records that wait, in one transaction, but for those that can't be written.
    pub(super) async fn flush(
        &mut self,
        report: &mut UpdateReport,
        outcomes: OnOutcome<'_>,
    ) -> Result<(), ImportError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        for one in &mut waiting {
            self.note_empty_password(one, report).await?;
        }
        if self.options.mode == ImportMode::Write {
            waiting = self.hash(waiting).await?;
        }
        let mut records: Vec<NewRecord> = self.realms.iter().cloned().map(NewRecord::Realm).collect();
        let before = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let mut told_of = Vec::with_capacity(waiting.len());
        for one in waiting {
            let (record, of) = finished(one);
            if let (NewRecord::Realm(change), ImportMode::DryRun) = (&record, self.options.mode) {
                self.realms.push(change.clone());
            }
            records.push(record);
            told_of.push(of);
        }
        let mut told = self.write(records).await?;
        told.left_out.sort_by_key(|(place, _)| *place);
        for (place, of) in (before..).zip(told_of) {
            let why = told.left_out.iter().find(|(record, _)| *record == place).map(|(_, error)| error);
            let notes = told.notes.iter().filter(|(record, _)| *record == place).map(|(_, note)| note);
            of.tell(why, notes, report, outcomes)?;
        }
        Ok(())
    }

    async fn write(&self, records: Vec<NewRecord>) -> Result<Told, ImportError> {
        let told = Arc::new(Mutex::new(Told::default()));
        let on_conflict = {
            let told = Arc::clone(&told);
            OnConflict::LeaveOut(Box::new(move |out| lock(&told).left_out.push((out.record, out.error))))
        };
        let notes = {
            let told = Arc::clone(&told);
            Box::new(move |record, note| lock(&told).notes.push((record, note)))
        };
        // Each record has a row of its own; this one says who imports.
        let audit = self.engine.auditor().by_command(Act::RealmWritten, None, None, String::new());
        let records = Box::new(records.into_iter().map(Some));
        let written =
            self.engine.store().import(records, self.options.mode, on_conflict, notes, Some(&audit)).await;
        if let Err(refused) = written {
            let ended = || InternalError::defect("the records ended early");
            return Err(refused.error.map_or_else(ended, InternalError::from).into());
        }
        let mut told = lock(&told);
        Ok(std::mem::take(&mut *told))
    }

    /// Hashes the passwords that are to be stored, and lists their schemes.
    async fn hash(&mut self, mut waiting: Vec<Waiting>) -> Result<Vec<Waiting>, ImportError> {
        let hasher = Hasher { engine: self.engine, wrap: self.options.wrap };
        for one in &mut waiting {
            if let Pending::Change { following, record: Record::User { user, clear, .. }, .. } =
                &mut one.pending
                && !following.sets_password
            {
                (user.password, *clear) = (None, None);
            }
        }
        let mut hashed: Vec<Waiting> = stream::iter(waiting)
            .map(|mut one| async move {
                hasher.hash_one(one.record_mut()).await?;
                Ok::<_, InternalError>(one)
            })
            .buffered(HASHING)
            .try_collect()
            .await?;
        let params = self.engine.passwords().config().params;
        let mut new = Vec::new();
        for one in &mut hashed {
            let Record::User { user, .. } = one.record_mut() else { continue };
            let stored = user.password.as_ref().and_then(|password| StoredPassword::parse(password).ok());
            new.extend(stored.map(|stored| Scheme::of_stored(&stored, params)));
        }
        new.retain(|scheme| self.schemes.insert(scheme.clone()));
        if !new.is_empty() {
            register_schemes(&**self.engine.store(), new).await?;
        }
        Ok(hashed)
    }

    /// Notes that a Zettelstore has hashed an empty password, where it is to be stored.
    async fn note_empty_password(
        &self,
        one: &mut Waiting,
        report: &mut UpdateReport,
    ) -> Result<(), ImportError> {
        let record = match &one.pending {
            Pending::Change { following, record, .. } if following.sets_password => record,
            Pending::Whole { record, .. } => record,
            Pending::Change { .. } => return Ok(()),
        };
        if super::empty::is_of_zettelstore(record) && opens_without_password(self.engine, record).await? {
            report.notes.push(one.line, EMPTY_PASSWORD);
            one.notes.push(EMPTY_PASSWORD.to_owned());
        }
        Ok(())
    }
}

fn lock<T>(told: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is told of a record once it is written.
struct TellOf {
    line: u64,
    user: Option<String>,
    outcome: &'static str,
    words: Vec<&'static str>,
    notes: Vec<String>,
}

/// The record that the store is given, and what is told of it.
fn finished(waiting: Waiting) -> (NewRecord, TellOf) {
    let Waiting { line, user, pending, notes } = waiting;
    let (record, outcome, words) = match pending {
        Pending::Whole { record: Record::Realm(change), .. } => {
            (NewRecord::Realm(change), "realm", Vec::new())
        }
        Pending::Whole { record: Record::User { user: new, .. }, mark } => {
            let record = match mark {
                None => NewRecord::User(new),
                Some(marked) => {
                    let (mark, audit) = *marked;
                    NewRecord::Marked(Box::new(MarkedUser { new: *new, mark, audit: Some(audit) }))
                }
            };
            (record, "new", Vec::new())
        }
        Pending::Change { following, record, outcome } => {
            let Following { mut change, words, sets_password, .. } = *following;
            if let Record::User { user: new, .. } = record
                && sets_password
                && new.password.is_some()
            {
                change.password = new.password;
            }
            let outcome = if outcome == "changed" && words.is_empty() { "unchanged" } else { outcome };
            (NewRecord::Change(Box::new(change)), outcome, words)
        }
    };
    (record, TellOf { line, user, outcome, words, notes })
}

impl TellOf {
    fn tell<'n>(
        self,
        why: Option<&StoreError>,
        told: impl Iterator<Item = &'n ImportNote>,
        report: &mut UpdateReport,
        outcomes: OnOutcome<'_>,
    ) -> Result<(), ImportError> {
        let Self { line, user, outcome, words, mut notes } = self;
        let mut changed: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if let Some(error) = why {
            let reason = match error {
                StoreError::Missing(_) => NO_REALM.to_owned(),
                StoreError::Changed => {
                    "the account was changed meanwhile: the next update takes it".to_owned()
                }
                error => error.to_string(),
            };
            report.refused += 1;
            report.left_out.push(line, reason.clone());
            notes.push(reason);
            let outcome =
                RecordOutcome { line: Some(line), user, outcome: "left out", changed: Vec::new(), notes };
            return tell(outcomes, &outcome);
        }
        for note in told {
            match note {
                ImportNote::Realm(written) => {
                    for change in written.before.iter().flat_map(|before| changes(before, &written.after)) {
                        report.changes.push(line, change.clone());
                        changed.push(change);
                    }
                }
                ImportNote::FoldsAlike(kind) => {
                    if let Some(note) = folding_note(*kind) {
                        report.notes.push(line, note.clone());
                        notes.push(note);
                    }
                }
            }
        }
        let counter = match outcome {
            "realm" => &mut report.imported.realms,
            "new" => &mut report.imported.users,
            "changed" => &mut report.changed,
            "adopted" => &mut report.adopted,
            "joined" => &mut report.joined,
            _ => &mut report.unchanged,
        };
        *counter += 1;
        if let (Some(user), true) = (&user, outcome != "unchanged") {
            let text = match outcome {
                "changed" => words.join(", "),
                "joined" => "joined with the account that has its address".to_owned(),
                outcome if words.is_empty() => outcome.to_owned(),
                outcome => format!("{outcome}, {}", words.join(", ")),
            };
            report.updates.push(line, format!("user {user}: {text}"));
        }
        let outcome = RecordOutcome { line: Some(line), user, outcome, changed, notes };
        tell(outcomes, &outcome)
    }
}
