//! `auth-server import` and `export`.

use std::fs::OpenOptions;
use std::io::{BufReader, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::bail;
use auth_core::ImportMode;

use super::{ConfigFile, open_file, say};
use crate::config::plain_io;

/// Move realms and users in from JSON lines: all, or nothing when a line is bad.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: auth-server import --config auth.toml users.jsonl --dry-run")]
pub(super) struct Import {
    #[command(flatten)]
    file: ConfigFile,
    /// One realm or user a line.
    #[arg(value_name = "USERS.jsonl")]
    users: PathBuf,
    /// Check everything, write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let lines = BufReader::new(open_file(&self.users)?);
        let assembled = self.file.open().await?;
        let mode = if self.dry_run { ImportMode::DryRun } else { ImportMode::Write };
        let watched = std::io::stderr().is_terminal();
        let mut progress = |ready: u64| {
            if watched {
                let _ = write!(std::io::stderr(), "\r{ready} records ready");
            }
        };
        let report = match assembled.engine().import(lines, mode, &mut progress).await {
            Ok(report) => report,
            Err(failure @ auth_engine::transfer::ImportFailure::Lines(_)) => {
                bail!("nothing was imported from {}\n{failure}", self.users.display())
            }
            Err(failure) => return Err(failure.into()),
        };
        for (line, note) in &report.notes {
            writeln!(std::io::stderr(), "line {line}: {note}")?;
        }
        let (realms, users) = (report.imported.realms, report.imported.users);
        let done = if self.dry_run { "good, nothing written" } else { "imported" };
        say(format_args!("{done}: {realms} realms, {users} users"))?;
        Ok(())
    }
}

/// Move realms and users out as JSON lines.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server export --config auth.toml > users.jsonl\n  \
                        auth-server export --config auth.toml --with-secrets users-with-secrets.jsonl")]
pub(super) struct Export {
    #[command(flatten)]
    file: ConfigFile,
    /// Write password hashes, keys and TOTP secrets too, to this new file of mode 0600.
    #[arg(long, value_name = "TO")]
    with_secrets: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let Some(path) = self.with_secrets else {
            // A lock on standard output would not cross threads.
            let mut out = BufWriter::new(std::io::stdout());
            assembled.engine().export(&mut out, false).await?;
            out.flush()?;
            return Ok(());
        };
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(error) => bail!("{}: {}", path.display(), plain_io(&error)),
        };
        let mut out = BufWriter::new(file);
        let lines = assembled.engine().export(&mut out, true).await?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        say(format_args!("exported with secrets: {lines} lines to {}", path.display()))?;
        Ok(())
    }
}
