//! What commands read: files, and secrets from the terminal or standard input.

use std::fs::File;
use std::io::{BufRead, IsTerminal};
use std::path::Path;

use anyhow::{Context, bail};
use auth_core::{OneTimeCode, Password};
use zeroize::Zeroizing;

use super::output::print_line;
use crate::system_error::file_reason;

/// Opens a file for reading.
pub(super) fn open_file(path: &Path) -> anyhow::Result<File> {
    File::open(path).map_err(|error| anyhow::anyhow!("{}: {}", path.display(), file_reason(path, &error)))
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
