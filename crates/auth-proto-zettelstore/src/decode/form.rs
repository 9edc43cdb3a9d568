//! URL-encoded forms, read as strictly as Zettelstore's HTTP library does (zettelstore.md 2): one malformed
//! escape or one semicolon spoils the whole form. Bytes that are no UTF-8 become U+FFFD.

use std::borrow::Cow;

use auth_core::Password;

use super::Login;

/// The form, or query, can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a client is told no more than this")]
pub struct Malformed;

/// Finds name and password in a form: the first field of each name counts, the name is trimmed of white space,
/// a missing password is an empty one. `None` without a name.
///
/// # Errors
/// [`Malformed`] where the form can't be read.
pub fn login(body: &[u8]) -> Result<Option<Login>, Malformed> {
    check(body)?;
    let user_name = first(body, "username").unwrap_or_default().trim().to_owned();
    if user_name.is_empty() {
        return Ok(None);
    }
    let password = Password::new(first(body, "password").unwrap_or_default());
    Ok(Some(Login { user_name, password }))
}

/// Looks whether all fields can be read.
///
/// # Errors
/// [`Malformed`] where one can't.
pub fn check(fields: &[u8]) -> Result<(), Malformed> {
    if fields.contains(&b';') || !escapes_are_whole(fields) { Err(Malformed) } else { Ok(()) }
}

/// The value of the first readable field of that name.
#[must_use]
pub fn first<'a>(fields: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    fields
        .split(|byte| *byte == b'&')
        .filter(|field| check(field).is_ok())
        .flat_map(form_urlencoded::parse)
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Whether each `%` is followed by two hexadecimal digits.
pub(crate) fn escapes_are_whole(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'%')
        .skip(1)
        .all(|after| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_login(body: &str, expected: Result<Option<(&str, &str)>, Malformed>) {
        let found = login(body.as_bytes());
        let found = found
            .as_ref()
            .map(|login| login.as_ref().map(|login| (login.user_name.as_str(), login.password.expose())));
        assert_eq!(found, expected.as_ref().map(|login| *login), "{body}");
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
            check_login(body, Ok(Some((user_name, password))));
        }
        for body in
            ["", "username=", "username=+%20", "password=pw", "Username=writer", "username", "=writer"]
        {
            check_login(body, Ok(None));
        }
    }

    #[test]
    fn one_bad_field_spoils_the_form() {
        for bad in ["x=%zz", "x=%", "x=%a", "%=x", "x=%4", "a;b", ";", "x=1;y=2", "x=%a&bc=1", "x=%%41"] {
            check_login(&format!("{bad}&username=writer&password=pw"), Err(Malformed));
            check_login(&format!("username=writer&password=pw&{bad}"), Err(Malformed));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = login(&body);
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
            let found = login(body.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(found.user_name, user_name.trim());
            prop_assert_eq!(found.password.expose(), password);
        }
    }
}
