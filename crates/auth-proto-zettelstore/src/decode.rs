//! Bytes to values: what a request asks for and what it brings along. Nothing here can fail but by saying so.

pub mod authorization;
pub mod form;
pub mod route;

use std::borrow::Cow;

use auth_core::{BodyTooLarge, Password, PresentedCredential, Token};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Request};

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a log-in is no more than this")]
pub struct Login {
    /// Who it is said to be; never empty.
    pub user_name: String,
    /// The password as sent; may be empty.
    pub password: Password,
}

/// What a request to log in brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum Sent {
    /// A name and a password.
    Login(Login),
    /// No name.
    Nothing,
    /// No name, and a form that can't be read.
    Malformed,
}

/// Finds name and password in a request (zettelstore.md 2): the form's, where there is a readable one with a
/// name in it, else those of the `Authorization` header. An unreadable query makes the form unreadable; a form
/// that was too large to be read is none.
#[must_use]
pub fn login(request: &Request<Bytes>) -> Sent {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let is_read = is_form(request.headers()) && request.extensions().get::<BodyTooLarge>().is_none();
    let body = if is_read { request.body().as_ref() } else { b"" };
    let form = form::check(query).and_then(|()| form::login(body));
    if let Ok(Some(login)) = form {
        return Sent::Login(login);
    }
    let basic = request.headers().get(AUTHORIZATION);
    match basic.and_then(|value| authorization::basic(value.as_bytes())) {
        Some(login) => Sent::Login(login),
        None if form.is_err() => Sent::Malformed,
        None => Sent::Nothing,
    }
}

/// Whether the body is a form: its type matters, parameters and case don't (zettelstore.md 2).
fn is_form(headers: &HeaderMap) -> bool {
    let sent = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let media_type = sent.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The token that a request presents (zettelstore.md 5): that of the `Authorization` header, else that of the
/// cookie which the web pages set. Several headers count as one, joined by commas, which no token survives.
#[must_use]
pub fn presented(headers: &HeaderMap) -> Option<PresentedCredential> {
    let mut sent = headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes());
    let mut value = Cow::Borrowed(sent.next().unwrap_or_default());
    for more in sent {
        value.to_mut().extend([b", ", more].concat());
    }
    match authorization::bearer(&value) {
        Some(token) => Some(PresentedCredential::ZettelstoreToken(token)),
        None => headers
            .get_all(COOKIE)
            .iter()
            .find_map(|value| session(value.as_bytes()))
            .map(PresentedCredential::ZettelstoreCookie),
    }
}

/// Reads a `Cookie` header's value: what the web pages' cookie holds, where it is there and holds anything.
fn session(value: &[u8]) -> Option<Token> {
    let pairs = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let token = pairs.filter_map(|pair| pair.strip_prefix(b"zsession=")).next()?;
    let token = token.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(token);
    if token.is_empty() { None } else { Some(Token::new(String::from_utf8_lossy(token))) }
}

/// A command of POST `/x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Tell whether the request is authenticated.
    Authenticated,
}

/// The command that a query names (zettelstore.md 5): as `cmd`, or as `_cmd`, its name up to 0.6. Fields that
/// can't be read are passed over.
#[must_use]
pub fn command(query: &str) -> Option<Command> {
    let is_named = |field| form::first(query.as_bytes(), field).is_some_and(|name| name == "authenticated");
    (is_named("cmd") || is_named("_cmd")).then_some(Command::Authenticated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn request(query: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
        let mut request = Request::post(format!("/a{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    fn sent(user_name: &str, password: &str) -> Sent {
        Sent::Login(Login { user_name: user_name.to_owned(), password: Password::new(password) })
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
            ("", &[form], "", &Sent::Nothing),
            ("", &[form], "username=+", &Sent::Nothing),
            ("", &[], good, &Sent::Nothing),
            ("", &[("Content-Type", "multipart/form-data")], good, &Sent::Nothing),
            ("", &[("Content-Type", "application/x-www-form-urlencoded2")], good, &Sent::Nothing),
            ("?username=writer&password=pw", &[form], "", &Sent::Nothing),
            ("", &[form], "username=%zz", &Sent::Malformed),
            ("", &[form], "username=writer;password=pw", &Sent::Malformed),
            ("?x=%zz", &[form], good, &Sent::Malformed),
            ("?a;b", &[form], good, &Sent::Malformed),
            ("", &[form, ("Authorization", "Basic !!!")], "username=%zz", &Sent::Malformed),
        ] {
            let found = login(&request(query, headers, body));
            assert_eq!(&found, expected, "{query} {headers:?} {body}");
        }
    }

    #[test]
    fn form_that_was_too_large_is_none() {
        let mut too_large = request("", &[("Content-Type", FORM)], "");
        too_large.extensions_mut().insert(BodyTooLarge);
        assert_eq!(login(&too_large), Sent::Nothing);
        too_large.headers_mut().insert(AUTHORIZATION, "Basic cmVhZGVyOnB3".parse().unwrap());
        assert_eq!(login(&too_large), sent("reader", "pw"));
    }

    #[test]
    fn second_authorization_header_spoils_the_token() {
        for (headers, token) in [
            (&[("Authorization", "Bearer abc")][..], Some("abc")),
            (&[("Authorization", "Bearer abc"), ("Authorization", "Basic x")], Some("abc, Basic x")),
            (&[("Authorization", "Basic x"), ("Authorization", "Bearer abc")], None),
            (&[], None),
        ] {
            check_presented(headers, token, None);
        }
    }

    #[test]
    fn cookie_counts_where_there_is_no_bearer_token() {
        for (headers, token, cookie) in [
            (&[("Cookie", "zsession=abc")][..], None, Some("abc")),
            (&[("Cookie", "a=b; zsession=abc;c=d")], None, Some("abc")),
            (&[("Cookie", "a=b"), ("Cookie", "zsession=\"abc\"")], None, Some("abc")),
            (&[("Cookie", "zsession=abc; zsession=def")], None, Some("abc")),
            (&[("Cookie", "zsession=abc"), ("Authorization", "Basic x")], None, Some("abc")),
            (&[("Cookie", "zsession=abc"), ("Authorization", "Bearer ")], None, Some("abc")),
            (&[("Cookie", "zsession=abc"), ("Authorization", "Bearer x")], Some("x"), None),
            (&[("Cookie", "zsession=")], None, None),
            (&[("Cookie", "Zsession=abc")], None, None),
            (&[("Cookie", "xzsession=abc")], None, None),
            (&[("Cookie", "zsession")], None, None),
            (&[("Cookie", "")], None, None),
        ] {
            check_presented(headers, token, cookie);
        }
    }

    fn check_presented(headers: &[(&str, &str)], token: Option<&str>, cookie: Option<&str>) {
        let found = match presented(request("", headers, "").headers()) {
            Some(PresentedCredential::ZettelstoreToken(token)) => (Some(token), None),
            Some(PresentedCredential::ZettelstoreCookie(cookie)) => (None, Some(cookie)),
            _ => (None, None),
        };
        assert_eq!(found, (token.map(Token::new), cookie.map(Token::new)), "{headers:?}");
    }

    #[test]
    fn command_has_two_parameter_names_and_forgives_other_fields() {
        for (query, known) in [
            ("cmd=authenticated", true),
            ("_cmd=authenticated", true),
            ("x=%zz&a;b&cmd=%61uthenticated", true),
            ("cmd=authenticated&cmd=other", true),
            ("cmd=other&cmd=authenticated", false),
            ("cmd=Authenticated", false),
            ("cmd=refresh", false),
            ("cmd=", false),
            ("", false),
            ("authenticated", false),
        ] {
            assert_eq!(command(query).is_some(), known, "{query}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_query_is_read(query in ".*") {
            let _ = command(&query);
        }

        #[test]
        fn any_cookie_is_read(value in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = (session(&value), session(&[&b"a; zsession="[..], &value].concat()));
        }
    }
}
