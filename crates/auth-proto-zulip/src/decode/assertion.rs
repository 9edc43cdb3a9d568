//! What an assertion says of its user, for a page that is shown once the assertion was found good.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

/// The longest address that is shown, in bytes.
const LONGEST: usize = 320;

#[derive(Deserialize)]
struct Claims {
    email: String,
}

/// The address in a JSON web token, of which nothing is checked here.
///
/// ```
/// use auth_proto_zulip::decode::assertion::email_of;
/// assert_eq!(email_of("e30.eyJlbWFpbCI6ImhhbWxldEB6dWxpcC5jb20ifQ.x").as_deref(), Some("hamlet@zulip.com"));
/// assert_eq!(email_of("e30.e30.x"), None);
/// ```
#[must_use]
pub fn email_of(token: &str) -> Option<String> {
    let payload = BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?;
    let Claims { email } = serde_json::from_slice(&payload).ok()?;
    (email.len() <= LONGEST).then_some(email)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_has_an_address_or_none(text: String, email in "[a-z]{1,20}@[a-z]{1,20}") {
            let _ = email_of(&text);
            let payload = BASE64URL_NOPAD.encode(format!(r#"{{"email":"{email}","a":1}}"#).as_bytes());
            prop_assert_eq!(email_of(&format!("h.{payload}.s")), Some(email));
        }
    }
}
