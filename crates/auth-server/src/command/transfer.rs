//! `auth-server import` and `export`.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, BufWriter, Cursor, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use auth_core::ImportMode;
use auth_engine::Engine;
use auth_engine::transfer::{ImportFailure, convert_zettel};

use super::{ConfigFile, open_file, realm_line, say};
use crate::config::plain_io;

/// Move realms and users in: all, or nothing when one can't be taken over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server import --config auth.toml users.jsonl --dry-run\n  \
                        auth-server import --config auth.toml --from zettelstore --realm notes ~/zettel")]
pub(super) struct Import {
    #[command(flatten)]
    file: ConfigFile,
    /// JSON lines, one realm or user a line; or a Zettelstore's folder, zettel file, or file of the lines that
    /// `zettelstore password` prints.
    #[arg(value_name = "PATH")]
    users: PathBuf,
    /// What PATH is.
    #[arg(long, value_name = "FORM", default_value = "jsonl")]
    from: Form,
    /// The slug of the realm that a Zettelstore's users move into, by default that of the Zettelstore door; one
    /// that is not there is made. JSON lines name their realms themselves.
    #[arg(long, value_name = "SLUG")]
    realm: Option<String>,
    /// Check everything, write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The forms in which users move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// As `auth-server export` writes them.
    Jsonl,
    /// As Zettelstore keeps them.
    Zettelstore,
}

/// JSON lines, and where they come from.
struct Source {
    lines: Box<dyn BufRead>,
    /// The file behind each line, where it isn't the one that was named.
    files: Vec<String>,
    /// What was noticed before: a file and a sentence.
    notes: Vec<(String, String)>,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (source, assembled) = match self.from {
            Form::Jsonl if self.realm.is_some() => bail!("--realm is for --from zettelstore"),
            Form::Jsonl => {
                let lines = Box::new(BufReader::new(open_file(&self.users)?));
                (Source { lines, files: Vec::new(), notes: Vec::new() }, self.file.open().await?)
            }
            Form::Zettelstore => {
                let files = zettel_files(&self.users)?;
                let realm = match &self.realm {
                    Some(slug) => slug.clone(),
                    None => self.file.load()?.zettelstore.realm,
                };
                let assembled = self.file.open().await?;
                (zettelstore(&self.users, files, assembled.engine(), &realm).await?, assembled)
            }
        };
        let mode = if self.dry_run { ImportMode::DryRun } else { ImportMode::Write };
        let watched = std::io::stderr().is_terminal();
        let mut progress = |ready: u64| {
            if watched {
                let _ = write!(std::io::stderr(), "\r{ready} records ready");
            }
        };
        let place = |line: u64| {
            let file = usize::try_from(line).ok().and_then(|line| source.files.get(line.checked_sub(1)?));
            file.cloned().unwrap_or_else(|| format!("line {line}"))
        };
        let report = match assembled.engine().import(source.lines, mode, &mut progress).await {
            Ok(report) => report,
            Err(ImportFailure::Lines(bad)) => {
                bail!(refusal(&self.users, bad.iter().map(|(line, reason)| (place(*line), reason))))
            }
            Err(failure) => return Err(failure.into()),
        };
        for (file, note) in &source.notes {
            writeln!(std::io::stderr(), "{file}: {note}")?;
        }
        for (line, note) in &report.notes {
            writeln!(std::io::stderr(), "{}: {note}", place(*line))?;
        }
        let (realms, users) = (report.imported.realms, report.imported.users);
        let done = if self.dry_run { "good, nothing written" } else { "imported" };
        say(format_args!("{done}: {realms} realms, {users} users"))?;
        Ok(())
    }
}

/// Why nothing was imported: a line for each place.
fn refusal<'a>(path: &Path, bad: impl Iterator<Item = (String, &'a String)>) -> String {
    bad.fold(format!("nothing was imported from {}", path.display()), |told, (place, reason)| {
        format!("{told}\n{place}: {reason}")
    })
}

/// The users of a Zettelstore as JSON lines, with the realm before them where it is not there yet.
async fn zettelstore(
    path: &Path,
    files: Vec<(String, Vec<u8>)>,
    engine: &Engine,
    realm: &str,
) -> anyhow::Result<Source> {
    let converted = match convert_zettel(files, realm) {
        Ok(converted) => converted,
        Err(bad) => bail!(refusal(path, bad.iter().map(|(file, reason)| (file.clone(), reason)))),
    };
    if converted.files.is_empty() {
        bail!("{} holds no user: a user's zettel has a `user-id` in its metadata", path.display());
    }
    let (mut lines, mut files) = (String::new(), Vec::new());
    if let Some(line) = realm_line(engine, realm).await? {
        lines = line;
        files.push("--realm".to_owned());
    }
    lines.push_str(&converted.lines);
    files.extend(converted.files);
    Ok(Source { lines: Box::new(Cursor::new(lines)), files, notes: converted.notes })
}

/// The zettel and text files of a folder, in the order of their names; or the one file that is meant.
fn zettel_files(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let told = |path: &Path, error: &std::io::Error| format!("{}: {}", path.display(), plain_io(error));
    let read = |path: &Path| {
        let content = std::fs::read(path).map_err(|error| anyhow::anyhow!(told(path, &error)))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        anyhow::Ok((name, content))
    };
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| anyhow::anyhow!(told(path, &error)))?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().context("the folder")?;
    paths.retain(|path| {
        path.extension().is_some_and(|kind| kind == "zettel" || kind == "txt") && path.is_file()
    });
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
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
