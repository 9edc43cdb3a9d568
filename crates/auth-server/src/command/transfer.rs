//! `auth-server import` and `export`.

mod source;
mod zulip;

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use auth_core::ImportMode;
use auth_engine::transfer::{ImportFailure, ImportOptions, Progress};
use tokio::signal::unix::{SignalKind, signal};

use self::source::{Form, Source};
use super::bar::Bar;
use super::{ConfigFile, say};
use crate::config::plain_io;

/// The exit code of a command that a second Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// Move realms and users in: all, or nothing when one can't be taken over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server import --config auth.toml users.jsonl --dry-run\n  \
                        auth-server import --config auth.toml --from zulip --wrap postgres://zulip@db/zulip\n  \
                        auth-server import --config auth.toml --from rocketchat --realm chat users.json\n  \
                        auth-server import --config auth.toml --from zettelstore --realm notes ~/zettel\n  \
                        auth-server import --config auth.toml --from htpasswd /etc/nginx/htpasswd")]
pub(super) struct Import {
    #[command(flatten)]
    file: ConfigFile,
    /// What to move in: see --from.
    #[arg(value_name = "PATH")]
    users: PathBuf,
    /// What PATH is.
    #[arg(long, value_name = "FORM", default_value = "jsonl")]
    from: Form,
    /// The slug of the realm that the users move into; one that is not there is made. By default that of the protocol
    /// whose users they are, and `main` for htpasswd. For Zulip, whose realms have names of their own, that of the
    /// one that has none. JSON lines name their realms themselves.
    #[arg(long, value_name = "SLUG")]
    realm: Option<String>,
    /// A file that holds the password of the Zulip database.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Put hashes of other systems, and weak ones, under Argon2id, so that they are never kept as they were.
    #[arg(long)]
    wrap: bool,
    /// Leave out what can't be taken over, and say so, instead of importing nothing.
    #[arg(long)]
    skip_bad: bool,
    /// Check everything, write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let source = Source::read(&self, &config).await?;
        if !source.bad.is_empty() && !self.skip_bad {
            bail!(refusal(&self.users, source.bad.iter().map(|(place, why)| (place.clone(), why))));
        }
        // Only now: what can't be read shall make no store.
        let assembled = self.file.open().await?;
        let source = source.with_realm(assembled.engine()).await?;
        let mode = if self.dry_run { ImportMode::DryRun } else { ImportMode::Write };
        let options = ImportOptions { mode, wrap: self.wrap, skip_bad: self.skip_bad };
        let Source { mut lines, mut places, mut notes, bad, .. } = source;
        let bytes = lines.bytes();
        let imported = {
            let mut watch = watch(bytes)?;
            assembled.engine().import(lines.read()?, options, &mut watch).await
        };
        let report = match imported {
            Ok(report) => report,
            Err(ImportFailure::Lines(bad)) => {
                bail!(refusal(
                    &self.users,
                    places.named(bad)?.iter().map(|(place, why)| (place.clone(), why))
                ))
            }
            Err(failure) => return Err(failure.into()),
        };
        notes.extend(places.named(report.notes)?);
        let mut left_out = bad;
        left_out.extend(places.named(report.left_out)?);
        for (place, note) in &notes {
            writeln!(std::io::stderr(), "{place}: {note}")?;
        }
        for (place, reason) in &left_out {
            writeln!(std::io::stderr(), "{place}: left out: {reason}")?;
        }
        let (realms, users) = (report.imported.realms, report.imported.users);
        let done = if self.dry_run { "good, nothing written" } else { "imported" };
        let left = match left_out.len() {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        say(format_args!("{done}: {realms} realms, {users} users{left}"))?;
        Ok(())
    }
}

/// Shows how far an import of so many bytes is, and ends it when somebody presses Ctrl-C; whoever does so again does
/// not wait until all is undone.
fn watch(bytes: Option<u64>) -> std::io::Result<impl FnMut(Progress) -> ControlFlow<()> + Send> {
    let stopped = Arc::new(AtomicBool::new(false));
    let mut presses = signal(SignalKind::interrupt())?;
    tokio::spawn({
        let stopped = Arc::clone(&stopped);
        async move {
            while presses.recv().await.is_some() {
                if stopped.swap(true, Ordering::Relaxed) {
                    std::process::exit(INTERRUPTED);
                }
            }
        }
    });
    let bar = Bar::new();
    Ok(move |progress| {
        match progress {
            Progress::Checked { bytes: done, .. } => bar.show("checking", done, bytes),
            Progress::Hashed { passwords, of } => bar.show("hashing", passwords, Some(of)),
            Progress::Written { records, of } => bar.show("writing", records, Some(of)),
        }
        if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// Why nothing was imported: a line for each place.
fn refusal<'a>(path: &Path, bad: impl Iterator<Item = (String, &'a String)>) -> String {
    bad.fold(format!("nothing was imported from {}", shown(path)), |told, (place, reason)| {
        format!("{told}\n{place}: {reason}")
    })
}

/// What was named, without the password that the address of a database may hold.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!(
                "{}{}",
                text.get(..scheme + 3).unwrap_or_default(),
                text.get(at + 1..).unwrap_or_default()
            )
        }
        _ => text,
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
