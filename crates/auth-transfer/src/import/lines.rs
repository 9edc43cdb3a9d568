//! The lines of an import, read one by one.

use std::io::{self, BufRead, Read};

use auth_core::fold;

use super::progress::{LINES_PER_STEP, OnProgress, tell};
use crate::line::{BadLine, Line, bad};
use crate::text::without_mark;
use crate::{ImportError, Progress};

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 1024 * 1024;

/// The lines of an import.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    bytes: u64,
    text: Vec<u8>,
}

/// Opens lines, which may begin with a byte order mark.
///
/// # Errors
/// [`ImportError::Lines`] when they are no UTF-8 from the first bytes on, and [`ImportError::Read`].
pub(super) fn open(lines: impl BufRead) -> Result<Lines<impl BufRead>, ImportError> {
    match without_mark(lines) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(ImportError::Lines { named: vec![(1, error.to_string())], more: 0 })
        }
        Err(error) => Err(ImportError::Read(error)),
        Ok(reader) => Ok(Lines { reader, number: 0, bytes: 0, text: Vec::new() }),
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line that is not empty; returns its number, and `None` at the end. Tells the progress.
    ///
    /// # Errors
    /// [`ImportError::Read`], and [`ImportError::Stopped`] when the progress callback ends the import.
    pub(super) fn advance(&mut self, progress: OnProgress<'_>) -> Result<Option<u64>, ImportError> {
        loop {
            let read = read_line(&mut self.reader, &mut self.text).map_err(ImportError::Read)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read;
            if self.number.is_multiple_of(LINES_PER_STEP) {
                tell(progress, Progress::Checked { lines: self.number, bytes: self.bytes })?;
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(Some(self.number));
            }
        }
    }

    /// The line that was read last.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Parses a line, and notes what is noticed on it.
pub(super) fn parse(text: &[u8], mut note: impl FnMut(String)) -> Result<Line, BadLine> {
    if u64::try_from(text.len()).is_ok_and(|length| length >= LONGEST_LINE) {
        return Err(bad("longer than a mebibyte"));
    }
    let line = Line::parse(std::str::from_utf8(text).map_err(|_| bad("not UTF-8"))?)?;
    for key in line.unknown_keys() {
        note(format!("`{key}` means nothing here"));
    }
    if let Line::User(user) = &line
        && let (Some(name), Some(email)) = (&user.username, &user.email)
        && name.contains('@')
        && fold(name) != fold(email)
    {
        let text = "`username` is an address, and not that under `email`, by which Zulip and Rocket.Chat find the user";
        note(text.to_owned());
    }
    Ok(line)
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
