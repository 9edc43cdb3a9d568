//! The parameters of a request: the form in its body, merged with the query string.

use std::fmt;
use std::mem;

use auth_core::Password;

use super::charset::Charset;
use super::error::DecodeError;
use super::field::Field;
use super::header::{HeaderError, Parameterised};
use super::{multipart, urlencoded};

/// The name of the parameter whose value is kept as a [`Password`].
const PASSWORD: &str = "password";

/// The parameters of a request. The body is looked up before the query, and the last value of a name counts.
///
/// ```
/// use auth_proto_zulip::decode::parameters::Parameters;
///
/// let form = Some("application/x-www-form-urlencoded");
/// let parameters = Parameters::read(b"a=1&b=2", form, b"a=3&a=4&c").unwrap();
/// assert_eq!(parameters.get("a"), Some("4"));
/// assert_eq!(parameters.get("b"), Some("2"));
/// assert_eq!(parameters.get("c"), Some(""));
/// assert_eq!(parameters.surplus(&["a"]), ["b", "c"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters<'a> {
    query: Vec<Field<'a>>,
    body: Vec<Field<'a>>,
    password: Option<Password>,
}

impl<'a> Parameters<'a> {
    /// Reads a query string and a body of the declared content type. A body of another type than the two forms
    /// is an empty form.
    ///
    /// # Errors
    /// [`DecodeError`] where Django refuses to read the request.
    pub fn read(query: &'a [u8], content_type: Option<&str>, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (mut query, mut body) = (urlencoded::decode(query)?, form(content_type, body)?);
        // The decoded text becomes the password, which is wiped: no field keeps a copy of it.
        let (of_body, of_query) = (take_last(&mut body, PASSWORD), take_last(&mut query, PASSWORD));
        let password = of_body.or(of_query);
        Ok(Self { query, body, password })
    }

    /// The value of a parameter other than the password.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.in_body(name).or_else(|| last(&self.query, name))
    }

    /// The value of a parameter other than the password, from the body alone.
    #[must_use]
    pub fn in_body(&self, name: &str) -> Option<&str> {
        last(&self.body, name)
    }

    /// The value of the parameter `password`.
    #[must_use]
    pub fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// The names that are neither `known` nor `client`, which is known everywhere: each once, sorted by code
    /// point.
    #[must_use]
    pub fn surplus(&self, known: &[&str]) -> Vec<&str> {
        let mut names: Vec<&str> = (self.query.iter().chain(&self.body))
            .map(|(name, _)| name.as_ref())
            .filter(|name| *name != "client" && !known.contains(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl fmt::Debug for Parameters<'_> {
    /// Names only: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |fields: &[Field<'_>]| fields.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        f.debug_struct("Parameters")
            .field("query", &names(&self.query))
            .field("body", &names(&self.body))
            .finish_non_exhaustive()
    }
}

/// Reads a body as a form.
///
/// # Errors
/// [`DecodeError`] where Django refuses to read the form.
pub fn form<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Vec<Field<'a>>, DecodeError> {
    let Some(content_type) = content_type else { return Ok(Vec::new()) };
    let declared = Parameterised::parse(content_type).map_err(|error| match error {
        HeaderError::Charset => DecodeError::Charset,
        HeaderError::Parts => DecodeError::Header,
    })?;
    match declared.value.as_str() {
        "application/x-www-form-urlencoded" => {
            if declared.has_foreign_charset() {
                return Err(DecodeError::Charset);
            }
            urlencoded::decode(body)
        }
        "multipart/form-data" => {
            // Django's parser of multipart forms is stricter than what leads to it.
            if !content_type.starts_with("multipart/") || !content_type.is_ascii() {
                return Err(DecodeError::Header);
            }
            let boundary = declared.parameter("boundary").ok_or(DecodeError::Boundary)?;
            multipart::decode(boundary, declared.charset().unwrap_or(Charset::Utf8), body)
        }
        _ => Ok(Vec::new()),
    }
}

fn last<'f>(fields: &'f [Field<'_>], wanted: &str) -> Option<&'f str> {
    fields.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_ref())
}

/// Empties every field of a name; gives the value of the last.
fn take_last(fields: &mut [Field<'_>], wanted: &str) -> Option<Password> {
    let values = fields.iter_mut().filter(|(name, _)| name == wanted);
    values.map(|(_, value)| Password::new(mem::take(value))).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_of_the_body_counts_before_that_of_the_query_and_the_last_before_others() {
        let form = Some("application/x-www-form-urlencoded");
        for (query, body, password) in [
            ("", "", None),
            ("password=a", "", Some("a")),
            ("password=a", "password=b", Some("b")),
            ("password=a", "password=b&password=c+%20", Some("c  ")),
            ("password=a", "password", Some("")),
        ] {
            let read = Parameters::read(query.as_bytes(), form, body.as_bytes()).unwrap();
            assert_eq!(read.password(), password.map(Password::new).as_ref(), "{query} {body}");
            assert_eq!(read.get("password").unwrap_or_default(), "", "no copy is kept");
        }
    }
}
