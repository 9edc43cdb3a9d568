//! Headers: credentials, the second factor, the program that calls.

use auth_core::{FactorMethod, OneTimeCode, PresentedFactor};
use http::HeaderMap;
use http::header::HeaderName;

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SECOND_FACTOR_CODE: HeaderName = HeaderName::from_static("x-2fa-code");
const SECOND_FACTOR_METHOD: HeaderName = HeaderName::from_static("x-2fa-method");

/// The user id and token of a request, where both are there, once each and not empty.
pub(crate) fn user_and_token(headers: &HeaderMap) -> Option<(&str, &str)> {
    Some((only(headers, &USER_ID)?, only(headers, &AUTH_TOKEN)?))
}

/// The code of a second factor in `x-2fa-code`.
pub(crate) fn second_factor_code(headers: &HeaderMap) -> Option<&str> {
    only(headers, &SECOND_FACTOR_CODE)
}

/// The second factor that came along with a call. An unknown method is like none.
pub(crate) fn presented_factor(headers: &HeaderMap) -> PresentedFactor {
    PresentedFactor {
        code: second_factor_code(headers).map(OneTimeCode::new),
        method: only(headers, &SECOND_FACTOR_METHOD).and_then(factor_method),
        password: None,
    }
}

/// The kind of second factor of that name.
pub(crate) fn factor_method(name: &str) -> Option<FactorMethod> {
    match name {
        "totp" => Some(FactorMethod::Totp),
        "email" => Some(FactorMethod::Email),
        "password" => Some(FactorMethod::Password),
        _ => None,
    }
}

/// The value of a header that is there exactly once, in visible ASCII and not empty.
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
            assert_eq!(user_and_token(&headers), expected.then_some(("u", "t")), "{headers:?}");
        }
    }
}
