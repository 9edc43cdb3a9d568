//! The report of an import: a file with a line of JSON for each record.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Result as IoResult, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use auth_transfer::{Outcomes, RecordOutcome};

use crate::system_error::file_reason;

/// A report that is being written, beside the file of its name, which it becomes when it is whole.
pub(super) struct Report {
    to: PathBuf,
    beside: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Report {
    /// Begins a report, or none where no file is named. A file that is there is replaced when the report is whole.
    pub(super) fn begin(to: Option<&Path>) -> anyhow::Result<Self> {
        let Some(to) = to else {
            return Ok(Self { to: PathBuf::new(), beside: PathBuf::new(), file: None });
        };
        let Some(name) = to.file_name().filter(|_| !to.is_dir()) else {
            bail!("--report {}: it is a folder", to.display());
        };
        let mut beside = name.to_owned();
        beside.push(".new");
        let beside = to.with_file_name(beside);
        // What an interrupted import has left there is of no use.
        let _ = std::fs::remove_file(&beside);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside) {
            Ok(file) => Ok(Self { to: to.to_owned(), beside, file: Some(BufWriter::new(file)) }),
            Err(error) => bail!("--report {}: {}", to.display(), file_reason(&beside, &error)),
        }
    }

    /// Ends the report: from now on it has its name.
    pub(super) fn finish(&mut self) -> IoResult<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&self.beside, &self.to)
    }
}

impl Outcomes for Report {
    fn is_heard(&self) -> bool {
        self.file.is_some()
    }

    fn hear(&mut self, outcome: &RecordOutcome) -> IoResult<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        serde_json::to_writer(&mut *file, outcome)?;
        file.write_all(b"\n")
    }
}
