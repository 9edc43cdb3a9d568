//! `multipart/form-data`, read as Django reads it.
//!
//! The recorded server takes what stricter decoders refuse: a body without its closing delimiter, and one in which the
//! declared boundary never occurs (`fak-multipart-extra` and `fak-multipart-wrong-boundary` in the transcripts). The
//! body is in memory, and decoding takes time linear in its length.

use std::borrow::Cow;

use super::base64::lenient_base64;
use super::charset::Charset;
use super::error::DecodeError;
use super::field::{Field, MAX_FIELDS, MAX_FILES};
use super::header::{HeaderError, Parameterised, strip};

/// The longest boundary, in bytes.
const MAX_BOUNDARY: usize = 201;

/// The most bytes that the headers of a part may take, with the empty line behind them.
const MAX_HEADER: usize = 1024;

/// The separator between the headers of a part and its content.
const HEADER_END: &[u8] = b"\r\n\r\n";

/// Reads the fields. Parts with a file name are files and are left out. Bytes that stand for no letter of the character set
/// become U+FFFD.
///
/// ```
/// use auth_proto_zulip::decode::charset::Charset;
/// use auth_proto_zulip::decode::multipart::decode;
/// let body = b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n";
/// assert_eq!(decode("X", Charset::Utf8, body).unwrap(), [("a".into(), "1".into())]);
/// ```
///
/// # Errors
/// [`DecodeError::Boundary`] when the boundary is empty, too long, not printable or ends in a space;
/// [`DecodeError::TooManyFields`] with more than [`MAX_FIELDS`] fields, and [`DecodeError::TooManyFiles`] with more than
/// [`MAX_FILES`] files; [`DecodeError::PartHeaders`] when the headers of a part are too long;
/// [`DecodeError::FileContent`] when a file is no base64 although it says so; [`DecodeError::Charset`] for a character set
/// that is not decoded.
pub fn decode<'a>(boundary: &str, charset: Charset, body: &'a [u8]) -> Result<Vec<Field<'a>>, DecodeError> {
    let printable = boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY || !printable || boundary.ends_with(' ') {
        return Err(DecodeError::Boundary);
    }
    let delimiter = Pattern::new([b"--", boundary.as_bytes()].concat());
    let mut fields = Vec::new();
    // Two more than fields: the empty parts before the first delimiter and after the last.
    let (mut parts_left, mut files_left) = (MAX_FIELDS + 2, MAX_FILES);
    for part in (Split { rest: body, delimiter: &delimiter }) {
        let part = Part::read(part, charset)?;
        if !matches!(part, Part::File | Part::NamelessFile) {
            parts_left = parts_left.checked_sub(1).ok_or(DecodeError::TooManyFields)?;
        }
        match part {
            Part::File => files_left = files_left.checked_sub(1).ok_or(DecodeError::TooManyFiles)?,
            Part::Field(field) => fields.push(field),
            Part::NamelessFile | Part::Raw => {}
        }
    }
    Ok(fields)
}

/// The part of a body between two delimiters.
enum Part<'a> {
    /// A named field.
    Field(Field<'a>),
    /// A file.
    File,
    /// A file without a name for its field, which isn't counted.
    NamelessFile,
    /// Neither.
    Raw,
}

impl<'a> Part<'a> {
    fn read(part: &'a [u8], charset: Charset) -> Result<Self, DecodeError> {
        let start = part.get(..MAX_HEADER).unwrap_or(part);
        let end = start.windows(HEADER_END.len()).position(|window| window == HEADER_END);
        let Some((head, data)) = end.map(|end| part.split_at(end)) else {
            return if part.len() < MAX_HEADER { Ok(Self::Raw) } else { Err(DecodeError::PartHeaders) };
        };
        let data = data.get(HEADER_END.len()..).unwrap_or_default();
        let headers = Headers::read(head)?;
        let Some(disposition) = headers.disposition else { return Ok(Self::Raw) };
        let file = disposition.parameter("filename").filter(|name| !name.is_empty());
        let Some(name) = disposition.parameter("name") else {
            return Ok(if file.is_some() { Self::NamelessFile } else { Self::Raw });
        };
        let decoded = if headers.base64 { lenient_base64(data) } else { None };
        if let Some(file) = file {
            // A name that is none makes a file that is passed over.
            let is_read = !matches!(file.rsplit(['/', '\\']).next(), Some("" | "." | ".."));
            let is_broken = is_read && headers.base64 && decoded.is_none();
            return if is_broken { Err(DecodeError::FileContent) } else { Ok(Self::File) };
        }
        let name = charset.decode(name.trim_matches(is_ascii_space).as_bytes());
        let value = match &decoded {
            Some(decoded) => charset.decode(decoded).map(|value| Cow::Owned(value.into_owned())),
            None => charset.decode(data),
        };
        let (name, value) = name.zip(value).ok_or(DecodeError::Charset)?;
        Ok(Self::Field((Cow::Owned(name.into_owned()), value)))
    }
}

/// The white space that Python strips of bytes.
fn is_ascii_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// The headers of a part that count.
#[derive(Default)]
struct Headers {
    disposition: Option<Parameterised>,
    base64: bool,
}

impl Headers {
    /// Reads header lines; those without a colon, or that are not UTF-8, are skipped. The last of a name counts.
    fn read(head: &[u8]) -> Result<Self, DecodeError> {
        let mut headers = Self::default();
        for line in Lines(Some(head)).filter_map(|line| str::from_utf8(line).ok()) {
            let read = match Parameterised::parse(line) {
                Ok(read) => read,
                Err(HeaderError::Parts) => continue,
                Err(HeaderError::Charset) => return Err(DecodeError::Charset),
            };
            match read.value.split_once(':') {
                Some(("content-disposition", _)) => headers.disposition = Some(read),
                Some(("content-transfer-encoding", value)) => headers.base64 = strip(value) == "base64",
                _ => {}
            }
        }
        Ok(headers)
    }
}

/// The lines between line breaks of two bytes: one byte alone breaks no line.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0?;
        let end = text.windows(2).position(|pair| pair == b"\r\n");
        let (line, rest) = match end {
            Some(end) => (text.get(..end)?, text.get(end + 2..)),
            None => (text, None),
        };
        self.0 = rest;
        Some(line)
    }
}

/// The pieces of a body between delimiters, each without the line break before the delimiter that ends it. Behind the last
/// byte there is no piece.
struct Split<'a, 'd> {
    rest: &'a [u8],
    delimiter: &'d Pattern,
}

impl<'a> Iterator for Split<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = Some(self.rest).filter(|rest| !rest.is_empty())?;
        let Some((start, end)) = self.delimiter.find_in(text) else {
            self.rest = &[];
            return Some(text);
        };
        self.rest = text.get(end..)?;
        let piece = text.get(..start)?;
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        Some(piece.strip_suffix(b"\r").unwrap_or(piece))
    }
}

/// Bytes to search for, by the method of Knuth, Morris and Pratt: no boundary makes it slow.
struct Pattern {
    bytes: Vec<u8>,
    /// For each length of a matched prefix: the length of the next shorter one to try.
    shorter: Vec<usize>,
}

impl Pattern {
    fn new(bytes: Vec<u8>) -> Self {
        let mut pattern = Self { shorter: vec![0; 2], bytes };
        let mut matched = 0;
        for index in 1..pattern.bytes.len() {
            matched = pattern.bytes.get(index).map_or(0, |byte| pattern.matched_after(matched, *byte));
            pattern.shorter.push(matched);
        }
        pattern
    }

    /// The length of the pattern's prefix that is matched after one more byte.
    fn matched_after(&self, mut matched: usize, byte: u8) -> usize {
        while self.bytes.get(matched) != Some(&byte) {
            if matched == 0 {
                return 0;
            }
            matched = self.shorter.get(matched).copied().unwrap_or(0);
        }
        matched + 1
    }

    /// The start and the end of the first occurrence.
    fn find_in(&self, text: &[u8]) -> Option<(usize, usize)> {
        let mut matched = 0;
        for (index, byte) in text.iter().enumerate() {
            matched = self.matched_after(matched, *byte);
            if matched == self.bytes.len() {
                return Some((index + 1 - matched, index + 1));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, expected: &[(&str, &str)]) {
        let fields = decode("XyZ", Charset::Utf8, body.as_bytes()).unwrap();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(fields, expected, "{body:?}");
    }

    fn part(headers: &str, data: &str) -> String {
        format!("--XyZ\r\n{headers}\r\n\r\n{data}\r\n")
    }

    #[test]
    fn reads_fields_as_django_does() {
        let a = part(r#"Content-Disposition: form-data; name="a""#, "1");
        check("", &[]);
        check(&format!("{a}--XyZ--\r\n"), &[("a", "1")]);
        check(&format!("preamble\r\n{a}--XyZ--epilogue"), &[("a", "1")]);
        check(&a, &[("a", "1\r\n")]);
        check(&part("content-disposition:form-data;name=a", "x\r\n\r\ny"), &[("a", "x\r\n\r\ny\r\n")]);
        check(&part(r#"Content-Disposition: form-data; name=" ä ""#, "ö"), &[("ä", "ö\r\n")]);
        check(&part("Content-Type: text/plain", "x"), &[]);
        check(&part("Content-Disposition: form-data", "x"), &[]);
        check(&part(r#"Content-Disposition: form-data; name="a"; filename="f""#, "x"), &[]);
        check(&part(r#"Content-Disposition: form-data; name="a"; filename="""#, "x"), &[("a", "x\r\n")]);
        check("--XyZ\nContent-Disposition: form-data; name=a\n\n1", &[]);
    }

    #[test]
    fn a_boundary_that_never_occurs_makes_one_field_of_all() {
        let body = "--AbC\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--AbC--\r\n";
        check(body, &[("a", "1\r\n--AbC--\r\n")]);
    }

    #[test]
    fn base64_fields_are_decoded_where_they_can_be() {
        let headers = "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64";
        let end = "--XyZ--";
        check(&format!("{}{end}", part(headers, "aGk=")), &[("a", "hi")]);
        check(&format!("{}{end}", part(headers, "?")), &[("a", "")]);
        check(&format!("{}{end}", part(headers, "aGk")), &[("a", "aGk")]);
    }

    #[test]
    fn part_whose_headers_are_too_long_is_refused() {
        let head = |length: usize| {
            let start = "Content-Disposition: form-data; name=a; x=";
            format!("{start}{}", "x".repeat(length - start.len()))
        };
        let read = |body: &str| decode("XyZ", Charset::Utf8, body.as_bytes()).map(|all| all.len());
        // The line break before the headers and the empty line behind them count too.
        assert_eq!(read(&part(&head(1018), "1")), Ok(1));
        assert_eq!(read(&"x".repeat(1023)), Ok(0));
        for body in [part(&head(1019), "1"), "x".repeat(1024), format!("--XyZ--{}", "x".repeat(2000))] {
            assert_eq!(read(&body), Err(DecodeError::PartHeaders), "{body:.30}");
        }
    }

    #[test]
    fn lone_line_breaks_break_no_header_and_end_no_content() {
        let start = "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n";
        check(&part("Content-Disposition: form-data; name=a\nX: y", "1"), &[("a\nX: y", "1\r\n")]);
        check(&format!("{start}1\n--XyZ--"), &[("a", "1")]);
        check(&format!("{start}1\r--XyZ--"), &[("a", "1")]);
        check(&format!("{start}1\n\r--XyZ--"), &[("a", "1\n")]);
    }

    #[test]
    fn names_and_values_are_in_the_character_set_of_the_form() {
        let body = b"--X\r\nContent-Disposition: form-data; name=a\r\n\r\np\xE4\r\n--X--";
        assert_eq!(decode("X", Charset::Latin1, body), Ok(vec![("a".into(), "p\u{e4}".into())]));
        assert_eq!(decode("X", Charset::Other, body), Err(DecodeError::Charset));
        let named = b"--X\r\nContent-Disposition: form-data; name*=utf-8''%C3%A4\r\n\r\n1\r\n--X--";
        assert_eq!(decode("X", Charset::Utf8, named), Ok(vec![("\u{e4}".into(), "1".into())]));
        assert_eq!(decode("X", Charset::Latin1, named), Ok(vec![("\u{c3}\u{a4}".into(), "1".into())]));
    }

    #[test]
    fn takes_a_hundred_files_and_no_more() {
        let body = |headers: &str, count: usize| format!("{}--XyZ--\r\n", part(headers, "a").repeat(count));
        let read = |body: &str| decode("XyZ", Charset::Utf8, body.as_bytes()).map(|fields| fields.len());
        let file = "Content-Disposition: form-data; name=a; filename=f";
        assert_eq!(read(&body(file, 100)), Ok(0));
        assert_eq!(read(&body(file, 101)), Err(DecodeError::TooManyFiles));
        assert_eq!(read(&body("Content-Disposition: form-data; filename=f", 1100)), Ok(0));
        let broken = format!("{file}\r\nContent-Transfer-Encoding: BASE64");
        assert_eq!(read(&body(&broken, 1)), Err(DecodeError::FileContent));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let body = b"--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\xFFb\r\n--X--";
        assert_eq!(decode("X", Charset::Utf8, body), Ok(vec![("a".into(), "\u{FFFD}b".into())]));
    }

    #[test]
    fn unusable_boundaries_are_refused() {
        let long = "x".repeat(MAX_BOUNDARY + 1);
        for boundary in ["", " ", "a ", "a\tb", "ä", long.as_str()] {
            assert_eq!(decode(boundary, Charset::Utf8, b""), Err(DecodeError::Boundary), "{boundary:?}");
        }
        assert_eq!(decode(&"x".repeat(MAX_BOUNDARY), Charset::Utf8, b""), Ok(Vec::new()));
    }

    #[test]
    fn takes_a_thousand_fields_and_no_more() {
        let body = |count: usize| {
            let mut body = part("Content-Disposition: form-data; name=a", "1").repeat(count);
            body.push_str("--XyZ--\r\n");
            body.into_bytes()
        };
        assert_eq!(decode("XyZ", Charset::Utf8, &body(1000)).map(|fields| fields.len()), Ok(1000));
        assert_eq!(decode("XyZ", Charset::Utf8, &body(1001)), Err(DecodeError::TooManyFields));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(boundary in "[-A-Z]{1,5}", body: Vec<u8>) {
            prop_assume!(body.len() < 900);
            prop_assert!(decode(&boundary, Charset::Utf8, &body).is_ok());
        }

        #[test]
        fn a_pattern_is_found_where_a_plain_search_finds(delimiter in "[ab]{1,6}", text in "[ab]{0,60}") {
            let found = Pattern::new(delimiter.clone().into_bytes()).find_in(text.as_bytes());
            prop_assert_eq!(found, text.find(&delimiter).map(|start| (start, start + delimiter.len())));
        }

        #[test]
        fn printed_fields_read_back(pairs in prop::collection::vec(("[a-z;=]{1,9}", "[^-]*"), 0..20)) {
            let mut body = String::new();
            for (name, value) in &pairs {
                body.push_str(&part(&format!("Content-Disposition: form-data; name=\"{name}\""), value));
            }
            body.push_str("--XyZ--\r\n");
            let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            prop_assert_eq!(decode("XyZ", Charset::Utf8, body.as_bytes()), Ok(pairs));
        }
    }
}
