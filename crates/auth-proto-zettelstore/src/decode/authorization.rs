//! The two schemes of the `Authorization` header. The name of a scheme is read in any case and must be followed by
//! exactly one space.

use std::borrow::Cow;

use auth_core::{Password, Token};
use data_encoding::BASE64_MIME_PERMISSIVE;

use super::credentials::Credentials;

/// Reads a header's value as HTTP Basic: padded standard base64, split at the first colon, nothing trimmed.
/// `None` for anything else and for an empty name. Bytes that are not UTF-8 become U+FFFD.
///
/// ```
/// use auth_proto_zettelstore::decode::authorization::basic;
///
/// let read = basic(b"Basic d3JpdGVyOnB3").unwrap();
/// assert_eq!((read.user_name.as_str(), read.password.expose()), ("writer", "pw"));
/// ```
#[must_use]
pub fn basic(value: &[u8]) -> Option<Credentials> {
    let encoded = after_scheme(value, b"Basic ")?;
    // The decoder would take several padded texts in a row for one.
    let digits = encoded.len() - encoded.iter().rev().take_while(|byte| **byte == b'=').count();
    if encoded.iter().take(digits).any(|byte| *byte == b'=') {
        return None;
    }
    // The bits that padding leaves over may have any value. The line breaks that this alphabet skips can't be in a
    // header.
    let decoded = BASE64_MIME_PERMISSIVE.decode(encoded).ok()?;
    let mut text = String::from_utf8(decoded)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let colon = text.find(':')?;
    let user_name = text.get(..colon).filter(|name| !name.is_empty())?.to_owned();
    // The rest of the text becomes the password where it is, so that no copy of it is left behind.
    text.drain(..=colon);
    Some(Credentials { user_name, password: Password::new(text) })
}

/// Reads a header's value as a bearer token: everything after the one space. `None` for other schemes and for
/// an empty token. Bytes that are not UTF-8 become U+FFFD, which is in no token.
#[must_use]
pub fn bearer(value: &[u8]) -> Option<Token> {
    let token = after_scheme(value, b"Bearer ")?;
    if token.is_empty() { None } else { Some(Token::new(text(token))) }
}

/// Bytes as text. Most are ASCII, which needs no closer look.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The part of a value after the scheme and its space.
fn after_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = value.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn basic_takes_padded_base64_of_name_and_password() {
        for (value, expected) in [
            ("Basic d3JpdGVyOnB3", Some(("writer", "pw"))),
            ("bAsIc d3JpdGVyOnB3", Some(("writer", "pw"))),
            ("Basic Y29sOm9uOmhhcy1jb2xvbg==", Some(("col", "on:has-colon"))),
            ("Basic em/Dqzpww6RzcyB3w7ZyZA==", Some(("zoë", "päss wörd"))),
            ("Basic IHdyaXRlcjpwdyA=", Some((" writer", "pw "))),
            ("Basic d3JpdGVyOg==", Some(("writer", ""))),
            ("Basic d3JpdGVyOh==", Some(("writer", ""))),
            ("Basic d/86/w==", Some(("w\u{FFFD}", "\u{FFFD}"))),
            ("Basic d3JpdGVyOg", None),
            ("Basic d3JpdGVyOg=", None),
            ("Basic d3JpdGVyOg===", None),
            ("Basic dw==Og==", None),
            ("Basic d3JpdGVy", None),
            ("Basic Ong=", None),
            ("Basic !!!", None),
            ("Basic  d3JpdGVyOnB3", None),
            ("Basic\td3JpdGVyOnB3", None),
            (" Basic d3JpdGVyOnB3", None),
            ("Basic ", None),
            ("Basic", None),
            ("", None),
            ("Bearer d3JpdGVyOnB3", None),
        ] {
            let found = basic(value.as_bytes());
            let found = found.as_ref().map(|login| (login.user_name.as_str(), login.password.expose()));
            assert_eq!(found, expected, "{value:?}");
        }
    }

    #[test]
    fn bearer_takes_what_follows_one_space() {
        for (value, expected) in [
            ("Bearer abc.def", Some("abc.def")),
            ("bEaReR abc", Some("abc")),
            ("Bearer  abc", Some(" abc")),
            ("Bearer abc, Bearer def", Some("abc, Bearer def")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Bearerabc", None),
            ("Bearer\tabc", None),
            ("Token abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(value.as_bytes()), expected.map(Token::new), "{value:?}");
        }
        assert_eq!(bearer(b"Bearer a\xff"), Some(Token::new("a\u{FFFD}")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(value in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = (basic(&value), bearer(&value));
            let _ = basic(&[&b"Basic "[..], &value].concat());
        }

        #[test]
        fn printed_credentials_read_back(user_name in "[^:]+", password in ".*") {
            let value = format!("Basic {}", BASE64.encode(format!("{user_name}:{password}").as_bytes()));
            let found = basic(value.as_bytes()).unwrap();
            prop_assert_eq!((found.user_name, found.password.expose()), (user_name, password.as_str()));
        }

        #[test]
        fn printed_tokens_read_back(token in "[A-Za-z0-9_.-]+") {
            prop_assert_eq!(bearer(format!("Bearer {token}").as_bytes()), Some(Token::new(token)));
        }
    }
}
