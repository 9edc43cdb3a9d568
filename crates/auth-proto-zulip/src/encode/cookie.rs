//! The cookies that pages set, in the words of Django.

use std::time::Duration;

use auth_core::{Timestamp, Token};
use http::HeaderValue;

use super::date::http_date;
use crate::decode::cookies::{CSRF, OWN_SESSION, SESSION, full_name};

/// How long a browser keeps a session: as long as the server does.
const SESSION_LIFE: Duration = Duration::from_secs(14 * 24 * 3600);

/// How long a browser keeps its CSRF secret.
const CSRF_LIFE: Duration = Duration::from_secs(364 * 24 * 3600);

/// Gives a browser a session.
pub(crate) fn session(token: &Token, now: Timestamp, is_secure: bool) -> Option<HeaderValue> {
    lasting(SESSION, token, now, SESSION_LIFE, is_secure)
}

/// Gives a browser the same session for the pages that look after accounts, which are served to browsers that keep it.
pub(crate) fn own_session(token: &Token, now: Timestamp) -> Option<HeaderValue> {
    lasting(OWN_SESSION, token, now, SESSION_LIFE, true)
}

/// Gives a browser a CSRF secret.
pub(crate) fn csrf(secret: &Token, now: Timestamp, is_secure: bool) -> Option<HeaderValue> {
    lasting(CSRF, secret, now, CSRF_LIFE, is_secure)
}

/// Takes the session from a browser.
pub(crate) fn no_session(is_secure: bool) -> Option<HeaderValue> {
    let name = full_name(SESSION, is_secure);
    secret(format!(
        "{name}=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax{}",
        end(is_secure)
    ))
}

fn lasting(
    name: &str,
    value: &Token,
    now: Timestamp,
    life: Duration,
    is_secure: bool,
) -> Option<HeaderValue> {
    let (name, expires) = (full_name(name, is_secure), http_date(now + life));
    secret(format!(
        "{name}={}; expires={expires}; HttpOnly; Max-Age={}; Path=/; SameSite=Lax{}",
        value.expose(),
        life.as_secs(),
        end(is_secure)
    ))
}

fn end(is_secure: bool) -> &'static str {
    if is_secure { "; Secure" } else { "" }
}

/// A header that no log shows.
fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_written_as_the_recorded_server_writes_them() {
        let now = Timestamp::from_secs(1_795_660_213);
        for (cookie, expected) in [
            (
                session(&Token::new("adgtu16q6z6ni25log829r64ryh2y9uv"), now, true),
                "__Host-sessionid=adgtu16q6z6ni25log829r64ryh2y9uv; expires=Thu, 10 Dec 2026 02:30:13 GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax; Secure",
            ),
            (
                csrf(&Token::new("Ufhii6fvGQ4oFPVQfrg2RIMYhaXEOwUR"), now, true),
                "__Host-csrftoken=Ufhii6fvGQ4oFPVQfrg2RIMYhaXEOwUR; expires=Thu, 25 Nov 2027 02:30:13 GMT; HttpOnly; Max-Age=31449600; Path=/; SameSite=Lax; Secure",
            ),
            (
                no_session(true),
                "__Host-sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax; Secure",
            ),
            (
                session(&Token::new("abc"), now, false),
                "sessionid=abc; expires=Thu, 10 Dec 2026 02:30:13 GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax",
            ),
        ] {
            let cookie = cookie.unwrap();
            assert_eq!(cookie, expected);
            assert_eq!(format!("{cookie:?}"), "Sensitive");
        }
    }
}
