//! URL-encoded forms, read as strictly as Zettelstore's HTTP library reads them: one malformed escape or one
//! semicolon makes the whole form malformed. Bytes that are not UTF-8 become U+FFFD.

use std::borrow::Cow;

use auth_core::Password;

use super::credentials::Credentials;
use super::error::DecodeError;

/// Finds the user name and the password in a form; `None` where it holds no name.
///
/// The first field of each name counts. White space around the user name is removed. A missing password is an empty
/// one.
///
/// # Errors
/// [`DecodeError`] when the form is malformed.
pub fn credentials(body: &[u8]) -> Result<Option<Credentials>, DecodeError> {
    check(body)?;
    let user_name = first(body, "username").unwrap_or_default().trim().to_owned();
    if user_name.is_empty() {
        return Ok(None);
    }
    let password = Password::new(first(body, "password").unwrap_or_default());
    Ok(Some(Credentials { user_name, password }))
}

/// Checks that all fields of a form or a query are well-formed.
///
/// # Errors
/// [`DecodeError`] when a field is not.
pub fn check(fields: &[u8]) -> Result<(), DecodeError> {
    if fields.contains(&b';') || !has_whole_escapes(fields) { Err(DecodeError) } else { Ok(()) }
}

/// The value of the first well-formed field of that name.
#[must_use]
pub fn first<'a>(fields: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    fields
        .split(|byte| *byte == b'&')
        .filter(|field| check(field).is_ok())
        .flat_map(form_urlencoded::parse)
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Whether each `%` is followed by two hexadecimal digits.
pub(crate) fn has_whole_escapes(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'%')
        .skip(1)
        .all(|after| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_credentials(body: &str, expected: Result<Option<(&str, &str)>, DecodeError>) {
        let found = credentials(body.as_bytes());
        let found = found
            .as_ref()
            .map(|found| found.as_ref().map(|found| (found.user_name.as_str(), found.password.expose())));
        assert_eq!(found, expected.as_ref().map(|expected| *expected), "{body}");
    }

    #[test]
    fn forms_are_read_as_the_real_server_does() {
        for (body, user_name, password) in [
            ("username=writer&password=pw", "writer", "pw"),
            ("password=pw&username=writer", "writer", "pw"),
            ("username=writer", "writer", ""),
            ("&&username=writer&&password=pw&", "writer", "pw"),
            ("username=writer&username=reader&password=pw&password=zz", "writer", "pw"),
            ("username=+%09writer%C2%A0%0A&password=+pw+", "writer", " pw "),
            ("username=zo%C3%AB&password=p%C3%A4ss+w%C3%B6rd", "zoë", "päss wörd"),
            ("username=zoë&password=päss wörd", "zoë", "päss wörd"),
            ("username=col%3Aon&password=a%3Bb%26c%3D%25", "col:on", "a;b&c=%"),
            ("username=writer&password=a=b=c", "writer", "a=b=c"),
            ("username=w%FF&password=%FE", "w\u{FFFD}", "\u{FFFD}"),
            ("%75sername=writer&p%61ssword=pw", "writer", "pw"),
        ] {
            check_credentials(body, Ok(Some((user_name, password))));
        }
        for body in
            ["", "username=", "username=+%20", "password=pw", "Username=writer", "username", "=writer"]
        {
            check_credentials(body, Ok(None));
        }
    }

    #[test]
    fn one_bad_field_spoils_the_form() {
        for bad in ["x=%zz", "x=%", "x=%a", "%=x", "x=%4", "a;b", ";", "x=1;y=2", "x=%a&bc=1", "x=%%41"] {
            check_credentials(&format!("{bad}&username=writer&password=pw"), Err(DecodeError));
            check_credentials(&format!("username=writer&password=pw&{bad}"), Err(DecodeError));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = credentials(&body);
        }

        #[test]
        fn fields_alone_are_readable_if_and_only_if_all_together_are(body in "[%;&=a-f0-9+]{0,40}") {
            let each = body.split('&').all(|field| check(field.as_bytes()).is_ok());
            prop_assert_eq!(check(body.as_bytes()).is_ok(), each);
        }

        #[test]
        fn printed_forms_read_back(user_name in r"\S(.*\S)?", password in ".*") {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("password", &password)
                .append_pair("username", &user_name)
                .finish();
            let found = credentials(body.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(found.user_name, user_name.trim());
            prop_assert_eq!(found.password.expose(), password);
        }
    }
}
