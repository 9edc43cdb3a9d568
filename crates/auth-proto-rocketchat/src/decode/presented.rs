//! Credentials in headers (rocketchat.md 2.3, 3.1).

use auth_core::{FactorMethod, OneTimeCode, PresentedCredential, SecondFactorProof, Token};
use http::HeaderMap;
use http::header::{HeaderName, USER_AGENT};

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SECOND_FACTOR_CODE: HeaderName = HeaderName::from_static("x-2fa-code");
const SECOND_FACTOR_METHOD: HeaderName = HeaderName::from_static("x-2fa-method");

/// The token and user id that a request carries, as a credential.
pub(crate) fn presented(headers: &HeaderMap) -> Option<PresentedCredential> {
    let (user_id, token) = user_and_token(headers)?;
    Some(PresentedCredential::RocketChatToken { user_id, token })
}

/// The user id and token that a request carries, where it carries both, once, and not empty.
pub(crate) fn user_and_token(headers: &HeaderMap) -> Option<(String, Token)> {
    let user_id = only(headers, &USER_ID)?.to_owned();
    Some((user_id, Token::new(only(headers, &AUTH_TOKEN)?)))
}

/// The code of a second factor from `x-2fa-code`.
pub(crate) fn second_factor_code(headers: &HeaderMap) -> Option<&str> {
    only(headers, &SECOND_FACTOR_CODE)
}

/// The second factor that comes along with a call. A name that is not a factor's is as none.
pub(crate) fn second_factor_proof(headers: &HeaderMap) -> SecondFactorProof {
    SecondFactorProof {
        code: second_factor_code(headers).map(OneTimeCode::new),
        method: only(headers, &SECOND_FACTOR_METHOD).and_then(factor_method),
    }
}

/// The factor of that name.
pub(crate) fn factor_method(name: &str) -> Option<FactorMethod> {
    match name {
        "totp" => Some(FactorMethod::Totp),
        "email" => Some(FactorMethod::Email),
        "password" => Some(FactorMethod::Password),
        _ => None,
    }
}

/// The program that calls, as it names itself.
pub(crate) fn agent(headers: &HeaderMap) -> &str {
    only(headers, &USER_AGENT).unwrap_or_default()
}

/// A header that is there exactly once, in visible ASCII and not empty.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_are_both_headers_once_and_not_empty() {
        for (headers, expected) in [
            (&[("x-user-id", &b"u"[..]), ("x-auth-token", b"t")][..], true),
            (&[("x-auth-token", b"t"), ("x-user-id", b"u")], true),
            (&[("x-user-id", b"u")], false),
            (&[("x-auth-token", b"t")], false),
            (&[("x-user-id", b""), ("x-auth-token", b"t")], false),
            (&[("x-user-id", b"u"), ("x-auth-token", b"")], false),
            (&[("x-user-id", b"u"), ("x-auth-token", b"t"), ("x-auth-token", b"t")], false),
            (&[("x-user-id", b"u\xff"), ("x-auth-token", b"t")], false),
            (&[], false),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap()))
                .fold(HeaderMap::new(), |mut map, (name, value): (HeaderName, _)| {
                    map.append(name, value);
                    map
                });
            match presented(&headers) {
                Some(PresentedCredential::RocketChatToken { user_id, token }) => {
                    assert!(expected, "{headers:?}");
                    assert_eq!((user_id.as_str(), token.expose()), ("u", "t"));
                }
                other => assert!(other.is_none() && !expected, "{headers:?}"),
            }
        }
    }
}
