//! Users of a table in CSV as import lines. Pure.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

use super::converted::{ConvertError, Converted};
use super::line::{BadLine, UserLine, bad};
use super::text::without_mark;

/// The longest record, in bytes. A quote that nothing closes makes one of the rest of the file.
const LONGEST_RECORD: usize = 1024 * 1024;

/// A field of a user, by its name in mappings and import lines, and how it is set.
type Field = (&'static str, fn(&mut UserLine, &str) -> Result<(), BadLine>);

/// The fields that a column can be.
const FIELDS: [Field; 16] = [
    ("username", |user, text| put(&mut user.username, text)),
    ("email", |user, text| put(&mut user.email, text)),
    ("email_verified", |user, text| truth(text).map(|is| user.email_verified = is)),
    ("directory_name", |user, text| put(&mut user.directory_name, text)),
    ("full_name", |user, text| {
        text.clone_into(&mut user.full_name);
        Ok(())
    }),
    ("role", |user, text| put(&mut user.role, &text.to_lowercase())),
    ("active", |user, text| truth(text).map(|is| user.active = is)),
    ("joined", |user, text| put(&mut user.joined, text)),
    ("password", |user, text| put(&mut user.password, text)),
    ("password_hash", |user, text| put(&mut user.password_hash, text)),
    ("must_change_password", |user, text| truth(text).map(|is| user.must_change_password = is)),
    ("language", |user, text| put(&mut user.language, text)),
    ("id", |user, text| {
        user.id = Some(text.parse().map_err(|_| bad("`id` is not a number"))?);
        Ok(())
    }),
    ("rocketchat_id", |user, text| put(&mut user.rocketchat_id, text)),
    ("zettelstore_zid", |user, text| put(&mut user.zettelstore_zid, text)),
    ("email_2fa", |user, text| truth(text).map(|is| user.email_2fa = Some(is))),
];

/// The fields without which nobody knows whose record it is.
const NAMING: [&str; 2] = ["username", "email"];

fn put(field: &mut Option<String>, text: &str) -> Result<(), BadLine> {
    *field = Some(text.to_owned());
    Ok(())
}

fn truth(text: &str) -> Result<bool, BadLine> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err(bad("a value that is to be yes or no is neither: true, t, yes, y, 1, false, f, no, n or 0")),
    }
}

/// Which column of a table is which field of a user.
///
/// ```
/// use auth_transfer::CsvMapping;
/// assert!(CsvMapping::parse("username=Login, email=Mail").is_ok());
/// assert!(CsvMapping::parse("colour=Colour").unwrap_err().starts_with("`colour` is no field of a user"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvMapping(Vec<(&'static str, String)>);

impl CsvMapping {
    /// Reads pairs of a field and the title of a column, with `=` between them, separated by commas or line ends. A text
    /// without pairs maps each field to the column of its own name.
    ///
    /// # Errors
    /// A sentence that names the pair that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        for pair in text.split([',', '\n']).map(str::trim).filter(|pair| !pair.is_empty()) {
            let (field, column) =
                pair.split_once('=').ok_or_else(|| format!("`{pair}` is no pair such as username=Login"))?;
            let (field, column) = (field.trim(), column.trim());
            let Some((field, _)) = FIELDS.iter().find(|(known, _)| *known == field) else {
                let known: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).collect();
                return Err(format!("`{field}` is no field of a user: it is one of {}", known.join(", ")));
            };
            if column.is_empty() {
                return Err(format!("`{field}=` names no column"));
            }
            if pairs.iter().any(|(other, _)| other == field) {
                return Err(format!("`{field}` stands there twice"));
            }
            pairs.push((field, column.to_owned()));
        }
        if !pairs.is_empty() && !pairs.iter().any(|(field, _)| NAMING.contains(field)) {
            return Err("neither username nor email is among the fields".to_owned());
        }
        Ok(Self(pairs))
    }

    /// The place of each field's column in a header.
    fn columns(&self, header: &[String]) -> Result<Vec<(usize, Field)>, ConvertError> {
        let form = |text: String| Err(ConvertError::Form(text));
        let twice = header
            .iter()
            .enumerate()
            .find(|(at, title)| header.iter().take(*at).any(|other| other == *title));
        let place = |column: &str| header.iter().position(|title| title == column);
        let mut columns = Vec::new();
        for field in FIELDS {
            let named = self.0.iter().find(|(known, _)| *known == field.0).map(|(_, column)| column.as_str());
            let column = match named {
                Some(column) => column,
                None if self.0.is_empty() => field.0,
                None => continue,
            };
            match place(column) {
                Some(at) => columns.push((at, field)),
                None if named.is_none() => {}
                None => {
                    let titles = header.join(", ");
                    return form(format!("the header has no column `{column}`: it has {titles}"));
                }
            }
        }
        if let Some((_, title)) =
            twice.filter(|(_, title)| columns.iter().any(|(at, _)| header.get(*at) == Some(*title)))
        {
            return form(format!("the header has two columns `{title}`"));
        }
        if !columns.iter().any(|(_, (field, _))| NAMING.contains(field)) {
            let titles = header.join(", ");
            return form(format!("no column is username or email: say which is, the header has {titles}"));
        }
        Ok(columns)
    }
}

/// Converts a table to import lines for a realm. Its first record is the header; values may be quoted as RFC 4180 says. An empty
/// value is none.
///
/// # Errors
/// [`ConvertError`] when it can't be read, or its header lacks a column of the mapping.
///
/// ```
/// use auth_transfer::{CsvMapping, convert_csv};
/// let table = "Login;Mail;Active\r\nada;ada@example.org;yes\r\n\"bob;2\";;maybe\r\n";
/// let mapping = CsvMapping::parse("username=Login,email=Mail,active=Active")?;
/// let mut converted = convert_csv(table.as_bytes(), "main", &mapping, b';')?;
/// assert!(converted.lines.text()?.contains(r#""username":"ada","email":"ada@example.org""#));
/// assert_eq!(converted.bad.all()?[0].0, "line 3 (bob;2)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert_csv(
    file: impl Read,
    realm: &str,
    mapping: &CsvMapping,
    delimiter: u8,
) -> Result<Converted, ConvertError> {
    let ends = Rc::new(RefCell::new(LineEnds { left: LONGEST_RECORD, ..LineEnds::default() }));
    let file = Capped { file: without_mark(file)?, ends: Rc::clone(&ends) };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(file);
    let mut record = csv::ByteRecord::new();
    let mut next = |record: &mut csv::ByteRecord| {
        ends.borrow_mut().left = LONGEST_RECORD;
        let from = reader.position().byte();
        let line = |at: u64| ends.borrow_mut().line_at(at);
        match reader.read_byte_record(record) {
            Ok(true) => Ok(Some(line(record.position().map_or(from, csv::Position::byte)))),
            Ok(false) => Ok(None),
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                    ConvertError::Form(format!("line {}: {error}", line(from)))
                }
                csv::ErrorKind::Io(error) => ConvertError::Read(error),
                _ => ConvertError::Form(format!("line {}: it is no CSV", line(from))),
            }),
        }
    };
    let Some(_) = next(&mut record)? else {
        return Err(ConvertError::Form("it is empty: its first line is to be the header".to_owned()));
    };
    let title = |field: &[u8]| std::str::from_utf8(field).map(|title| title.trim().to_owned());
    let header: Vec<String> = record
        .iter()
        .map(title)
        .collect::<Result<_, _>>()
        .map_err(|_| ConvertError::Form("the header is not UTF-8".to_owned()))?;
    let columns = mapping.columns(&header)?;
    let mut converted = Converted::default();
    while let Some(line) = next(&mut record)? {
        let name = columns.iter().find_map(|(at, (field, _))| {
            let text = record.get(*at).filter(|text| !text.is_empty() && NAMING.contains(field));
            std::str::from_utf8(text?).ok()
        });
        let place = match name {
            Some(name) => format!("line {line} ({})", name.escape_debug()),
            None => format!("line {line}"),
        };
        converted.take_or_refuse(place, user(&columns, header.len(), &record, realm));
    }
    Ok(converted)
}

fn user(
    columns: &[(usize, Field)],
    width: usize,
    record: &csv::ByteRecord,
    realm: &str,
) -> Result<UserLine, BadLine> {
    if record.len() != width {
        return Err(BadLine(format!("has {} columns, and the header {width}", record.len())));
    }
    let mut user =
        UserLine { kind: "user".to_owned(), realm: realm.to_owned(), active: true, ..UserLine::default() };
    for (at, (field, set)) in columns {
        let text = std::str::from_utf8(record.get(*at).unwrap_or_default());
        let text = text.map_err(|_| BadLine(format!("`{field}` is not UTF-8")))?;
        // Spaces around a password may belong to it.
        let text = if *field == "password" { text } else { text.trim() };
        if !text.is_empty() {
            set(&mut user, text).map_err(|BadLine(why)| {
                BadLine(if why.contains('`') { why } else { format!("`{field}`: {why}") })
            })?;
        }
    }
    if user.username.is_none() && user.email.is_none() {
        return Err(bad("`username` or `email` is missing"));
    }
    Ok(user)
}

/// A file of which no more is read than one record may have, until the next one is asked for.
struct Capped<R> {
    file: R,
    ends: Rc<RefCell<LineEnds>>,
}

/// Where lines end in what was read, as far as no record has asked for its line yet. The reader of records is ahead, and
/// counts no line feed behind a carriage return until the next record.
#[derive(Default)]
struct LineEnds {
    /// How many bytes the record may still have.
    left: usize,
    /// How many bytes were read.
    read: u64,
    /// The places of carriage returns and line feeds, and whether each is a line feed.
    ends: VecDeque<(u64, bool)>,
    /// The line feeds before those.
    before: u64,
}

impl LineEnds {
    /// The number of the line on which a record begins, behind the line ends that stand at its place.
    fn line_at(&mut self, mut at: u64) -> u64 {
        while let Some((place, is_feed)) = self.ends.front().copied().filter(|(place, _)| *place <= at) {
            self.ends.pop_front();
            self.before += u64::from(is_feed);
            at += u64::from(place == at);
        }
        self.before + 1
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.ends.borrow_mut();
        if ends.left == 0 {
            let text = "a record is longer than a mebibyte: is a quote not closed?";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let read = self.file.read(out)?;
        for (place, byte) in (ends.read..).zip(out.iter().take(read)) {
            if matches!(byte, b'\r' | b'\n') {
                ends.ends.push_back((place, *byte == b'\n'));
            }
        }
        ends.read += u64::try_from(read).unwrap_or(u64::MAX);
        ends.left = ends.left.saturating_sub(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(table: &[u8], mapping: &str) -> Result<Converted, String> {
        let mapping = CsvMapping::parse(mapping).unwrap();
        convert_csv(table, "main", &mapping, b',').map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_quoted_as_rfc_4180_says() {
        let table = b"\xef\xbb\xbfLogin,\"Full, name\",Hash,Active,Other\r\n\
            ada,\"Ada \"\"A\"\"\r\nLovelace\",$2y$05$x,yes,1\r\n\r\nbob,,,No,2";
        let mut converted = convert(table, "username=Login,password_hash=Hash,active=Active").unwrap();
        let expected = [
            r#"{"kind":"user","realm":"main","username":"ada","full_name":"","active":true,"password_hash":"$2y$05$x"}"#,
            r#"{"kind":"user","realm":"main","username":"bob","full_name":"","active":false}"#,
        ];
        assert!(converted.lines.text().unwrap().lines().eq(expected));
        assert!(converted.places.text().unwrap().lines().eq(["line 2 (ada)", "line 5 (bob)"]));
        let mut named = convert(table, "username=Login\nfull_name=Other").unwrap();
        assert!(named.lines.text().unwrap().contains(r#""full_name":"1""#));
    }

    #[test]
    fn a_header_that_does_not_fit_is_refused_before_any_record() {
        for (table, mapping, expected) in [
            (
                "Login,Name\nada,Ada",
                "username=Login,email=Mail",
                "the header has no column `Mail`: it has Login, Name",
            ),
            ("a,b\n", "", "no column is username or email: say which is, the header has a, b"),
            ("x,x\n", "username=x", "the header has two columns `x`"),
            ("", "username=x", "it is empty: its first line is to be the header"),
        ] {
            assert_eq!(convert(table.as_bytes(), mapping).unwrap_err(), expected);
        }
        for (mapping, expected) in [
            ("username", "`username` is no pair such as username=Login"),
            ("username=", "`username=` names no column"),
            ("username=a,username=b", "`username` stands there twice"),
            ("full_name=a", "neither username nor email is among the fields"),
        ] {
            assert_eq!(CsvMapping::parse(mapping).unwrap_err(), expected);
        }
    }

    #[test]
    fn bad_records_are_named_by_their_lines_and_the_others_taken() {
        let table =
            b"username,email,active,id\nada,,perhaps,\nbob,b\n,,,\n\xff,a@b.c,,\ncleo,,,x\ndora,,,7\n";
        let mut converted = convert(table, "").unwrap();
        assert_eq!(converted.lines.len(), 1);
        let bad: Vec<String> =
            converted.bad.all().unwrap().into_iter().map(|(place, why)| format!("{place}: {why}")).collect();
        assert!(bad[0].starts_with("line 2 (ada): `active`: a value that is to be yes or no"), "{bad:?}");
        assert_eq!(bad[1], "line 3 (bob): has 2 columns, and the header 4");
        assert_eq!(bad[2], "line 4: `username` or `email` is missing");
        assert_eq!(bad[3], "line 5 (a@b.c): `username` is not UTF-8");
        assert_eq!(bad[4], "line 6 (cleo): `id` is not a number");
    }

    #[test]
    fn a_quote_that_nothing_closes_reads_no_whole_file_into_memory() {
        let table = [b"username\nada\n\"", "x".repeat(3 * LONGEST_RECORD).as_bytes()].concat();
        let refused = convert(&table, "").unwrap_err();
        assert_eq!(refused, "line 3: a record is longer than a mebibyte: is a quote not closed?");
    }
}
