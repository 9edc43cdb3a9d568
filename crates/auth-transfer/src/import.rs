//! Import, in three steps: every line is checked and made into a record; clear passwords are hashed; the records are
//! written, all or none. Between the steps the checked records are spooled, so that memory grows by no more than the
//! number of each record's line: 8 MiB for a million records. Each line is parsed and sealed once.

mod bad_lines;
mod batch;
mod channel;
mod check;
mod checked;
mod credentials;
mod draft;
mod empty;
mod follow;
mod hash;
mod join;
mod known;
mod lines;
mod mark;
mod outcome;
mod outcomes_of_all;
mod progress;
mod update;
mod write;

use std::io::BufRead;

use auth_core::ImportMode;
use auth_engine::{Engine, register_schemes};

use self::bad_lines::BadLines;
use self::check::{Checker, Refusal};
use self::checked::Checked;
use self::draft::{Draft, NO_REALM, Record};
use self::empty::{is_of_zettelstore, note_empty_passwords};
use self::hash::Hasher;
use self::lines::{open, parse};
use self::mark::{Marker, State};
use self::outcome::{OnOutcome, tell};
use self::outcomes_of_all::{Told, tell_of_all};
use self::progress::OnProgress;
use self::write::Writer;
use super::line::{BadLine, Line, shown};
use super::missing_realms::MissingRealms;
use super::{ImportError, ImportOptions, ImportReport};

pub use self::join::Joining;
pub use self::outcome::{Outcomes, RecordOutcome, Unheard};
pub use self::update::update;

/// Reads JSON lines and writes the realms and users that they describe: all, or none when a line is bad, unless bad lines are
/// to be left out. `progress` is told how far the import is every so often, and may end it.
///
/// # Errors
/// [`ImportError`] with every bad line, or what failed.
pub async fn import(
    engine: &Engine,
    lines: impl BufRead,
    options: impl Into<ImportOptions>,
    progress: OnProgress<'_>,
) -> Result<ImportReport, ImportError> {
    run(engine, lines, options.into(), None, &mut Unheard, progress).await
}

/// Imports the lines of a source, and remembers of each what it was, so that [`update()`] finds what has changed.
///
/// # Errors
/// As for [`import`].
pub async fn import_source(
    engine: &Engine,
    lines: impl BufRead,
    options: impl Into<ImportOptions>,
    source: &str,
    outcomes: OnOutcome<'_>,
    progress: OnProgress<'_>,
) -> Result<ImportReport, ImportError> {
    let marker = Marker::new(source, &engine.keys().ring());
    run(engine, lines, options.into(), Some(marker), outcomes, progress).await
}

async fn run(
    engine: &Engine,
    lines: impl BufRead,
    options: ImportOptions,
    marker: Option<Marker>,
    outcomes: OnOutcome<'_>,
    progress: OnProgress<'_>,
) -> Result<ImportReport, ImportError> {
    let hasher = Hasher { engine, wrap: options.wrap };
    let mut import = Import { hasher, options, marker, report: ImportReport::default(), outcomes, progress };
    let mut checked = import.check(lines).await?;
    let Import { mut report, outcomes, progress, .. } = import;
    let mut told = Told { checked: std::mem::take(&mut report.notes), ..Told::default() };
    note_empty_passwords(engine, &mut checked, &mut told.empty, progress).await?;
    if options.mode == ImportMode::Write {
        if checked.to_hash > 0 {
            checked = hasher.hash(checked, progress).await?;
        }
        // Before the passwords are written, so that none is stored without its scheme being listed.
        register_schemes(&**engine.store(), std::mem::take(&mut checked.schemes)).await?;
    }
    let written = Writer::new(engine, options, progress).write(&mut checked, &mut report, &mut told).await;
    engine.realms().forget();
    tell_of_all(&mut checked, &mut report, told, written.is_ok(), outcomes)?;
    written?;
    Ok(report)
}

/// The first step of an import.
struct Import<'a> {
    hasher: Hasher<'a>,
    options: ImportOptions,
    marker: Option<Marker>,
    report: ImportReport,
    outcomes: OnOutcome<'a>,
    progress: OnProgress<'a>,
}

impl Import<'_> {
    /// Reads and checks all lines.
    async fn check(&mut self, lines: impl BufRead) -> Result<Checked, ImportError> {
        let mut lines = open(lines)?;
        let mut checker = Checker::new(self.hasher.engine).await?;
        let mut checked = Checked::default();
        let (mut bad_lines, mut missing_realms) = (BadLines::default(), MissingRealms::default());
        while let Some(number) = lines.advance(self.progress)? {
            let notes = &mut self.report.notes;
            let line = parse(lines.text(), |note| notes.push(number, note)).map_err(Refusal::from);
            let mark = match (&self.marker, &line) {
                (Some(marker), Ok(Line::User(user))) => Some((marker, marker.mark(user, lines.text()))),
                _ => None,
            };
            let name = match &line {
                Ok(Line::User(user)) if self.outcomes.is_heard() => Some(shown(user)),
                _ => None,
            };
            let reason = match line.and_then(|line| checker.check(line)) {
                Ok(record) => {
                    self.hasher.note(&record, &mut checked);
                    checked.of_zettelstore += u64::from(is_of_zettelstore(&record));
                    let mark = mark.and_then(|(marker, mark)| {
                        let Record::User { user, .. } = &record else { return None };
                        let ended = (!user.user.active).then_some(user.user.valid_from);
                        Some(marker.of_user(&mark, user.user.id, State { ended, is_joined: false }))
                    });
                    checked.push(&Draft { line: number, record, mark })?;
                    continue;
                }
                Err(Refusal::NoRealm(slug)) => match missing_realms.count(slug, number) {
                    Ok(()) => {
                        tell(self.outcomes, &RecordOutcome::left_out(number, name, NO_REALM))?;
                        continue;
                    }
                    Err(_) => NO_REALM.to_owned(),
                },
                Err(Refusal::Bad(BadLine(reason))) => reason,
            };
            tell(self.outcomes, &RecordOutcome::left_out(number, name, &reason))?;
            if self.options.skip_bad {
                self.report.left_out.push(number, reason);
            } else {
                bad_lines.push(number, reason);
            }
        }
        for (line, reason, users) in missing_realms.take(NO_REALM) {
            if self.options.skip_bad {
                self.report.left_out.push_of_many(line, reason, users);
            } else {
                bad_lines.push(line, reason);
            }
        }
        bad_lines.finish()?;
        Ok(checked)
    }
}
