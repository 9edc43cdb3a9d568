//! `auth-server import` and `export`.

mod source;
mod zulip;

use std::fs::OpenOptions;
use std::io::{BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use auth_core::ImportMode;
use auth_engine::transfer::{ImportFailure, ImportOptions};

use self::source::{Form, Source};
use super::{ConfigFile, say};
use crate::config::plain_io;

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
    /// The slug of the realm that the users move into; one that is not there is made. By default that of the door
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
        let watched = std::io::stderr().is_terminal();
        let mut progress = |ready: u64| {
            if watched {
                let _ = write!(std::io::stderr(), "\r{ready} records ready");
            }
        };
        let Source { lines, places, mut notes, bad, .. } = source;
        let place = |line: u64| {
            let place = usize::try_from(line).ok().and_then(|line| places.get(line.checked_sub(1)?));
            place.cloned().unwrap_or_else(|| format!("line {line}"))
        };
        let report = match assembled.engine().import(lines, options, &mut progress).await {
            Ok(report) => report,
            Err(ImportFailure::Lines(bad)) => {
                bail!(refusal(&self.users, bad.iter().map(|(line, reason)| (place(*line), reason))))
            }
            Err(failure) => return Err(failure.into()),
        };
        notes.extend(report.notes.iter().map(|(line, note)| (place(*line), note.clone())));
        let mut left_out = bad;
        left_out.extend(report.left_out.iter().map(|(line, reason)| (place(*line), reason.clone())));
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
