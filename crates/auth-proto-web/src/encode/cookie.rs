//! The cookies that pages set.

use auth_core::Token;
use http::HeaderValue;

use crate::decode::cookies::{BEFORE, SESSION};

/// How long a browser keeps a session, in seconds: 90 days, the longest that the server lets one live.
const SESSION_SECONDS: u32 = 90 * 24 * 3600;

/// What both cookies share: no script reads them, no other site sends them with a form, and no other host sets them.
const RULES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Gives a browser its session.
pub(crate) fn session(token: &Token) -> Option<HeaderValue> {
    secret(format!("{SESSION}={}; Max-Age={SESSION_SECONDS}; {RULES}", token.expose()))
}

/// Gives a browser without a session the token to which forms are bound; it ends with the browser.
pub(crate) fn before(token: &Token) -> Option<HeaderValue> {
    secret(format!("{BEFORE}={}; {RULES}", token.expose()))
}

/// Takes a cookie away.
pub(crate) fn removed(name: &str) -> Option<HeaderValue> {
    secret(format!("{name}=; Max-Age=0; {RULES}"))
}

/// A header that no log shows. Tokens always make one.
fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_bound_to_the_host_and_hidden_from_scripts() {
        for (cookie, expected) in [
            (
                session(&Token::new("abc")),
                "__Host-auth-session=abc; Max-Age=7776000; Path=/; Secure; HttpOnly; SameSite=Lax",
            ),
            (before(&Token::new("abc")), "__Host-auth-pre=abc; Path=/; Secure; HttpOnly; SameSite=Lax"),
            (removed(BEFORE), "__Host-auth-pre=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ] {
            let cookie = cookie.unwrap();
            assert_eq!(cookie, expected);
            assert_eq!(format!("{cookie:?}"), "Sensitive");
        }
    }
}
