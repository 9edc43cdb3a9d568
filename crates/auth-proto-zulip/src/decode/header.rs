//! Header values with parameters, `value; name=x; name="y"`, as in `Content-Type` and `Accept`, read as Django reads them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::charset::Charset;

/// A value and its parameters in order, with names in lower case and without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameterised {
    /// The text before the first semicolon, trimmed, in lower case.
    pub value: String,
    /// The parameters.
    pub parameters: Vec<(String, String)>,
}

/// Why a header can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Django fails in two ways")]
pub enum HeaderError {
    /// A parameter with a character set has other parts than three.
    Parts,
    /// A parameter has a character set that is not decoded here.
    Charset,
}

impl Parameterised {
    /// Reads a header value. Parts without `=` are skipped. A name that ends in `*` has its character set in the value
    /// (RFC 2231, section 4), if there are two apostrophes.
    ///
    /// ```
    /// use auth_proto_zulip::decode::header::Parameterised;
    /// let read = Parameterised::parse(r#"Form-Data; name="a;\"b\""; x*=utf-8''%C3%A4"#).unwrap();
    /// assert_eq!(read.value, "form-data");
    /// assert_eq!(read.parameter("name"), Some(r#"a;"b""#));
    /// assert_eq!(read.parameter("x"), Some("ä"));
    /// assert_eq!(read.parameter("X"), None);
    /// ```
    ///
    /// # Errors
    /// [`HeaderError`] where a parameter with a character set can't be read.
    pub fn parse(text: &str) -> Result<Self, HeaderError> {
        let mut parts = Parts(Some(text));
        let value = strip(parts.next().unwrap_or_default()).to_lowercase();
        let mut parameters = Vec::new();
        for part in parts.map(strip) {
            let Some((name, text)) = part.split_once('=') else { continue };
            let (name, text) = (strip(name).to_lowercase(), unquoted(strip(text)));
            let has_charset = name.ends_with('*') && part.matches('\'').count() == 2;
            let text = if has_charset { in_charset(&text)? } else { text };
            parameters.push((name.strip_suffix('*').unwrap_or(&name).to_owned(), text));
        }
        Ok(Self { value, parameters })
    }

    /// The last parameter of that (lower-case) name.
    #[must_use]
    pub fn parameter(&self, wanted: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// The character set that a content type declares, where Python knows it.
    ///
    /// ```
    /// use auth_proto_zulip::decode::charset::Charset;
    /// use auth_proto_zulip::decode::header::Parameterised;
    /// let declared = Parameterised::parse("a/b; charset=\"latin1\"").unwrap();
    /// assert_eq!(declared.charset(), Some(Charset::Latin1));
    /// ```
    #[must_use]
    pub fn charset(&self) -> Option<Charset> {
        Charset::of_label(self.parameter("charset")?)
    }

    /// Whether a content type declares another character set than `utf-8`: any other label that Python knows counts, also
    /// one of the same character set.
    ///
    /// ```
    /// use auth_proto_zulip::decode::header::Parameterised;
    /// let foreign = |label: &str| {
    ///     Parameterised::parse(&format!("a/b; charset={label}")).unwrap().has_foreign_charset()
    /// };
    /// assert!(foreign("ISO-8859-1") && foreign("utf8") && foreign("utf_8"));
    /// assert!(!foreign("UTF-8") && !foreign("\"utf-8\"") && !foreign("nosuch"));
    /// ```
    #[must_use]
    pub fn has_foreign_charset(&self) -> bool {
        let label = self.parameter("charset");
        self.charset().is_some() && !label.is_some_and(|label| label.eq_ignore_ascii_case("utf-8"))
    }
}

/// A text without the white space at its ends, by Python's rule.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter))
}

/// An iterator over the parts between semicolons. A semicolon behind an odd number of quotes separates nothing; a quote with
/// a backslash before it is not counted.
struct Parts<'a>(Option<&'a str>);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        let (mut is_quoted, mut before) = (false, b' ');
        let end = text.bytes().position(|byte| {
            is_quoted ^= byte == b'"' && before != b'\\';
            before = byte;
            byte == b';' && !is_quoted
        });
        let (part, rest) = match end {
            Some(end) => (text.get(..end)?, text.get(end + 1..)),
            None => (text, None),
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

/// Decodes `charset'language'text`.
fn in_charset(value: &str) -> Result<String, HeaderError> {
    let parts: Vec<&str> = value.split('\'').collect();
    let [label, _language, text] = parts[..] else { return Err(HeaderError::Parts) };
    // Without an escape, the character set is not looked at.
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let charset = Charset::of_label(label).ok_or(HeaderError::Charset)?;
    // Letters outside of ASCII stand for themselves, between escapes that are decoded apart.
    let mut decoded = String::with_capacity(text.len());
    for run in text.split_inclusive(|letter: char| !letter.is_ascii()) {
        let end = run.find(|letter: char| !letter.is_ascii()).unwrap_or(run.len());
        let (ascii, letter) = run.split_at(end);
        if !ascii.is_empty() {
            let bytes: Cow<'_, [u8]> = percent_decode_str(ascii).into();
            decoded.push_str(&charset.decode(&bytes).ok_or(HeaderError::Charset)?);
        }
        decoded.push_str(letter);
    }
    Ok(decoded)
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
    let ranges: Vec<_> = accept.split(',').filter_map(|range| Parameterised::parse(range).ok()).collect();
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
        let read = Parameterised::parse(r#" a ; b = "x;y" ;c;; d="z"#).unwrap();
        let expected = [("b".to_owned(), "x;y".to_owned()), ("d".to_owned(), "\"z".to_owned())];
        assert_eq!((read.value.as_str(), read.parameters.as_slice()), ("a", expected.as_slice()));
    }

    #[test]
    fn a_star_brings_the_character_set_of_the_value() {
        let check = |text: &str, expected: Result<&str, HeaderError>| {
            let read = Parameterised::parse(&format!("form-data; {text}"));
            let read = read.as_ref().map(|read| read.parameter("name").unwrap_or_default());
            assert_eq!(read, expected.as_ref().copied(), "{text}");
        };
        check("name*=utf-8''p%C3%A4", Ok("pä"));
        check("name*=iso-8859-1'de'p%E4", Ok("pä"));
        check("name*=\"utf-8''a%20b\"", Ok("a b"));
        check("name*=utf-8''%C3ä%A4", Ok("\u{FFFD}ä\u{FFFD}"));
        check("NAME* = utf-8''x", Ok("x"));
        check("name=a; name*=utf-8''b", Ok("b"));
        check("name*=utf-8''b; name=a", Ok("a"));
        check("name*=b", Ok("b"));
        check("name*=utf-8'b", Ok("utf-8'b"));
        check("name*=utf-8'''b", Ok("utf-8'''b"));
        check("name=utf-8''b", Ok("utf-8''b"));
        check("name*=nosuch''b", Ok("b"));
        check("name*=nosuch''%62", Err(HeaderError::Charset));
        check("name*=koi8-r''%62", Err(HeaderError::Charset));
        check("na'me*=utf-8'b", Err(HeaderError::Parts));
    }

    #[test]
    fn quotes_behind_backslashes_are_not_counted() {
        for (text, name) in [
            (r#"a; name="x\"; y"; b=1"#, r#"x"; y"#),
            (r#"a; name="x\\"; b=1"#, r#""x\\"; b=1"#),
            (r#"a; name="x"y"; b=1"#, r#""x"y"; b=1"#),
        ] {
            assert_eq!(Parameterised::parse(text).unwrap().parameter("name"), Some(name), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String) {
            let _ = Parameterised::parse(&text);
            let _ = Parameterised::parse(&format!("a/b; charset={text}")).map(|read| read.has_foreign_charset());
            let _ = prefers_html(&text);
        }

        #[test]
        fn printed_parameters_read_back(value in "[a-z/]{1,8}", name in "[a-z]{1,8}", text in "[a-zA-Z0-9;=, ]*") {
            let read = Parameterised::parse(&format!("{value}; {name}=\"{text}\"")).unwrap();
            prop_assert_eq!(read.parameter(&name), Some(text.as_str()));
            prop_assert_eq!(read.value, value);
        }
    }
}
