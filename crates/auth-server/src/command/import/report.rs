//! The report of an import: a file with a line of JSON for each record.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Result as IoResult, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use auth_transfer::{Outcomes, RecordOutcome, Remarks};

use super::source::{Origins, TOGETHER};
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
        match create(&beside) {
            Ok(file) => Ok(Self { to: to.to_owned(), beside, file: Some(BufWriter::new(file)) }),
            Err(error) => bail!("--report {}: {}", to.display(), file_reason(&beside, &error)),
        }
    }

    /// Writes down which records of another system can't be imported, each with its place there.
    pub(super) fn refuse(&mut self, bad: &mut Remarks<String>) -> IoResult<()> {
        if self.file.is_none() {
            return Ok(());
        }
        for remark in bad.read()? {
            let (place, reason) = remark?;
            let outcome = RecordOutcome {
                line: None,
                user: None,
                outcome: "left out",
                changed: Vec::new(),
                notes: vec![format!("{place}: {reason}")],
            };
            self.hear(&outcome)?;
        }
        Ok(())
    }

    /// Ends the report: from now on it has its name. Records of another system get their place there.
    pub(super) fn finish(&mut self, origins: &mut Origins) -> IoResult<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        if !origins.is_file() {
            let mut placed = BufWriter::new(create(&self.beside)?);
            file.rewind()?;
            place(BufReader::new(file), origins, &mut placed)?;
            file = placed.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        }
        file.sync_all()?;
        std::fs::rename(&self.beside, &self.to)
    }
}

/// Makes a file of mode 0600, in place of what an interrupted import has left there.
fn create(path: &Path) -> IoResult<File> {
    let _ = std::fs::remove_file(path);
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Puts the place of each record of another system before its line.
fn place(mut lines: impl BufRead, origins: &mut Origins, out: &mut impl Write) -> IoResult<()> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        line: Option<u64>,
    }
    loop {
        let mut some = Vec::new();
        for line in lines.by_ref().lines().take(TOGETHER) {
            let line = line?;
            let number = serde_json::from_str::<Numbered>(&line)?.line;
            some.push((number.unwrap_or(0), line));
        }
        if some.is_empty() {
            return Ok(());
        }
        let has_place: Vec<bool> = some.iter().map(|(number, _)| *number > 0).collect();
        for ((place, line), has_place) in origins.of(some)?.into_iter().zip(has_place) {
            match line.strip_prefix('{').filter(|_| has_place) {
                Some(rest) => writeln!(out, "{{\"place\":{},{rest}", serde_json::to_string(&place)?)?,
                None => writeln!(out, "{line}")?,
            }
        }
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
