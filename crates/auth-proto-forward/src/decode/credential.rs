//! The credential of a request: one, of whatever kind.

use auth_core::{Password, Token};
use data_encoding::BASE64;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::cookies::Cookies;

/// Rocket.Chat's header with a token.
pub const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// Rocket.Chat's header with the id of the token's owner.
pub const USER_ID: HeaderName = HeaderName::from_static("x-user-id");

/// The longest name that may be somebody's, in bytes.
const LONGEST_NAME: usize = 320;

/// The longest secret that is looked at, in bytes.
const LONGEST_SECRET: usize = 4096;

/// A credential as presented.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// The cookie of forward authentication.
    ForwardSession(Token),
    /// The session of the pages.
    WebSession(Token),
    /// A bearer token, as Zettelstore signs them.
    Bearer(Token),
    /// A name and a secret, by HTTP Basic authentication (RFC 7617).
    Basic {
        /// The user name or the e-mail address as typed.
        name: String,
        /// A Zulip key, an app password or a password.
        secret: Password,
    },
    /// Rocket.Chat's pair of headers.
    RocketChat {
        /// The id of the owner.
        user: String,
        /// The token.
        token: Token,
    },
}

/// Why a request has no credential that can be checked, although it has something like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// There is more than one, and proxy and application might take different ones.
    Several,
    /// It is of no known form.
    Unreadable,
}

/// The one credential of a request; `None` where there is none.
///
/// # Errors
/// [`CredentialError`] when there are several kinds, or one of them twice, or one that can't be read. The cookies count as one
/// kind: a browser that has both sends both.
///
/// ```
/// use auth_proto_forward::decode::cookies::Cookies;
/// use auth_proto_forward::decode::credential::{Credential, presented};
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("authorization", "Bearer abc.def".parse().unwrap());
/// let found = presented(&headers, &Cookies::of(&headers)).unwrap().unwrap();
/// assert!(matches!(found, Credential::Bearer(token) if token.expose() == "abc.def"));
/// ```
pub fn presented(headers: &HeaderMap, cookies: &Cookies) -> Result<Option<Credential>, CredentialError> {
    let has_cookie = !cookies.forward.is_empty() || cookies.session.is_some();
    let [tokens, ids, authorizations] =
        [AUTH_TOKEN, USER_ID, AUTHORIZATION].map(|name| headers.get_all(name).iter().count());
    let is_twice = cookies.forward.len() > 1 || tokens > 1 || ids > 1 || authorizations > 1;
    let kinds =
        [has_cookie, authorizations > 0, tokens + ids > 0].into_iter().filter(|is_there| *is_there).count();
    if is_twice || kinds > 1 {
        return Err(CredentialError::Several);
    }
    if has_cookie {
        let session = || cookies.session.clone().map(Credential::WebSession);
        return Ok(cookies.forward.first().cloned().map(Credential::ForwardSession).or_else(session));
    }
    if authorizations > 0 {
        return authorization(headers).map(Some).ok_or(CredentialError::Unreadable);
    }
    if tokens + ids > 0 {
        return rocketchat(headers).map(Some).ok_or(CredentialError::Unreadable);
    }
    Ok(None)
}

fn authorization(headers: &HeaderMap) -> Option<Credential> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        let is_token = !value.is_empty() && value.len() <= LONGEST_SECRET && !value.contains(' ');
        return is_token.then(|| Credential::Bearer(Token::new(value)));
    }
    if !scheme.eq_ignore_ascii_case("basic") || value.len() > 2 * LONGEST_SECRET {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(value.as_bytes()).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    let is_good = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
        && !secret.is_empty()
        && secret.len() <= LONGEST_SECRET;
    is_good.then(|| Credential::Basic { name: name.to_owned(), secret: Password::new(secret) })
}

fn rocketchat(headers: &HeaderMap) -> Option<Credential> {
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        (!value.is_empty() && value.len() <= LONGEST_SECRET).then_some(value)
    };
    let (user, token) = (text(USER_ID)?, text(AUTH_TOKEN)?);
    Some(Credential::RocketChat { user: user.to_owned(), token: Token::new(token) })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Option<String>, CredentialError> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect();
        let found = presented(&headers, &Cookies::of(&headers))?;
        Ok(found.map(|found| match found {
            Credential::ForwardSession(token) => format!("forward {}", token.expose()),
            Credential::WebSession(token) => format!("web {}", token.expose()),
            Credential::Bearer(token) => format!("bearer {}", token.expose()),
            Credential::Basic { name, secret } => format!("basic {name} {}", secret.expose()),
            Credential::RocketChat { user, token } => format!("rocketchat {user} {}", token.expose()),
        }))
    }

    const COOKIE: (&str, &str) = ("cookie", "__Secure-auth-forward=f");
    const SESSION: (&str, &str) = ("cookie", "__Host-auth-session=s");
    const BEARER: (&str, &str) = ("authorization", "Bearer a.b");
    const BASIC: (&str, &str) = ("authorization", "Basic YWRhOnNlY3JldDp4");
    const TOKEN: (&str, &str) = ("x-auth-token", "t");
    const ID: (&str, &str) = ("x-user-id", "u");

    #[test]
    fn each_kind_of_credential_is_found() {
        for (headers, expected) in [
            (&[][..], None),
            (&[("cookie", "a=b")], None),
            (&[COOKIE], Some("forward f")),
            (&[SESSION], Some("web s")),
            (&[COOKIE, SESSION], Some("forward f")),
            (&[BEARER], Some("bearer a.b")),
            (&[("authorization", "bearer   a.b ")], Some("bearer a.b")),
            (&[BASIC], Some("basic ada secret:x")),
            (&[("authorization", "BASIC w6RkYTp4")], Some("basic äda x")),
            (&[TOKEN, ID], Some("rocketchat u t")),
        ] {
            assert_eq!(read(headers), Ok(expected.map(str::to_owned)), "{headers:?}");
        }
    }

    #[test]
    fn more_than_one_credential_is_refused() {
        let kinds = [&[COOKIE][..], &[SESSION], &[BEARER], &[BASIC], &[TOKEN, ID]];
        for (at, first) in kinds.iter().enumerate() {
            for second in &kinds[at..] {
                let is_cookies = first[0].0 == "cookie" && second[0].0 == "cookie";
                if is_cookies && (first[0] != COOKIE || second[0] == SESSION) {
                    continue;
                }
                assert_eq!(
                    read(&[*first, *second].concat()),
                    Err(CredentialError::Several),
                    "{first:?} {second:?}"
                );
            }
        }
        for half in [TOKEN, ID] {
            assert_eq!(read(&[BASIC, half]), Err(CredentialError::Several), "{half:?}");
        }
        assert_eq!(read(&[COOKIE, ("authorization", "Negotiate x")]), Err(CredentialError::Several));
    }

    #[test]
    fn what_is_like_a_credential_and_is_none_is_told_apart_from_nothing() {
        for header in [
            ("authorization", ""),
            ("authorization", "Basic"),
            ("authorization", "Bearer "),
            ("authorization", "Bearer a b"),
            ("authorization", "Basic !"),
            ("authorization", "Basic YWRh"),
            ("authorization", "Basic OnNlY3JldA=="),
            ("authorization", "Basic YWRhOg=="),
            ("authorization", "Basic /zp4"),
            ("authorization", "Basic YQphOng="),
            ("authorization", "Digest username=\"ada\""),
            ("authorization", "é"),
            TOKEN,
            ID,
            ("x-auth-token", ""),
        ] {
            assert_eq!(read(&[header]), Err(CredentialError::Unreadable), "{header:?}");
        }
        assert_eq!(read(&[("x-auth-token", "é"), ID]), Err(CredentialError::Unreadable));
    }

    proptest! {
        #[test]
        fn any_authorization_is_read(value in "(Basic|Bearer|basic)? ?[ -~]{0,60}") {
            let _ = read(&[("authorization", &value)]);
        }
    }
}
