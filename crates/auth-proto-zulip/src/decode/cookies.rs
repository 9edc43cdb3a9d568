//! The cookies of Zulip's pages, read as Django reads them.

use auth_core::Token;
use http::HeaderMap;
use http::header::COOKIE;

/// The prefix of a cookie's name that ties it to its host and to TLS.
const HOST: &str = "__Host-";

/// The name of the cookie of a session, without the prefix.
pub const SESSION: &str = "sessionid";

/// The name of the cookie of the CSRF secret, without the prefix.
pub const CSRF: &str = "csrftoken";

/// The name of the session cookie of the pages that are this server's own, without the prefix that it always has. It holds the
/// same tokens.
pub const OWN_SESSION: &str = "auth-session";

/// The longest value of a cookie that is looked at, in bytes: browsers keep no longer one.
const LONGEST: usize = 4096;

/// The cookies that a browser sent. Of several cookies of one name the last one counts.
///
/// ```
/// use auth_proto_zulip::decode::cookies::Cookies;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("cookie", "theme=dark; __Host-sessionid=abc; sessionid=def".parse().unwrap());
/// assert_eq!(Cookies::of(&headers, true).session.unwrap().expose(), "abc");
/// assert_eq!(Cookies::of(&headers, false).session.unwrap().expose(), "def");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the pages have these")]
pub struct Cookies {
    /// The token of a session, or a sealed text that stands for what there is of one before somebody has signed in.
    pub session: Option<Token>,
    /// The token of a session of this server's own pages.
    pub own_session: Option<Token>,
    /// The CSRF secret.
    pub csrf: Option<Token>,
}

impl Cookies {
    /// Reads the cookies of a request. `is_secure` says whether browsers reach the pages by TLS: the names have a prefix then.
    #[must_use]
    pub fn of(headers: &HeaderMap, is_secure: bool) -> Self {
        let mut cookies = Self::default();
        let sent = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        for (name, value) in sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('=')) {
            let (name, value) = (name.trim(), unquoted(value.trim()));
            let place = match (name.strip_prefix(HOST), is_secure) {
                (Some(OWN_SESSION), _) => &mut cookies.own_session,
                (Some(SESSION), true) => &mut cookies.session,
                (Some(CSRF), true) => &mut cookies.csrf,
                (None, false) if name == SESSION => &mut cookies.session,
                (None, false) if name == CSRF => &mut cookies.csrf,
                _ => continue,
            };
            *place = (value.len() <= LONGEST).then(|| Token::new(value));
        }
        // Django takes an empty session for none.
        cookies.session = cookies.session.filter(|token| !token.expose().is_empty());
        cookies
    }
}

/// The name of a cookie in full.
#[must_use]
pub fn full_name(name: &str, is_secure: bool) -> String {
    if is_secure { format!("{HOST}{name}") } else { name.to_owned() }
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(sent: &str, is_secure: bool) -> [Option<String>; 3] {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, sent.parse().unwrap());
        let Cookies { session, own_session, csrf } = Cookies::of(&headers, is_secure);
        [session, own_session, csrf].map(|token| token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn cookies_are_found_by_the_names_of_the_scheme() {
        for (sent, secure, plain) in [
            ("", [None, None, None], [None, None, None]),
            ("sessionid=a; csrftoken=b", [None, None, None], [Some("a"), None, Some("b")]),
            ("__Host-sessionid=a;__Host-csrftoken=b", [Some("a"), None, Some("b")], [None, None, None]),
            ("__Host-sessionid=a; __Host-sessionid=b", [Some("b"), None, None], [None, None, None]),
            ("__Host-sessionid=\"\"; __Host-csrftoken=", [None, None, Some("")], [None, None, None]),
            ("__Host-auth-session=o", [None, Some("o"), None], [None, Some("o"), None]),
            (" __Host-csrftoken = \"x\" ; y", [None, None, Some("x")], [None, None, None]),
        ] {
            let own = |found: [Option<&str>; 3]| found.map(|text| text.map(str::to_owned));
            assert_eq!(read(sent, true), own(secure), "{sent} by TLS");
            assert_eq!(read(sent, false), own(plain), "{sent} without TLS");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(value in "[ -~]{0,100}", is_secure: bool) {
            let _ = read(&value, is_secure);
        }

        #[test]
        fn last_of_several_counts(first in "[a-z0-9]{1,40}", last in "[a-z0-9]{1,40}") {
            let [session, ..] = read(&format!("__Host-sessionid={first}; __Host-sessionid={last}"), true);
            prop_assert_eq!(session, Some(last));
        }
    }
}
