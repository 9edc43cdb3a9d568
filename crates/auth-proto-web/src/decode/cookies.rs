//! The two cookies of the pages.

use auth_core::Token;
use http::HeaderMap;
use http::header::COOKIE;

use super::fields::is_token;

/// The cookie of who has signed in: the web session.
pub const SESSION: &str = "__Host-auth-session";

/// The cookie of who has signed in at Zulip's pages, whose sessions are the same.
const SESSION_OF_ZULIP: &str = "__Host-sessionid";

/// The cookie of who has not signed in yet, to which forms are bound.
pub const BEFORE: &str = "__Host-auth-pre";

/// The longest value of a cookie that is looked at, in bytes.
const LONGEST: usize = 256;

/// The cookies that a request carries. What can't be a token counts as missing.
///
/// ```
/// use auth_proto_web::decode::cookies::Cookies;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("cookie", "theme=dark; __Host-auth-session=abc".parse().unwrap());
/// assert_eq!(Cookies::of(&headers).session.unwrap().expose(), "abc");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the pages have these two")]
pub struct Cookies {
    /// The web session.
    pub session: Option<Token>,
    /// The token of a visitor without a session.
    pub before: Option<Token>,
}

impl Cookies {
    /// Reads the cookies of a request. Of two cookies of one name the first one counts, and the pages' own session before that
    /// of Zulip's pages.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut cookies = Self::default();
        let mut session_of_zulip = None;
        let sent = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        for (name, value) in sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('=')) {
            let place = match name.trim() {
                SESSION => &mut cookies.session,
                SESSION_OF_ZULIP => &mut session_of_zulip,
                BEFORE => &mut cookies.before,
                _ => continue,
            };
            let value = value.trim();
            if place.is_none() && value.len() <= LONGEST && is_token(value) {
                *place = Some(Token::new(value));
            }
        }
        cookies.session = cookies.session.or(session_of_zulip);
        cookies
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(sent: &[&str]) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(COOKIE, value.parse().unwrap());
        }
        let Cookies { session, before } = Cookies::of(&headers);
        (session.map(|token| token.expose().to_owned()), before.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn cookies_are_found_among_others() {
        for (sent, session, before) in [
            (&[][..], None, None),
            (&["__Host-auth-session=a"], Some("a"), None),
            (&["x=1; __Host-auth-session=a;__Host-auth-pre=b ; y"], Some("a"), Some("b")),
            (&["x=1", "__Host-auth-pre=b"], None, Some("b")),
            (&["__Host-auth-session=a; __Host-auth-session=b"], Some("a"), None),
            (&["__host-auth-session=a; auth-session=a"], None, None),
            (&["__Host-auth-session="], None, None),
            (&["__Host-auth-session=a b"], None, None),
            (&["__Host-auth-session=\"a\""], None, None),
            (&["__Host-sessionid=z"], Some("z"), None),
            (&["__Host-sessionid=z; __Host-auth-session=a"], Some("a"), None),
            (&["sessionid=z"], None, None),
            (&["__Host-auth-session=<script>"], None, None),
        ] {
            let expected = (session.map(str::to_owned), before.map(str::to_owned));
            assert_eq!(read(sent), expected, "{sent:?}");
        }
        assert_eq!(read(&[&format!("{SESSION}={}", "a".repeat(257))]), (None, None));
    }

    proptest! {
        #[test]
        fn any_header_is_read(value in "[ -~]{0,100}") {
            let _ = read(&[&value]);
        }
    }
}
