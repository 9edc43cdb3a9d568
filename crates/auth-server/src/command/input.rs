//! What commands read: files, and secrets from the terminal or standard input.

use std::fs::File;
use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_core::{OneTimeCode, Password, Timestamp};
use zeroize::Zeroizing;

use super::output::print_line;
use crate::config::Span;
use crate::system_error::file_reason;

/// Opens a file for reading.
pub(super) fn open_file(path: &Path) -> anyhow::Result<File> {
    File::open(path).map_err(|error| anyhow::anyhow!("{}: {}", path.display(), file_reason(path, &error)))
}

/// A moment as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// The moment itself.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl Age {
    /// The moment, where it is `now`.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }

    /// The moment, where it is `now` and a length of time is one from now on.
    pub(super) fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now + ago,
        }
    }
}

/// Reads a moment: a time in RFC 3339, a day in UTC, or how long ago.
pub(super) fn moment(text: &str) -> Result<Age, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Age::At(Timestamp::from_millis(time.as_millisecond())));
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>()
        && let Ok(begin) = day.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(Age::At(Timestamp::from_millis(begin.timestamp().as_millisecond())));
    }
    let wrong = "a time is written like 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 90d, 2h";
    Span::parse(text).map(|span| Age::Ago(span.0)).map_err(|_| wrong.to_owned())
}

/// Reads names, one in each line. Lines that are empty are passed over.
pub(super) fn read_names(lines: impl BufRead) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for line in lines.lines() {
        let line = line.context("the names can't be read")?;
        let name = line.trim();
        if !name.is_empty() {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Reads a password: from the terminal, or the first line of standard input.
pub(super) fn read_password() -> anyhow::Result<Password> {
    if std::io::stdin().is_terminal() { non_empty(&prompt("Password: ")?) } else { piped_password() }
}

/// Reads a password that is to be set. At the terminal it is entered twice, so that a typing error locks nobody out.
pub(super) fn read_new_password() -> anyhow::Result<Password> {
    if !std::io::stdin().is_terminal() {
        return piped_password();
    }
    let first = prompt("Password: ")?;
    if first != prompt("Again: ")? {
        bail!("the two passwords differ");
    }
    non_empty(&first)
}

/// Reads a one-time code from the first line of standard input. At the terminal the user is asked for it.
pub(super) fn read_code() -> anyhow::Result<OneTimeCode> {
    if std::io::stdin().is_terminal() {
        print_line("Code that the app shows:")?;
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line).context("the code is not UTF-8 text")?;
    Ok(OneTimeCode::new(line.trim()))
}

/// Asks at the terminal whether to go on, and goes on if the answer is `yes`.
///
/// # Errors
/// When it isn't, or nobody can be asked: the error names the option that answers before.
pub(super) fn confirm(question: &str, option: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: {option} goes on without asking");
    }
    print_line(format_args!("{question} Type yes:"))?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("the answer is not UTF-8 text")?;
    if answer.trim() != "yes" {
        bail!("nothing was done");
    }
    Ok(())
}

/// Reads a secret that is to be found: from the terminal, or the first line of standard input.
pub(super) fn read_secret() -> anyhow::Result<Password> {
    if std::io::stdin().is_terminal() { non_empty(&prompt("Secret: ")?) } else { piped_password() }
}

fn prompt(text: &str) -> std::io::Result<Zeroizing<String>> {
    rpassword::prompt_password(text).map(Zeroizing::new)
}

fn piped_password() -> anyhow::Result<Password> {
    let mut line = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().read_line(&mut line);
    read.context("the password on standard input is not UTF-8 text")?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    non_empty(text.strip_suffix('\r').unwrap_or(text))
}

fn non_empty(text: &str) -> anyhow::Result<Password> {
    if text.is_empty() {
        bail!("the password is empty: type one, or pipe one in");
    }
    Ok(Password::new(text))
}
