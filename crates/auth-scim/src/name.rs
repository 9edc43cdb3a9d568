//! Names of attributes, which are the same in any case, with the schema before them or not.

use serde_json::{Map, Value};

use crate::schema::{GROUP, USER};

/// An attribute, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) attribute: String,
    pub(crate) part: Option<String>,
}

impl Name {
    /// Reads a name such as `name.familyName`; `None` where it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = without_schema(text);
        let (attribute, part) = match text.split_once('.') {
            Some((attribute, part)) => (attribute, Some(part)),
            None => (text, None),
        };
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'$' | b'-' | b'_'))
        };
        let is_good = is_name(attribute) && part.is_none_or(is_name);
        is_good.then(|| Self { attribute: attribute.to_owned(), part: part.map(str::to_owned) })
    }
}

/// The name without a schema before it.
pub(crate) fn without_schema(text: &str) -> &str {
    let strip = |schema: &str| {
        let before = text.get(..schema.len())?;
        before.eq_ignore_ascii_case(schema).then(|| text.get(schema.len() + 1..)).flatten()
    };
    strip(USER).or_else(|| strip(GROUP)).unwrap_or(text)
}

/// The member of that name, in whatever case it is written.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The name under which an object has a member, or would get it.
pub(crate) fn key_of(object: &Map<String, Value>, name: &str) -> String {
    let known = object.keys().find(|known| known.eq_ignore_ascii_case(name));
    known.cloned().unwrap_or_else(|| name.to_owned())
}
