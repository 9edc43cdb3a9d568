//! The cookie that the protocol sets.

use auth_core::Token;
use http::HeaderValue;

use crate::decode::cookies::FORWARD;

/// How long a browser keeps the cookie: as long as the session behind it may live.
const SECONDS: u32 = 90 * 24 * 3600;

/// The session, for every host of a domain.
pub(crate) fn session(token: &Token, domain: &str) -> Option<HeaderValue> {
    let text = format!(
        "{FORWARD}={}; Domain={domain}; Max-Age={SECONDS}; Path=/; Secure; HttpOnly; SameSite=Lax",
        token.expose()
    );
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_reaches_the_domain_and_no_script() {
        let cookie = session(&Token::new("abc"), "example.org").unwrap();
        assert_eq!(
            cookie,
            "__Secure-auth-forward=abc; Domain=example.org; Max-Age=7776000; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(format!("{cookie:?}"), "Sensitive");
    }
}
