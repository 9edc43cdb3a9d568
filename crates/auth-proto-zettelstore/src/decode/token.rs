//! The token that a request presents.

use std::borrow::Cow;

use auth_core::{PresentedCredential, Token, TokenPlace};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

use super::authorization::bearer;

/// Finds the token of the `Authorization` header, else that of the cookie which the web pages set.
///
/// Several `Authorization` headers count as one, joined by commas, which no token survives.
#[must_use]
pub fn presented(headers: &HeaderMap) -> Option<PresentedCredential> {
    let mut sent = headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes());
    let mut value = Cow::Borrowed(sent.next().unwrap_or_default());
    for more in sent {
        value.to_mut().extend([b", ", more].concat());
    }
    if let Some(token) = bearer(&value) {
        return Some(PresentedCredential::SignedToken { token, place: TokenPlace::Header });
    }
    let token = headers.get_all(COOKIE).iter().find_map(|value| session(value.as_bytes()))?;
    Some(PresentedCredential::SignedToken { token, place: TokenPlace::Cookie })
}

/// Reads the session cookie in the value of a `Cookie` header; `None` where the cookie is missing or empty.
fn session(value: &[u8]) -> Option<Token> {
    let pairs = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let token = pairs.filter_map(|pair| pair.strip_prefix(b"zsession=")).next()?;
    let token = token.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(token);
    if token.is_empty() { None } else { Some(Token::new(String::from_utf8_lossy(token))) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn second_authorization_header_spoils_the_token() {
        for (headers, token) in [
            (&[("Authorization", "Bearer abc")][..], Some("abc")),
            (&[("Authorization", "Bearer abc"), ("Authorization", "Basic x")], Some("abc, Basic x")),
            (&[("Authorization", "Basic x"), ("Authorization", "Bearer abc")], None),
            (&[], None),
        ] {
            check_presented(headers, token, None);
        }
    }

    #[test]
    fn cookie_counts_where_there_is_no_bearer_token() {
        for (headers, token, cookie) in [
            (&[("Cookie", "zsession=abc")][..], None, Some("abc")),
            (&[("Cookie", "a=b; zsession=abc;c=d")], None, Some("abc")),
            (&[("Cookie", "a=b"), ("Cookie", "zsession=\"abc\"")], None, Some("abc")),
            (&[("Cookie", "zsession=abc; zsession=def")], None, Some("abc")),
            (&[("Cookie", "zsession=abc"), ("Authorization", "Basic x")], None, Some("abc")),
            (&[("Cookie", "zsession=abc"), ("Authorization", "Bearer ")], None, Some("abc")),
            (&[("Cookie", "zsession=abc"), ("Authorization", "Bearer x")], Some("x"), None),
            (&[("Cookie", "zsession=")], None, None),
            (&[("Cookie", "Zsession=abc")], None, None),
            (&[("Cookie", "xzsession=abc")], None, None),
            (&[("Cookie", "zsession")], None, None),
            (&[("Cookie", "")], None, None),
        ] {
            check_presented(headers, token, cookie);
        }
    }

    fn check_presented(headers: &[(&'static str, &str)], token: Option<&str>, cookie: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let found = match presented(&map) {
            Some(PresentedCredential::SignedToken { token, place: TokenPlace::Header }) => {
                (Some(token), None)
            }
            Some(PresentedCredential::SignedToken { token, place: TokenPlace::Cookie }) => {
                (None, Some(token))
            }
            _ => (None, None),
        };
        assert_eq!(found, (token.map(Token::new), cookie.map(Token::new)), "{headers:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_cookie_is_read(value in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = (session(&value), session(&[&b"a; zsession="[..], &value].concat()));
        }
    }
}
