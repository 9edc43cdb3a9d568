//! The text of a configuration file, and the lines of its values.
//!
//! The configuration itself is read from plain values, so that what reads a section is compiled once: a reader that knows
//! positions has a kind of table for each form in which TOML writes one.

use serde_path_to_error::{Path, Segment};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

/// The text of a file, parsed.
pub(super) struct Source<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Source<'a> {
    /// Parses a text.
    ///
    /// # Errors
    /// The line of what is not TOML, and what is wrong with it.
    pub(super) fn parse(text: &'a str) -> Result<Self, (Option<usize>, String)> {
        let root = DeTable::parse(text).map_err(|error| {
            (error.span().and_then(|span| line_at(text, span.start)), error.message().to_owned())
        })?;
        Ok(Self { text, root })
    }

    /// The values.
    ///
    /// # Errors
    /// When there is a number that no plain value can hold.
    pub(super) fn table(&self) -> Result<Table, serde_path_to_error::Error<toml::de::Error>> {
        serde_path_to_error::deserialize(toml::Deserializer::from(self.root.clone()))
    }

    /// The line of the value at a path, or of what is nearest above it; `None` where the path leads out of the file.
    pub(super) fn line(&self, path: &Path) -> Option<usize> {
        let mut table = Some(self.root.get_ref());
        let mut array = None;
        let mut start = None;
        for segment in path {
            let value = match segment {
                Segment::Map { key } => {
                    let entry = table.and_then(|table| table.get_key_value(key.as_str()));
                    // A value in a table is on its key's line, or begins there.
                    start = entry.map_or(start, |(key, _)| Some(key.span().start));
                    entry.map(|(_, value)| value)
                }
                Segment::Seq { index } => {
                    let value: Option<&Spanned<DeValue<'_>>> =
                        array.and_then(|array: &toml::de::DeArray<'_>| array.get(*index));
                    start = value.map_or(start, |value| Some(value.span().start));
                    value
                }
                Segment::Enum { .. } | Segment::Unknown => continue,
            };
            let Some(value) = value else { break };
            table = value.get_ref().as_table();
            array = value.get_ref().as_array();
        }
        line_at(self.text, start?)
    }
}

/// The number of the line in which a byte is, from one on.
fn line_at(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is read, and nothing more")]
    struct File {
        a: A,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is read, and nothing more")]
    struct A {
        number: u8,
        list: Vec<u8>,
        #[serde(default)]
        tables: Vec<Inner>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is read, and nothing more")]
    struct Inner {
        x: u8,
    }

    #[test]
    fn the_line_is_that_of_the_value() {
        for (text, line) in [
            ("# first\n[a]\nnumber = \"x\"\nlist = []\n", Some(3)),
            ("[a]\nnumber = 1\nlist = [\n  1,\n  \"x\",\n]\n", Some(5)),
            ("[a]\nnumber = 1\nlist = []\nother = 1\n", Some(4)),
            ("a.number = 1\na.list = []\na.inner.x = \"x\"\n", Some(3)),
            ("[a]\nnumber = 1\nlist = []\ninner = { x = 256 }\n", Some(4)),
            ("[a]\nnumber = 1\nlist = []\n[a.inner]\nx = 1\ny = 1\n", Some(6)),
            ("[a]\nnumber = 1\nlist = []\n[[a.tables]]\nx = 1\n[[a.tables]]\n", Some(6)),
            ("\n[a]\nlist = []\n", Some(2)),
            ("# nothing\n", None),
        ] {
            let source = Source::parse(text).unwrap();
            let table = source.table().unwrap();
            let error = serde_path_to_error::deserialize::<_, File>(toml::Value::Table(table)).unwrap_err();
            assert_eq!(source.line(error.path()), line, "{text}: {error}");
        }
    }

    #[test]
    fn what_is_not_toml_has_a_line() {
        for (text, line) in [("[a]\nx =\n", 2), ("[a]\n[a]\n", 2), ("x = 1\nx = 2\n", 2)] {
            let Err((found, mistake)) = Source::parse(text) else { panic!("{text} is TOML") };
            assert_eq!(found, Some(line), "{text}: {mistake}");
        }
    }
}
