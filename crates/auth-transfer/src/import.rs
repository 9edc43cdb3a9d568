//! Import, in three steps: every line is checked and made into a record; clear passwords are hashed; the records are
//! written, all or none. Between the steps the checked records are spooled, so that memory grows by no more than the
//! number of each record's line: 8 MiB for a million records. Each line is parsed and sealed once.

mod bad_lines;
mod channel;
mod check;
mod checked;
mod credentials;
mod draft;
mod empty;
mod hash;
mod progress;
mod write;

use std::io::{self, BufRead, Read};

use auth_core::{ImportMode, fold};
use auth_engine::{Engine, register_schemes};

use self::bad_lines::BadLines;
use self::check::{Checker, Refusal};
use self::checked::Checked;
use self::draft::{Draft, NO_REALM};
use self::empty::{is_of_zettelstore, note_empty_passwords};
use self::hash::Hasher;
use self::progress::{LINES_PER_STEP, OnProgress, tell};
use self::write::Writer;
use super::line::{BadLine, Line, bad};
use super::missing_realms::MissingRealms;
use super::text::without_mark;
use super::{ImportError, ImportOptions, ImportReport, Progress};

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 1024 * 1024;

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
    let options = options.into();
    let hasher = Hasher { engine, wrap: options.wrap };
    let mut import = Import { hasher, options, report: ImportReport::default(), progress };
    let mut checked = import.check(lines).await?;
    let Import { mut report, progress, .. } = import;
    note_empty_passwords(engine, &mut checked, &mut report.notes, progress).await?;
    if options.mode == ImportMode::Write {
        if checked.to_hash > 0 {
            checked = hasher.hash(checked, progress).await?;
        }
        // Before the passwords are written, so that none is stored without its scheme being listed.
        register_schemes(&**engine.store(), std::mem::take(&mut checked.schemes)).await?;
    }
    let written = Writer::new(engine, options, progress).write(&mut checked, &mut report).await;
    engine.realms().forget();
    written?;
    Ok(report)
}

/// The first step of an import.
struct Import<'a> {
    hasher: Hasher<'a>,
    options: ImportOptions,
    report: ImportReport,
    progress: OnProgress<'a>,
}

impl Import<'_> {
    /// Reads and checks all lines.
    async fn check(&mut self, lines: impl BufRead) -> Result<Checked, ImportError> {
        let mut lines = match without_mark(lines) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(ImportError::Lines { named: vec![(1, error.to_string())], more: 0 });
            }
            lines => lines.map_err(ImportError::Read)?,
        };
        let mut checker = Checker::new(self.hasher.engine).await?;
        let mut checked = Checked::default();
        let (mut bad_lines, mut missing_realms) = (BadLines::default(), MissingRealms::default());
        let (mut text, mut bytes) = (Vec::new(), 0);
        for number in 1.. {
            let read = read_line(&mut lines, &mut text).map_err(ImportError::Read)?;
            if read == 0 {
                break;
            }
            bytes += read;
            if number % LINES_PER_STEP == 0 {
                tell(self.progress, Progress::Checked { lines: number, bytes })?;
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let line = self.parse(number, &text).map_err(Refusal::from);
            let reason = match line.and_then(|line| checker.check(line)) {
                Ok(record) => {
                    self.hasher.note(&record, &mut checked);
                    checked.of_zettelstore += u64::from(is_of_zettelstore(&record));
                    checked.push(&Draft { line: number, record })?;
                    continue;
                }
                Err(Refusal::NoRealm(slug)) => match missing_realms.count(slug, number) {
                    Ok(()) => continue,
                    Err(_) => NO_REALM.to_owned(),
                },
                Err(Refusal::Bad(BadLine(reason))) => reason,
            };
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

    fn parse(&mut self, number: u64, text: &[u8]) -> Result<Line, BadLine> {
        if u64::try_from(text.len()).is_ok_and(|length| length >= LONGEST_LINE) {
            return Err(bad("longer than a mebibyte"));
        }
        let line = Line::parse(std::str::from_utf8(text).map_err(|_| bad("not UTF-8"))?)?;
        for key in line.unknown_keys() {
            self.report.notes.push(number, format!("`{key}` means nothing here"));
        }
        if let Line::User(user) = &line
            && let (Some(name), Some(email)) = (&user.username, &user.email)
            && name.contains('@')
            && fold(name) != fold(email)
        {
            let note = "`username` is an address, and not that under `email`, by which Zulip and Rocket.Chat find the user";
            self.report.notes.push(number, note);
        }
        Ok(line)
    }
}

/// Reads a line without its end, and no more of it than a line may have; gives the number of bytes read, 0 at the end.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let read = Read::take(&mut *lines, LONGEST_LINE).read_until(b'\n', line)?;
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    if line.pop_if(|last| *last == b'\n').is_none() && read == LONGEST_LINE {
        let rest = lines.skip_until(b'\n')?;
        return Ok(read + u64::try_from(rest).unwrap_or(u64::MAX));
    }
    Ok(read)
}
