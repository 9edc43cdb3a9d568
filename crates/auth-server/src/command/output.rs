//! What commands print: on standard output, and for people on standard error.
//!
//! Names, addresses and labels come from users and from other systems. So nothing is printed but through [`Escaping`],
//! which lets no character act on the terminal, or on the direction of a line.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use auth_admin::view::Moment;
use auth_core::is_control;
use serde::Serialize;

/// Prints a line on standard output.
pub(super) fn print_line(line: impl fmt::Display) -> io::Result<()> {
    write_line(io::stdout().lock(), line)
}

/// Prints a line on standard error.
pub(super) fn print_remark(line: impl fmt::Display) -> io::Result<()> {
    write_line(io::stderr().lock(), line)
}

/// In which form a command prints records.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Form {
    /// Print a line of JSON for each, as where standard output is no terminal.
    #[arg(long)]
    json: bool,
}

/// A record as a row of a table for people.
pub(super) trait Row: Serialize {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// A text for each column.
    fn cells(&self) -> Vec<String>;
}

impl Form {
    /// Prints records: a table for people, lines of JSON for programs. `is_first` says whether the names of the columns go
    /// before them.
    pub(super) fn print<T: Row>(self, records: &[T], is_first: bool) -> anyhow::Result<()> {
        if self.json || !io::stdout().is_terminal() {
            for record in records {
                print_line(serde_json::to_string(record)?)?;
            }
            return Ok(());
        }
        for line in table(records, is_first) {
            print_line(line)?;
        }
        Ok(())
    }
}

/// The lines of a table, whose columns are as wide as what is in them.
fn table<T: Row>(records: &[T], has_head: bool) -> Vec<String> {
    let head = T::COLUMNS.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> =
        has_head.then_some(head.clone()).into_iter().chain(records.iter().map(T::cells)).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..T::COLUMNS.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `yes` or `no`.
pub(super) fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// A moment to the minute, in UTC; empty for none.
pub(super) fn shown_moment(moment: Option<Moment>) -> String {
    let moment = moment.map(|Moment(time)| jiff::Timestamp::from_millisecond(time.as_millis()));
    moment.and_then(Result::ok).map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn write_line(out: impl Write, line: impl fmt::Display) -> io::Result<()> {
    let mut out = Escaping(out);
    writeln!(out, "{line}")?;
    out.flush()
}

/// A writer of text that writes each control character but tab and line feed as `\u` and four hexadecimal digits, as JSON
/// does: a line of JSON stays one, of the same content.
pub(super) struct Escaping<W>(pub(super) W);

impl<W: Write> Write for Escaping<W> {
    /// Writes a piece of text, which is whole characters: what is not becomes the replacement character.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let Self(out) = self;
        for chunk in piece.utf8_chunks() {
            let mut text = chunk.valid();
            while let Some((before, control, after)) = split_at_control(text) {
                write!(out, "{before}\\u{:04x}", u32::from(control))?;
                text = after;
            }
            out.write_all(text.as_bytes())?;
            if !chunk.invalid().is_empty() {
                write!(out, "{}", char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text before and after the first character that is escaped, and that character.
fn split_at_control(text: &str) -> Option<(&str, char, &str)> {
    let at = text.find(|c| is_control(c) && !matches!(c, '\t' | '\n'))?;
    let (before, rest) = text.split_at_checked(at)?;
    let mut rest = rest.chars();
    Some((before, rest.next()?, rest.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: impl fmt::Display) -> String {
        let mut out = Vec::new();
        write_line(&mut out, line).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn printed_text_can_not_act_on_the_terminal_or_on_its_direction() {
        for (text, shown) in [
            ("plain\ttext\nin two lines", "plain\ttext\nin two lines"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u001b[2J\\u001b]0;title\\u0007"),
            ("\u{9b}2J\u{85}", "\\u009b2J\\u0085"),
            ("over\rwritten\u{8}\u{7f}\0", "over\\u000dwritten\\u0008\\u007f\\u0000"),
            ("ad\u{202e}nimda\u{2066}\u{200f}", "ad\\u202enimda\\u2066\\u200f"),
            ("Désirée אבג 日本", "Désirée אבג 日本"),
        ] {
            assert_eq!(written(text), format!("{shown}\n"), "{text:?}");
        }
    }

    #[test]
    fn tables_have_columns_as_wide_as_what_is_in_them() {
        #[derive(Serialize)]
        struct Pair(&'static str, u32);
        impl Row for Pair {
            const COLUMNS: &'static [&'static str] = &["name", "n"];
            fn cells(&self) -> Vec<String> {
                vec![self.0.to_owned(), self.1.to_string()]
            }
        }
        let rows = [Pair("désirée", 1), Pair("x", 200)];
        assert_eq!(table(&rows, true), ["name     n", "désirée  1", "x        200"]);
        assert_eq!(table(&rows[1..], false), ["x     200"]);
    }

    #[test]
    fn text_that_is_cut_within_a_character_shows_the_replacement_character() {
        let mut out = Vec::new();
        Escaping(&mut out).write_all(b"a\xc2\x1b\xff").unwrap();
        assert_eq!(out, "a\u{fffd}\\u001b\u{fffd}".as_bytes());
    }

    #[test]
    fn lines_of_json_keep_their_content() {
        for character in ('\0'..='\u{2100}').chain(['\u{feff}', '🔑']) {
            let value = serde_json::json!({ "name": format!("a{character}b") });
            let line = written(&value);
            assert!(!line.trim_end_matches('\n').contains(is_control), "{character:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
        }
    }
}
