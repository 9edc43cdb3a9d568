//! Header values with parameters, `value; name=x; name="y"`, as in `Content-Type` and `Accept`.

/// A value and its parameters in order, with names in lower case and without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameterised {
    /// The text before the first semicolon, trimmed, in lower case.
    pub value: String,
    /// The parameters.
    pub parameters: Vec<(String, String)>,
}

impl Parameterised {
    /// Reads a header value. Parts without `=` are skipped.
    ///
    /// ```
    /// use auth_proto_zulip::decode::header::Parameterised;
    /// let read = Parameterised::parse(r#"Form-Data; name="a;\"b\""; x=1"#);
    /// assert_eq!(read.value, "form-data");
    /// assert_eq!(read.parameter("name"), Some(r#"a;"b""#));
    /// assert_eq!(read.parameter("X"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = Parts(text);
        let value = parts.next().unwrap_or_default().trim().to_lowercase();
        let parameters = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_lowercase(), unquoted(value.trim())))
            .collect();
        Self { value, parameters }
    }

    /// The last parameter of that (lower-case) name.
    #[must_use]
    pub fn parameter(&self, wanted: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// Whether a content type declares a known character set other than UTF-8. Unknown labels count for nothing.
    ///
    /// ```
    /// use auth_proto_zulip::decode::header::Parameterised;
    /// let foreign = |label: &str| Parameterised::parse(&format!("a/b; charset={label}")).has_foreign_charset();
    /// assert!(foreign("ISO-8859-1") && foreign("\"latin1\"") && foreign("windows-1252"));
    /// assert!(!foreign("UTF-8") && !foreign("\"utf-8\"") && !foreign("nosuch"));
    /// ```
    #[must_use]
    pub fn has_foreign_charset(&self) -> bool {
        let Some(label) = self.parameter("charset") else { return false };
        let label: String =
            label.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        FOREIGN_CHARSETS.contains(&label.as_str())
            || NUMBERED_CHARSETS.iter().any(|family| label.strip_prefix(family).is_some_and(is_number))
    }
}

/// An iterator over the parts between semicolons outside quotes.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.bytes().position(|byte| {
            let ends = byte == b';' && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let (part, rest) = match end {
            Some(end) => (self.0.get(..end)?, self.0.get(end + 1..)?),
            None => (self.0, ""),
        };
        self.0 = rest;
        Some(part)
    }
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inner) => inner.replace(r"\\", r"\").replace(r#"\""#, r#"""#),
        None => value.to_owned(),
    }
}

/// Whether an `Accept` header prefers an HTML page to JSON.
///
/// ```
/// use auth_proto_zulip::decode::header::prefers_html;
/// assert!(prefers_html("text/html,application/xhtml+xml,*/*;q=0.8"));
/// assert!(!prefers_html("*/*") && !prefers_html("application/json, text/html") && !prefers_html(""));
/// ```
#[must_use]
pub fn prefers_html(accept: &str) -> bool {
    let ranges: Vec<_> = accept.split(',').map(Parameterised::parse).collect();
    quality(&ranges, "text", "html") > quality(&ranges, "application", "json")
}

/// The weight of a media type, from 0 to 1: that of the most specific range that covers it.
fn quality(ranges: &[Parameterised], main: &str, sub: &str) -> f32 {
    let weight = |range: &&Parameterised| {
        range.parameter("q").map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0))
    };
    [format!("{main}/{sub}"), format!("{main}/*"), "*/*".to_owned()]
        .iter()
        .find_map(|pattern| ranges.iter().find(|range| range.value == *pattern))
        .as_ref()
        .map_or(0.0, weight)
}

/// Labels that Python knows, without punctuation, other than those of [`NUMBERED_CHARSETS`] and of UTF-8.
#[rustfmt::skip]
const FOREIGN_CHARSETS: [&str; 56] = [
    "646", "ansix341968", "ascii", "big5", "big5hkscs", "big5tw", "chinese", "cyrillic", "eucjis2004",
    "eucjisx0213", "eucjp", "euckr", "gb18030", "gb2312", "gb231280", "gbk", "greek", "hebrew", "hz", "hzgb",
    "hzgb2312", "iso2022jp", "iso2022kr", "johab", "koi8r", "koi8t", "koi8u", "ksc5601", "l1", "latin", "latin1",
    "latin2", "latin9", "maccyrillic", "macgreek", "maciceland", "macintosh", "maclatin2", "macroman",
    "macturkish", "shiftjis", "sjis", "u16", "u32", "u7", "ujis", "usascii", "utf16", "utf16be", "utf16le",
    "utf32", "utf32be", "utf32le", "utf7", "win1252", "xmacroman",
];

/// Families of labels that Python knows, each a name before digits.
const NUMBERED_CHARSETS: [&str; 4] = ["iso8859", "windows", "cp", "ibm"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_is_preferred_only_where_it_weighs_more() {
        for (accept, html) in [
            ("text/html", true),
            ("TEXT/HTML", true),
            ("text/*", true),
            ("text/html;q=0.9, application/json;q=0.8", true),
            ("text/html;q=0.8, application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("application/json", false),
            ("text/html, */*", false),
            ("text/html, */*;q=0.1", true),
            ("image/png", false),
        ] {
            assert_eq!(prefers_html(accept), html, "{accept}");
        }
    }

    #[test]
    fn parts_keep_quoted_semicolons() {
        let read = Parameterised::parse(r#" a ; b = "x;y" ;c;; d="z"#);
        let expected = [("b".to_owned(), "x;y".to_owned()), ("d".to_owned(), "\"z".to_owned())];
        assert_eq!((read.value.as_str(), read.parameters.as_slice()), ("a", expected.as_slice()));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String) {
            let _ = Parameterised::parse(&text);
            let _ = Parameterised::parse(&format!("a/b; charset={text}")).has_foreign_charset();
            let _ = prefers_html(&text);
        }

        #[test]
        fn printed_parameters_read_back(value in "[a-z/]{1,8}", name in "[a-z]{1,8}", text in "[a-zA-Z0-9;=, ]*") {
            let read = Parameterised::parse(&format!("{value}; {name}=\"{text}\""));
            prop_assert_eq!(read.parameter(&name), Some(text.as_str()));
            prop_assert_eq!(read.value, value);
        }
    }
}
