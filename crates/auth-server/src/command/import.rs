//! `auth-server import`: imports realms and users.

mod source;
mod zulip;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use auth_admin::Accounts;
use auth_core::ImportMode;
use auth_transfer::{ImportError, ImportOptions, Progress, import};
use tokio::signal::unix::{SignalKind, signal};

use self::source::{Message, Source, SourceArguments};
use super::config_file::ConfigFile;
use super::output::{print_line, print_remark};
use super::progress::ProgressLine;

/// The exit code after a second Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Import realms and users: all of them, or none if one can't be imported.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server import --config auth.toml users.jsonl --dry-run\n  \
                        auth-server import --config auth.toml --from zulip --wrap postgres://zulip@db/zulip\n  \
                        auth-server import --config auth.toml --from rocketchat --realm chat users.json\n  \
                        auth-server import --config auth.toml --from zettelstore --realm notes ~/zettel\n  \
                        auth-server import --config auth.toml --from htpasswd /etc/nginx/htpasswd")]
pub(super) struct Import {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    source: SourceArguments,
    /// Wrap hashes of other systems, and weak ones, in Argon2id, so that the store never holds them as they were.
    #[arg(long)]
    wrap: bool,
    /// Leave out and list what can't be imported, instead of importing nothing.
    #[arg(long)]
    skip_bad: bool,
    /// Check everything, write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let source = Source::read(&self.source, &config).await?;
        if !source.bad.is_empty() && !self.skip_bad {
            bail!(self.refusal(&source.bad));
        }
        // The store is opened, and created if it is new, only after the source was read.
        let (assembled, _pretended) = if self.dry_run {
            self.file.open_or_pretend().await?
        } else {
            (self.file.open_or_create().await?, None)
        };
        let engine = assembled.engine();
        let source = source.with_realm(&Accounts::new(engine)).await?;
        let mode = if self.dry_run { ImportMode::DryRun } else { ImportMode::Write };
        let options = ImportOptions { mode, wrap: self.wrap, skip_bad: self.skip_bad };
        let Source { mut lines, mut origins, mut notes, bad: mut left_out, .. } = source;
        let bytes = lines.bytes();
        let imported = {
            let mut progress = progress(bytes)?;
            import(engine, lines.read()?, options, &mut progress).await
        };
        let report = match imported {
            Ok(report) => report,
            Err(ImportError::Lines(bad)) => bail!(self.refusal(&origins.of(bad)?)),
            Err(error) => return Err(error.into()),
        };
        notes.extend(origins.of(report.notes)?);
        left_out.extend(origins.of(report.left_out)?);
        for Message { origin, text } in &notes {
            print_remark(format_args!("{origin}: {text}"))?;
        }
        for Message { origin, text } in &left_out {
            print_remark(format_args!("{origin}: left out: {text}"))?;
        }
        let (realms, users) = (report.imported.realms, report.imported.users);
        let done = if self.dry_run { "good, nothing written" } else { "imported" };
        let left = match left_out.len() {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        print_line(format_args!("{done}: {realms} realms, {users} users{left}"))?;
        Ok(())
    }

    /// Says that nothing was imported, with a line for each reason.
    fn refusal(&self, bad: &[Message]) -> String {
        let mut text = format!("nothing was imported from {}", self.source.shown());
        for Message { origin, text: reason } in bad {
            let _ = write!(text, "\n{origin}: {reason}");
        }
        text
    }
}

/// Shows the progress of an import of this many bytes. The first Ctrl-C ends the import; the second one ends the process
/// without waiting until the import is undone.
fn progress(bytes: Option<u64>) -> std::io::Result<impl FnMut(Progress) -> ControlFlow<()> + Send> {
    let stopped = Arc::new(AtomicBool::new(false));
    let mut interrupts = signal(SignalKind::interrupt())?;
    tokio::spawn({
        let stopped = Arc::clone(&stopped);
        async move {
            while interrupts.recv().await.is_some() {
                if stopped.swap(true, Ordering::Relaxed) {
                    std::process::exit(INTERRUPTED);
                }
            }
        }
    });
    let line = ProgressLine::new();
    Ok(move |progress| {
        match progress {
            Progress::Checked { bytes: done, .. } => line.show("checking", done, bytes),
            Progress::Hashed { passwords, of } => line.show("hashing", passwords, Some(of)),
            Progress::Written { records, of } => line.show("writing", records, Some(of)),
        }
        if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}
