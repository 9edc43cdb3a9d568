//! `multipart/form-data`, read as Django reads it.
//!
//! The recorded server takes what stricter decoders refuse: a body without its closing delimiter, and one in which the
//! declared boundary never occurs (`fak-multipart-extra` and `fak-multipart-wrong-boundary` in the transcripts). The
//! body is in memory, and decoding takes time linear in its length.

use std::borrow::Cow;

use data_encoding::BASE64;

use super::error::DecodeError;
use super::field::{Field, MAX_FIELDS};
use super::header::Parameterised;

/// The longest boundary, in bytes.
const MAX_BOUNDARY: usize = 201;

/// The most bytes that the headers of a part may take; parts with longer headers are skipped.
const MAX_HEADER: usize = 1024;

/// The separator between the headers of a part and its content.
const HEADER_END: &[u8] = b"\r\n\r\n";

/// Reads the fields. Parts with a file name are files and are left out. Bytes that are not UTF-8 become U+FFFD.
///
/// ```
/// use auth_proto_zulip::decode::multipart::decode;
/// let body = b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n";
/// assert_eq!(decode("X", body).unwrap(), [("a".into(), "1".into())]);
/// ```
///
/// # Errors
/// [`DecodeError::Boundary`] when the boundary is empty, too long, not printable or ends in a space;
/// [`DecodeError::TooManyFields`] with more than [`MAX_FIELDS`] fields.
pub fn decode<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<Field<'a>>, DecodeError> {
    let printable = boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY || !printable || boundary.ends_with(' ') {
        return Err(DecodeError::Boundary);
    }
    let delimiter = Pattern::new([b"--", boundary.as_bytes()].concat());
    let mut fields = Vec::new();
    // Two more than fields: the empty parts before the first delimiter and after the last.
    let mut parts_left = MAX_FIELDS + 2;
    for part in (Split { rest: Some(body), delimiter: &delimiter }) {
        match Part::read(part) {
            Part::File => continue,
            Part::Field(field) => fields.push(field),
            Part::Raw => {}
        }
        parts_left = parts_left.checked_sub(1).ok_or(DecodeError::TooManyFields)?;
    }
    Ok(fields)
}

/// The part of a body between two delimiters.
enum Part<'a> {
    /// A named field.
    Field(Field<'a>),
    /// A file.
    File,
    /// Neither.
    Raw,
}

impl<'a> Part<'a> {
    fn read(part: &'a [u8]) -> Self {
        let start = part.get(..MAX_HEADER).unwrap_or(part);
        let end = start.windows(HEADER_END.len()).position(|window| window == HEADER_END);
        let Some((head, data)) = end.map(|end| part.split_at(end)) else { return Self::Raw };
        let data = data.get(HEADER_END.len()..).unwrap_or_default();
        let headers = Headers::read(head);
        let Some(disposition) = headers.disposition else { return Self::Raw };
        let file = ["filename", "filename*"].iter().find_map(|name| disposition.parameter(name));
        if file.is_some_and(|name| !name.is_empty()) {
            return Self::File;
        }
        let Some(name) = disposition.parameter("name") else { return Self::Raw };
        let decoded = if headers.base64 { BASE64.decode(data).ok() } else { None };
        let value = match decoded {
            Some(decoded) => Cow::Owned(String::from_utf8_lossy(&decoded).into_owned()),
            None => String::from_utf8_lossy(data),
        };
        Self::Field((name.trim().to_owned().into(), value))
    }
}

/// The headers of a part that count.
#[derive(Default)]
struct Headers {
    disposition: Option<Parameterised>,
    base64: bool,
}

impl Headers {
    /// Reads header lines; those without a colon, or that are not UTF-8, are skipped.
    fn read(head: &[u8]) -> Self {
        let mut headers = Self::default();
        let lines = head.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        for (name, value) in lines.filter_map(|line| line.trim_end_matches('\r').split_once(':')) {
            match name.trim_end().to_lowercase().as_str() {
                "content-disposition" => headers.disposition = Some(Parameterised::parse(value)),
                "content-transfer-encoding" => headers.base64 = value.trim() == "base64",
                _ => {}
            }
        }
        headers
    }
}

/// The pieces of a body between delimiters, each without the line break before the delimiter that ends it.
struct Split<'a, 'd> {
    rest: Option<&'a [u8]>,
    delimiter: &'d Pattern,
}

impl<'a> Iterator for Split<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let Some((start, end)) = self.delimiter.find_in(text) else { return Some(text) };
        self.rest = text.get(end..);
        let piece = text.get(..start)?;
        Some(piece.strip_suffix(b"\n").map_or(piece, |cut| cut.strip_suffix(b"\r").unwrap_or(cut)))
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
        let fields = decode("XyZ", body.as_bytes()).unwrap();
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
        check(&format!("{}{end}", part(headers, "?")), &[("a", "?")]);
    }

    #[test]
    fn part_whose_headers_are_too_long_is_skipped() {
        let long = format!("X: {}\r\nContent-Disposition: form-data; name=a", "x".repeat(MAX_HEADER));
        check(&part(&long, "1"), &[]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let body = b"--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\xFFb\r\n--X--";
        assert_eq!(decode("X", body), Ok(vec![("a".into(), "\u{FFFD}b".into())]));
    }

    #[test]
    fn unusable_boundaries_are_refused() {
        let long = "x".repeat(MAX_BOUNDARY + 1);
        for boundary in ["", " ", "a ", "a\tb", "ä", long.as_str()] {
            assert_eq!(decode(boundary, b""), Err(DecodeError::Boundary), "{boundary:?}");
        }
        assert_eq!(decode(&"x".repeat(MAX_BOUNDARY), b""), Ok(Vec::new()));
    }

    #[test]
    fn takes_a_thousand_fields_and_no_more() {
        let body = |count: usize| {
            let mut body = part("Content-Disposition: form-data; name=a", "1").repeat(count);
            body.push_str("--XyZ--\r\n");
            body.into_bytes()
        };
        assert_eq!(decode("XyZ", &body(1000)).map(|fields| fields.len()), Ok(1000));
        assert_eq!(decode("XyZ", &body(1001)), Err(DecodeError::TooManyFields));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(boundary in "[-A-Z]{1,5}", body: Vec<u8>) {
            prop_assume!(body.len() < 900);
            prop_assert!(decode(&boundary, &body).is_ok());
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
            prop_assert_eq!(decode("XyZ", body.as_bytes()), Ok(pairs));
        }
    }
}
