//! The credentials of a login request.

use auth_core::BodyTooLarge;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request};

use super::authorization::basic;
use super::credentials::Credentials;
use super::error::DecodeError;
use super::form;

/// Finds the user name and the password in a request; `None` when it holds no name.
///
/// The form's are taken, where the form is well-formed and has a name, else those of the `Authorization` header. A
/// malformed query makes the form malformed. A form that was too large to be read counts as none.
///
/// # Errors
/// [`DecodeError`] when the form is malformed and no other name was sent.
pub fn credentials(request: &Request<Bytes>) -> Result<Option<Credentials>, DecodeError> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let is_read = is_form(request.headers()) && request.extensions().get::<BodyTooLarge>().is_none();
    let body = if is_read { request.body().as_ref() } else { b"" };
    let form = form::check(query).and_then(|()| form::credentials(body));
    if let Ok(Some(found)) = form {
        return Ok(Some(found));
    }
    match request.headers().get(AUTHORIZATION).and_then(|value| basic(value.as_bytes())) {
        Some(found) => Ok(Some(found)),
        None => form,
    }
}

/// Whether the body is a form, by its media type. Case and parameters don't matter.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let sent = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let media_type = sent.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use auth_core::Password;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn request(query: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
        let mut request = Request::post(format!("/a{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    fn sent(user_name: &str, password: &str) -> Result<Option<Credentials>, DecodeError> {
        Ok(Some(Credentials { user_name: user_name.to_owned(), password: Password::new(password) }))
    }

    #[test]
    fn form_goes_before_basic_and_nothing_else_counts() {
        let basic = ("Authorization", "Basic cmVhZGVyOnB3");
        let form = ("Content-Type", FORM);
        let good = "username=writer&password=pw";
        let writer = sent("writer", "pw");
        let reader = sent("reader", "pw");
        for (query, headers, body, expected) in [
            ("", &[form][..], good, &writer),
            ("", &[form, basic], good, &writer),
            ("?username=reader", &[form], good, &writer),
            ("", &[("Content-Type", "APPLICATION/X-WWW-Form-Urlencoded ;charset=x")], good, &writer),
            ("", &[form, basic], "username=+&password=pw", &reader),
            ("", &[form, basic], "username=%zz", &reader),
            ("?x=%zz", &[form, basic], good, &reader),
            ("", &[basic], good, &reader),
            ("", &[basic, ("Authorization", "Basic d3JpdGVyOnB3")], "", &reader),
            ("", &[form], "", &Ok(None)),
            ("", &[form], "username=+", &Ok(None)),
            ("", &[], good, &Ok(None)),
            ("", &[("Content-Type", "multipart/form-data")], good, &Ok(None)),
            ("", &[("Content-Type", "application/x-www-form-urlencoded2")], good, &Ok(None)),
            ("?username=writer&password=pw", &[form], "", &Ok(None)),
            ("", &[form], "username=%zz", &Err(DecodeError)),
            ("", &[form], "username=writer;password=pw", &Err(DecodeError)),
            ("?x=%zz", &[form], good, &Err(DecodeError)),
            ("?a;b", &[form], good, &Err(DecodeError)),
            ("", &[form, ("Authorization", "Basic !!!")], "username=%zz", &Err(DecodeError)),
        ] {
            let found = credentials(&request(query, headers, body));
            assert_eq!(&found, expected, "{query} {headers:?} {body}");
        }
    }

    #[test]
    fn form_that_was_too_large_is_none() {
        let mut too_large = request("", &[("Content-Type", FORM)], "");
        too_large.extensions_mut().insert(BodyTooLarge);
        assert_eq!(credentials(&too_large), Ok(None));
        too_large.headers_mut().insert(AUTHORIZATION, "Basic cmVhZGVyOnB3".parse().unwrap());
        assert_eq!(credentials(&too_large), sent("reader", "pw"));
    }
}
