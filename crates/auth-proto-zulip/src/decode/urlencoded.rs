//! `application/x-www-form-urlencoded`, as query strings and as bodies.

use std::borrow::Cow;

use super::error::DecodeError;
use super::field::{Field, MAX_FIELDS};

/// Reads `name=value` pairs.
///
/// `+` is a space. Escaped bytes that are not UTF-8 become U+FFFD; raw bytes that are not make the whole text Latin-1.
/// A name without `=` has an empty value. `;` separates nothing.
///
/// # Errors
/// [`DecodeError::TooManyFields`] with more than [`MAX_FIELDS`] pairs, empty ones counted.
pub fn decode(text: &[u8]) -> Result<Vec<Field<'_>>, DecodeError> {
    if text.iter().filter(|byte| **byte == b'&').count() >= MAX_FIELDS {
        return Err(DecodeError::TooManyFields);
    }
    if str::from_utf8(text).is_ok() {
        return Ok(form_urlencoded::parse(text).collect());
    }
    let latin1: String = text.iter().copied().map(char::from).collect();
    let fields = form_urlencoded::parse(latin1.as_bytes()).into_owned();
    Ok(fields.map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &[u8], expected: &[(&str, &str)]) {
        let fields = decode(text).unwrap();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(fields, expected, "{}", text.escape_ascii());
    }

    #[test]
    fn reads_pairs_as_django_does() {
        check(b"", &[]);
        check(b"a=1&b=2", &[("a", "1"), ("b", "2")]);
        check(b"a=1&&b=2&", &[("a", "1"), ("b", "2")]);
        check(b"a", &[("a", "")]);
        check(b"=a", &[("", "a")]);
        check(b"a=b=c", &[("a", "b=c")]);
        check(b"a=+x+&b=%20%2B", &[("a", " x "), ("b", " +")]);
        check(b"a=1;b=2", &[("a", "1;b=2")]);
        check(b"a=p%C3%A4", &[("a", "pä")]);
        check("a=pä".as_bytes(), &[("a", "pä")]);
        check(b"a=%ED%A0%80", &[("a", "\u{FFFD}\u{FFFD}\u{FFFD}")]);
        check(b"a=%E2%82x%zz%", &[("a", "\u{FFFD}x%zz%")]);
        check(b"a=\xFF\xFE%C3%A4", &[("a", "ÿþä")]);
        check(b"a=%00", &[("a", "\0")]);
    }

    #[test]
    fn takes_a_thousand_fields_and_no_more() {
        let fields = |count: usize| vec!["a=1"; count].join("&").into_bytes();
        assert_eq!(decode(&fields(1000)).map(|fields| fields.len()), Ok(1000));
        assert_eq!(decode(&fields(1001)), Err(DecodeError::TooManyFields));
        assert_eq!(decode(&b"&".repeat(1000)), Err(DecodeError::TooManyFields));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(text: Vec<u8>) {
            let _ = decode(&text);
        }

        #[test]
        fn printed_pairs_read_back(pairs in prop::collection::vec((".*", ".*"), 0..20)) {
            let printed = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            prop_assert_eq!(decode(printed.as_bytes()), Ok(pairs));
        }
    }
}
