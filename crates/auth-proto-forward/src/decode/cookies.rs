//! The cookies of a request: those that are credentials, and the others.

use auth_core::Token;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// The cookie of forward authentication, which reaches every host of a domain.
pub const FORWARD: &str = "__Secure-auth-forward";

/// The cookie of the pages. It reaches questions where an application has the host of the pages.
pub const SESSION: &str = "__Host-auth-session";

/// The cookie of a Zulip server's pages: the same kind of session.
const SESSION_OF_ZULIP: &str = "__Host-sessionid";

/// The longest value that may be a token.
const LONGEST: usize = 256;

/// The cookies of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these are the cookies that there are")]
pub struct Cookies {
    /// The values of the cookie of forward authentication, of which there should be one at most.
    pub forward: Vec<Token>,
    /// The session of the pages.
    pub session: Option<Token>,
    /// The other cookies, as a header of their own; `None` where the request has no header of cookies.
    pub others: Option<HeaderValue>,
}

impl Cookies {
    /// Reads the cookies of a request. A value that can't be a token is kept as an empty one, which is nobody's.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut cookies = Self::default();
        let mut session_of_zulip = None;
        let mut others: Vec<&[u8]> = Vec::new();
        let values = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
        for pair in values.flat_map(|value| value.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii) {
            let (name, value) =
                pair.split_at(pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len()));
            let token = || token(value.strip_prefix(b"=").unwrap_or_default().trim_ascii());
            match name.trim_ascii() {
                name if name == FORWARD.as_bytes() => cookies.forward.push(token()),
                name if name == SESSION.as_bytes() => drop(cookies.session.get_or_insert_with(token)),
                name if name == SESSION_OF_ZULIP.as_bytes() => {
                    session_of_zulip.get_or_insert_with(token);
                }
                b"" if value.is_empty() => {}
                _ => others.push(pair),
            }
        }
        cookies.session = cookies.session.or(session_of_zulip);
        if headers.contains_key(COOKIE) {
            // Pieces of a header's value make one.
            cookies.others = HeaderValue::from_bytes(&others.join(&b"; "[..])).ok();
        }
        cookies
    }
}

/// A cookie's value as a token; an empty one where it can't be one.
fn token(value: &[u8]) -> Token {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST);
    Token::new(text.filter(|text| text.as_bytes().iter().all(is_token)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(sent: &[&str]) -> (Vec<String>, Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(COOKIE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let Cookies { forward, session, others } = Cookies::of(&headers);
        let text = |token: Token| token.expose().to_owned();
        let others = others.map(|others| String::from_utf8(others.as_bytes().to_vec()).unwrap());
        (forward.into_iter().map(text).collect(), session.map(text), others)
    }

    #[test]
    fn own_cookies_are_found_and_the_others_stay_as_they_are() {
        for (sent, forward, session, others) in [
            (&[][..], &[][..], None, None),
            (&["a=1; b=2"], &[], None, Some("a=1; b=2")),
            (&["__Secure-auth-forward=x"], &["x"], None, Some("")),
            (&["a=1;__Secure-auth-forward=x ; b=\"2 3\""], &["x"], None, Some("a=1; b=\"2 3\"")),
            (&["a=1", "__Secure-auth-forward=x", "b"], &["x"], None, Some("a=1; b")),
            (&["__Secure-auth-forward=x; __Secure-auth-forward=y"], &["x", "y"], None, Some("")),
            (&["__Secure-auth-forward = x"], &["x"], None, Some("")),
            (&["__Secure-auth-forward"], &[""], None, Some("")),
            (&["__Secure-auth-forward=x=y"], &[""], None, Some("")),
            (&["__secure-auth-forward=x"], &[], None, Some("__secure-auth-forward=x")),
            (&["x__Secure-auth-forward=x"], &[], None, Some("x__Secure-auth-forward=x")),
            (&["__Host-auth-session=s; __Host-sessionid=z"], &[], Some("s"), Some("")),
            (&["__Host-sessionid=z; é=ü"], &[], Some("z"), Some("é=ü")),
            (&["sessionid=z;;; =q"], &[], None, Some("sessionid=z; =q")),
        ] {
            let forward: Vec<String> = forward.iter().map(|token: &&str| (*token).to_owned()).collect();
            let expected = (forward, session.map(str::to_owned), others.map(str::to_owned));
            assert_eq!(read(sent), expected, "{sent:?}");
        }
        let long = format!("{FORWARD}={}", "a".repeat(LONGEST + 1));
        assert_eq!(read(&[&long]).0, [""]);
    }

    proptest! {
        #[test]
        fn no_credential_stays_among_the_others(
            sent in "(__Secure-auth-forward|__Host-auth-session|__Host-sessionid|=|;| |a){0,12}",
        ) {
            let (_, _, others) = read(&[&sent]);
            let again = read(&[&others.unwrap_or_default()]);
            prop_assert_eq!((again.0.len(), again.1), (0, None), "{}", sent);
        }
    }
}
