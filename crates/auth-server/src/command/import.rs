//! `auth-server import`: imports realms and users.

mod report;
mod source;
mod update;
mod zulip;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use auth_admin::Accounts;
use auth_core::ImportMode;
use auth_transfer::{ImportError, ImportOptions, Progress, import_source};
use tokio::signal::unix::{SignalKind, signal};

use self::report::Report;
use self::source::{Source, SourceArguments};
use self::update::UpdateArguments;
use super::config_file::ConfigFile;
use super::output::{print_line, print_remark};
use super::progress::ProgressLine;

/// The number of records that are named at most as the reason why nothing was imported.
const MOST_NAMED: usize = 100;

/// The exit code after a second Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Import realms and users: all of them, or none if one can't be imported.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server import --config auth.toml users.jsonl --dry-run\n  \
                        auth-server import --config auth.toml --from zulip --wrap postgres://zulip@db/zulip\n  \
                        auth-server import --config auth.toml --from rocketchat --realm chat users.json\n  \
                        auth-server import --config auth.toml --from zettelstore --realm notes ~/zettel\n  \
                        auth-server import --config auth.toml --from htpasswd /etc/nginx/htpasswd\n  \
                        auth-server import --config auth.toml --from csv --map 'username=Login,email=Mail' people.csv\n  \
                        auth-server import --config auth.toml --from zulip --update --report last-night.jsonl postgres://zulip@db/zulip")]
pub(super) struct Import {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    update: UpdateArguments,
    /// Write a line of JSON for each record to this file of mode 0600: its line, the user, what became of it, what has changed,
    /// and warnings. It holds names, and no secrets.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Wrap hashes of other systems, and weak ones, in Argon2id, so that the store never holds them as they were.
    #[arg(long)]
    wrap: bool,
    /// Leave out and list what can't be imported, instead of importing nothing.
    #[arg(long)]
    skip_bad: bool,
    /// Check everything, write nothing, and list what would change of realms that exist. A store of an earlier version is
    /// refused, since it would have to be upgraded first.
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let mut source = Source::read(&self.source, &config).await?;
        self.update.joining()?;
        let name = self.update.source_or(self.source.default_name(&config))?;
        if !source.bad.is_empty() && !self.skip_bad && !self.update.update {
            let named: Vec<_> = source.bad.read()?.take(MOST_NAMED).collect::<std::io::Result<_>>()?;
            let more = source.bad.len().saturating_sub(MOST_NAMED as u64);
            let mut report = Report::begin(self.report.as_deref())?;
            report.refuse(&mut source.bad)?;
            report.finish(&mut source.origins).context("the report")?;
            bail!(self.refusal(&named, more));
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
        let mut report_file = Report::begin(self.report.as_deref())?;
        if self.update.update {
            let mut progress = progress(source.lines.bytes())?;
            let run = self.update.run(engine, source, &name, options, &mut report_file, &mut progress);
            return run.await;
        }
        let Source { mut lines, mut origins, mut notes, mut bad, .. } = source;
        report_file.refuse(&mut bad)?;
        let bytes = lines.bytes();
        let imported = {
            let mut progress = progress(bytes)?;
            let lines = lines.read()?;
            import_source(engine, lines, options, &name, &mut report_file, &mut progress).await
        };
        report_file.finish(&mut origins).context("the report")?;
        let report = match imported {
            Ok(report) => report,
            Err(ImportError::Lines { named, more }) => bail!(self.refusal(&origins.of(named)?, more)),
            Err(error) => return Err(error.into()),
        };
        let left_out = bad.records() + report.left_out.records();
        let note = |origin: &str, text: &str| print_remark(format_args!("{origin}: {text}"));
        let leave_out = |origin: &str, text: &str| print_remark(format_args!("{origin}: left out: {text}"));
        for remark in notes.read()? {
            let (origin, text) = remark?;
            note(&origin, &text)?;
        }
        origins.tell(report.notes, note)?;
        for remark in bad.read()? {
            let (origin, text) = remark?;
            leave_out(&origin, &text)?;
        }
        origins.tell(report.left_out, leave_out)?;
        origins.tell(report.changes, |origin, change| print_line(format_args!("{origin}: {change}")))?;
        let (realms, users) = (report.imported.realms, report.imported.users);
        let done = if self.dry_run { "good, nothing written" } else { "imported" };
        let left = match left_out {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        print_line(format_args!("{done}: {realms} realms, {users} users{left}"))?;
        Ok(())
    }

    /// Says that nothing was imported, with a line for each reason that is named, and the number of the others.
    fn refusal(&self, named: &[(String, String)], more: u64) -> String {
        let mut text = format!("nothing was imported from {}", self.source.shown());
        for (origin, reason) in named {
            let _ = write!(text, "\n{origin}: {reason}");
        }
        if more > 0 {
            let _ = write!(text, "\nand {more} more");
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
