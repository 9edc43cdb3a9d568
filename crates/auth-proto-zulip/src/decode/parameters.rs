//! The parameters of a request: the form in its body, merged with the query string (zulip.md 1.3).

use std::fmt;

use super::header::Parameterised;
use super::{Malformed, multipart, urlencoded};

/// The most fields that a query, and the most that a form, may have.
pub const MAX_FIELDS: usize = 1000;

/// A name with its value.
pub type Field = (String, String);

/// The parameters of a request. The body is looked up before the query, and the last value of a name wins.
///
/// ```
/// use auth_proto_zulip::decode::parameters::Parameters;
/// let form = Some("application/x-www-form-urlencoded");
/// let parameters = Parameters::read(b"a=1&b=2", form, b"a=3&a=4&c").unwrap();
/// assert_eq!(parameters.get("a"), Some("4"));
/// assert_eq!(parameters.get("b"), Some("2"));
/// assert_eq!(parameters.get("c"), Some(""));
/// assert_eq!(parameters.surplus(&["a"]), ["b", "c"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    query: Vec<Field>,
    body: Vec<Field>,
}

impl Parameters {
    /// Reads a query string and a body of the declared content type. A body of another type than the two forms
    /// is an empty form.
    ///
    /// # Errors
    /// [`Malformed`] where Django refuses to read the request.
    pub fn read(query: &[u8], content_type: Option<&str>, body: &[u8]) -> Result<Self, Malformed> {
        Ok(Self { query: urlencoded::decode(query)?, body: form(content_type, body)? })
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.in_body(name).or_else(|| last(&self.query, name))
    }

    /// The value of a parameter, from the body alone.
    #[must_use]
    pub fn in_body(&self, name: &str) -> Option<&str> {
        last(&self.body, name)
    }

    /// The names that are neither `known` nor `client`, which is known everywhere: each once, sorted by code
    /// point.
    #[must_use]
    pub fn surplus(&self, known: &[&str]) -> Vec<&str> {
        let mut names: Vec<&str> = (self.query.iter().chain(&self.body))
            .map(|(name, _)| name.as_str())
            .filter(|name| *name != "client" && !known.contains(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl fmt::Debug for Parameters {
    /// Names only: values hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |fields: &[Field]| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        f.debug_struct("Parameters")
            .field("query", &names(&self.query))
            .field("body", &names(&self.body))
            .finish()
    }
}

/// Reads a body as a form.
///
/// # Errors
/// [`Malformed`] where Django refuses to read it.
pub fn form(content_type: Option<&str>, body: &[u8]) -> Result<Vec<Field>, Malformed> {
    let Some(declared) = content_type.map(Parameterised::parse) else { return Ok(Vec::new()) };
    match declared.value.as_str() {
        "application/x-www-form-urlencoded" => {
            if declared.has_foreign_charset() {
                return Err(Malformed::Charset);
            }
            urlencoded::decode(body)
        }
        "multipart/form-data" => {
            let boundary = declared.parameter("boundary").ok_or(Malformed::Boundary)?;
            multipart::decode(boundary, body)
        }
        _ => Ok(Vec::new()),
    }
}

fn last<'a>(fields: &'a [Field], wanted: &str) -> Option<&'a str> {
    fields.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}
