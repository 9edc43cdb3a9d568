//! The token that a request presents.

use auth_core::Token;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

const PRIVATE_TOKEN: HeaderName = HeaderName::from_static("private-token");

/// Finds the token in the `PRIVATE-TOKEN` header, else the bearer token in the `Authorization` header; `None` where
/// neither holds one.
///
/// ```
/// use auth_core::Token;
/// use gitlab_session::decode::token::presented;
///
/// let request = http::Request::get("/api/v4/user").header("PRIVATE-TOKEN", "secret").body(()).unwrap();
/// assert_eq!(presented(request.headers()), Some(Token::new("secret")));
/// ```
#[must_use]
pub fn presented(headers: &HeaderMap) -> Option<Token> {
    let private = text(headers, &PRIVATE_TOKEN);
    let token = if private.is_empty() { bearer(text(headers, &AUTHORIZATION))? } else { private };
    if token.is_empty() { None } else { Some(Token::new(token)) }
}

/// The value of a header; empty where the header is missing or no text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The token after the scheme, whose name is read in any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn token_is_found_in_either_header() {
        for (headers, expected) in [
            (&[("PRIVATE-TOKEN", &b"abc"[..])][..], Some("abc")),
            (&[("Private-Token", b"abc"), ("Authorization", b"Bearer def")], Some("abc")),
            (&[("Authorization", b"Bearer abc")], Some("abc")),
            (&[("Authorization", b"bEaReR abc")], Some("abc")),
            (&[("PRIVATE-TOKEN", b""), ("Authorization", b"Bearer abc")], Some("abc")),
            (&[("PRIVATE-TOKEN", b"a\xff")], None),
            (&[("PRIVATE-TOKEN", b"")], None),
            (&[("Authorization", b"Bearer ")], None),
            (&[("Authorization", b"Bearer")], None),
            (&[("Authorization", b"Basic abc")], None),
            (&[("Authorization", b"abc")], None),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
            }
            assert_eq!(presented(&map), expected.map(Token::new), "{headers:?}");
        }
    }
}
