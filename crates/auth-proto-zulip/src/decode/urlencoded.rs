//! `application/x-www-form-urlencoded`, as query strings and bodies (zulip.md 1.3).

use std::borrow::Cow;

use super::Malformed;
use super::parameters::{Field, MAX_FIELDS};

/// Reads `name=value` pairs. `+` is a space; escaped bytes that are no UTF-8 become U+FFFD; raw bytes that are
/// none make the whole text Latin-1; a name without `=` has an empty value; `;` separates nothing.
///
/// # Errors
/// [`Malformed::TooManyFields`] with more than [`MAX_FIELDS`] pairs, empty ones counted.
pub fn decode(text: &[u8]) -> Result<Vec<Field>, Malformed> {
    if text.iter().filter(|byte| **byte == b'&').count() >= MAX_FIELDS {
        return Err(Malformed::TooManyFields);
    }
    let text: Cow<'_, [u8]> = match str::from_utf8(text) {
        Ok(_) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(text.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes()),
    };
    Ok(form_urlencoded::parse(&text).into_owned().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &[u8], expected: &[(&str, &str)]) {
        let fields = decode(text).unwrap();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
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
        assert_eq!(decode(&fields(1001)), Err(Malformed::TooManyFields));
        assert_eq!(decode(&b"&".repeat(1000)), Err(Malformed::TooManyFields));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(text: Vec<u8>) {
            let _ = decode(&text);
        }

        #[test]
        fn printed_pairs_read_back(pairs in prop::collection::vec((".*", ".*"), 0..20)) {
            let printed = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(decode(printed.as_bytes()), Ok(pairs));
        }
    }
}
