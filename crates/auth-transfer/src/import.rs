//! Import, in three steps: every line is checked and made into a record; clear passwords are hashed; the records are
//! written, all or none. Between the steps the checked records are spooled, so that memory grows by no more than the
//! number of each record's line: 8 MiB for a million records. Each line is parsed and sealed once.

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

use auth_core::ImportMode;
use auth_engine::{Engine, register_schemes};

use self::check::Checker;
use self::checked::Checked;
use self::draft::Draft;
use self::empty::{is_of_zettelstore, note_empty_passwords};
use self::hash::Hasher;
use self::progress::{LINES_PER_STEP, OnProgress, tell};
use self::write::Writer;
use super::line::{BadLine, Line, bad};
use super::{ImportError, ImportOptions, ImportReport, Progress};

/// The number of bad lines that are named at most.
const MOST_NAMED: usize = 100;

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
    report.notes.extend(note_empty_passwords(engine, &mut checked, progress).await?);
    if options.mode == ImportMode::Write {
        if checked.to_hash > 0 {
            checked = hasher.hash(checked, progress).await?;
        }
        // Before the passwords are written, so that none is stored without its scheme being listed.
        register_schemes(&**engine.store(), std::mem::take(&mut checked.schemes)).await?;
    }
    let written = Writer::new(engine, options, &mut report.left_out, progress).write(&mut checked).await;
    engine.realms().forget();
    report.imported = written?;
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
    async fn check(&mut self, mut lines: impl BufRead) -> Result<Checked, ImportError> {
        let mut checker = Checker::new(self.hasher.engine).await?;
        let mut checked = Checked::default();
        let mut bad_lines = Vec::new();
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
            let record = self.parse(number, &text).and_then(|line| checker.check(line));
            match record {
                Ok(record) => {
                    self.hasher.note(&record, &mut checked);
                    checked.of_zettelstore += u64::from(is_of_zettelstore(&record));
                    checked.push(&Draft { line: number, record })?;
                }
                Err(BadLine(reason)) if self.options.skip_bad => self.report.left_out.push((number, reason)),
                Err(BadLine(reason)) => {
                    bad_lines.push((number, reason));
                    if bad_lines.len() == MOST_NAMED {
                        break;
                    }
                }
            }
        }
        if bad_lines.is_empty() { Ok(checked) } else { Err(ImportError::Lines(bad_lines)) }
    }

    fn parse(&mut self, number: u64, text: &[u8]) -> Result<Line, BadLine> {
        if u64::try_from(text.len()).is_ok_and(|length| length >= LONGEST_LINE) {
            return Err(bad("longer than a mebibyte"));
        }
        let line = Line::parse(std::str::from_utf8(text).map_err(|_| bad("not UTF-8"))?)?;
        for key in line.unknown_keys() {
            self.report.notes.push((number, format!("`{key}` means nothing here")));
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
