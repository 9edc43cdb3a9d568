//! The name and the password of a login request.

use auth_core::{Identifier, Password, without_byte_order_mark};
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::DecodeError;

/// The parameters of `POST /api/v4/session`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the call has no more parameters")]
pub struct Credentials {
    /// The user: a name with an `@` is an e-mail address, whichever parameter it was sent in.
    pub who: Identifier,
    /// The password as sent; may be empty.
    pub password: Password,
}

/// Reads the parameters of a login from a URL-encoded form or a JSON object. `email` goes before `login`, as in GitLab;
/// of a parameter that was sent twice the last one counts. A body of another type has no parameters.
///
/// # Errors
/// [`DecodeError`] when the body can't be read, or a parameter is missing or no text.
///
/// ```
/// use auth_core::Identifier;
/// use gitlab_session::decode::session::credentials;
///
/// let request = http::Request::post("/api/v4/session")
///     .header("Content-Type", "application/json")
///     .body(r#"{"login":"iago","password":"abcd1234"}"#.into())
///     .unwrap();
/// assert_eq!(credentials(&request)?.who, Identifier::user_name("iago"));
/// # Ok::<(), gitlab_session::decode::DecodeError>(())
/// ```
pub fn credentials(request: &Request<Bytes>) -> Result<Credentials, DecodeError> {
    let mut parameters = parameters(request)?;
    let password = take(&mut parameters, "password")?;
    let email = take(&mut parameters, "email")?;
    let login = take(&mut parameters, "login")?;
    match (email.or(login), password) {
        (Some(name), Some(password)) => {
            let who = if name.contains('@') { Identifier::email(name) } else { Identifier::user_name(name) };
            Ok(Credentials { who, password: Password::new(password) })
        }
        (name, password) => Err(DecodeError::Missing { password: password.is_none(), name: name.is_none() }),
    }
}

/// The parameters in a body.
fn parameters(request: &Request<Bytes>) -> Result<Map<String, Value>, DecodeError> {
    let sent = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let media_type = sent.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let body = request.body();
    if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(body);
        Ok(fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
    } else if media_type.eq_ignore_ascii_case(b"application/json") && !body.is_empty() {
        serde_json::from_slice(without_byte_order_mark(body)).map_err(|_| DecodeError::Malformed)
    } else {
        Ok(Map::new())
    }
}

/// Takes a parameter as text. Numbers become text, as in GitLab; `null` is like a missing parameter.
fn take(parameters: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, DecodeError> {
    match parameters.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(DecodeError::Invalid(name)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    fn read(content_type: &str, body: impl Into<Bytes>) -> Result<Credentials, DecodeError> {
        let request = Request::post("/api/v4/session?login=query&password=query");
        credentials(&request.header(CONTENT_TYPE, content_type).body(body.into()).unwrap())
    }

    fn check(content_type: &str, body: &'static str, who: &Identifier, password: &str) {
        let expected = Credentials { who: who.clone(), password: Password::new(password) };
        assert_eq!(read(content_type, body), Ok(expected), "{body}");
    }

    #[test]
    fn forms_and_json_are_read() {
        let (name, email) = (Identifier::user_name("iago"), Identifier::email("iago@zulip.com"));
        for (content_type, body, who, password) in [
            (FORM, "login=iago&password=pw", &name, "pw"),
            (FORM, "password=+p%C3%A4ss+&login=iago", &name, " päss "),
            (FORM, "email=iago%40zulip.com&password=pw", &email, "pw"),
            (FORM, "login=iago%40zulip.com&password=pw", &email, "pw"),
            (FORM, "email=iago&password=pw", &name, "pw"),
            (FORM, "login=other&email=iago%40zulip.com&password=pw", &email, "pw"),
            (FORM, "login=other&login=iago&password=x&password=pw", &name, "pw"),
            (FORM, "login=iago&password=", &name, ""),
            (JSON, r#"{"login":"iago","password":"pw"}"#, &name, "pw"),
            (JSON, r#"{"email":"iago@zulip.com","password":"pw","more":[1]}"#, &email, "pw"),
            (JSON, r#"{"login":"iago","email":null,"password":"pw"}"#, &name, "pw"),
            (JSON, r#"{"login":"iago","password":1234}"#, &name, "1234"),
            ("Application/JSON ; charset=utf-8", r#"{"login":"iago","password":"pw"}"#, &name, "pw"),
        ] {
            check(content_type, body, who, password);
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let missing = |password, name| DecodeError::Missing { password, name };
        for (content_type, body, error) in [
            (FORM, "", missing(true, true)),
            (FORM, "login=iago", missing(true, false)),
            (FORM, "email=iago", missing(true, false)),
            (FORM, "password=pw", missing(false, true)),
            (FORM, "Login=iago&password=pw", missing(false, true)),
            (JSON, "", missing(true, true)),
            (JSON, "{}", missing(true, true)),
            (JSON, r#"{"login":null,"password":null}"#, missing(true, true)),
            (JSON, r#"{"login":"iago","password":["pw"]}"#, DecodeError::Invalid("password")),
            (JSON, r#"{"login":{},"password":"pw"}"#, DecodeError::Invalid("login")),
            (JSON, r#"{"email":true,"password":"pw"}"#, DecodeError::Invalid("email")),
            (JSON, "{", DecodeError::Malformed),
            (JSON, "[]", DecodeError::Malformed),
            (JSON, "login=iago&password=pw", DecodeError::Malformed),
            ("text/plain", "login=iago&password=pw", missing(true, true)),
            ("", "login=iago&password=pw", missing(true, true)),
        ] {
            assert_eq!(read(content_type, body), Err(error), "{content_type} {body}");
        }
    }

    #[test]
    fn error_tells_in_the_words_of_gitlab() {
        let name = "login, email are missing, at least one parameter must be provided";
        for (error, text) in [
            (DecodeError::Missing { password: true, name: false }, "password is missing".to_owned()),
            (DecodeError::Missing { password: false, name: true }, name.to_owned()),
            (DecodeError::Missing { password: true, name: true }, format!("password is missing, {name}")),
            (DecodeError::Invalid("login"), "login is invalid".to_owned()),
            (DecodeError::Malformed, "message body does not match declared format".to_owned()),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read(FORM, body.clone()), read(JSON, body));
        }

        #[test]
        fn printed_parameters_read_back(name in ".*", password in ".*") {
            let pairs = [("login", &name), ("password", &password)];
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            let json = serde_json::json!({ "login": name, "password": password }).to_string();
            for read in [read(FORM, form), read(JSON, json)] {
                let read = read.unwrap();
                prop_assert_eq!((&*read.who.typed(), read.password.expose()), (&*name, &*password));
            }
        }
    }
}
