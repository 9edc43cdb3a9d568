//! Lines on their way from one step to the next, however many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};

use tempfile::SpooledTempFile;

/// So many bytes are kept in memory; more are written to a file.
const IN_MEMORY: usize = 16 * 1024 * 1024;

/// Lines of text, written first and then read as often as is asked for: in memory while they are few, else in a file
/// without a name that no other user of the machine can open and that is gone with the process.
pub struct Spool {
    file: BufWriter<SpooledTempFile>,
    lines: u64,
    bytes: u64,
    failed: Option<io::Error>,
}

impl Spool {
    /// Adds a line. Should it not be possible, reading tells why.
    pub(super) fn push(&mut self, line: &str) {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        self.lines += 1;
        self.bytes += u64::try_from(line.len()).unwrap_or(u64::MAX) + 1;
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.lines
    }

    /// How many bytes they are, line ends included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// The lines from the first on; nothing can be added after that.
    ///
    /// # Errors
    /// What went wrong when lines were added, or goes wrong now.
    pub fn read(&mut self) -> io::Result<impl BufRead + Send + '_> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.file.flush()?;
        self.file.get_mut().rewind()?;
        Ok(BufReader::new(self.file.get_mut()))
    }

    /// All lines as one text, where they are known to be few.
    ///
    /// # Errors
    /// As for [`Spool::read`].
    pub fn text(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.read()?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// The lines of these numbers, the first being 1.
    ///
    /// # Errors
    /// As for [`Spool::read`].
    pub fn pick(&mut self, numbers: &BTreeSet<u64>) -> io::Result<BTreeMap<u64, String>> {
        let last = numbers.last().copied().unwrap_or(0);
        let mut picked = BTreeMap::new();
        for (number, line) in (1..=last).zip(self.read()?.lines()) {
            let line = line?;
            if numbers.contains(&number) {
                picked.insert(number, line);
            }
        }
        Ok(picked)
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), lines: 0, bytes: 0, failed: None }
    }
}

impl fmt::Debug for Spool {
    /// Without the lines, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("lines", &self.lines).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_again_in_memory_and_from_a_file() {
        for long in [1, IN_MEMORY / 2] {
            let mut spool = Spool::default();
            assert!(spool.is_empty());
            let lines: Vec<String> =
                (0..3).map(|number| number.to_string() + &"x".repeat(long - 1)).collect();
            for line in &lines {
                spool.push(line);
            }
            assert_eq!(spool.len(), 3);
            for _ in 0..2 {
                assert!(spool.text().unwrap().lines().eq(&lines));
            }
            let picked = spool.pick(&[1, 3, 7].into()).unwrap();
            assert_eq!(picked, [(1, lines[0].clone()), (3, lines[2].clone())].into());
        }
    }

    #[test]
    fn debug_tells_no_line() {
        let mut spool = Spool::default();
        spool.push("secret");
        assert!(!format!("{spool:?}").contains("secret"));
    }
}
