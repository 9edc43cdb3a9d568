//! PHC strings, whatever the scheme: `$NAME$v=VERSION$KEY=VALUE,KEY=VALUE$SALT$TAG`.
//!
//! The specification gives each scheme an order of its parameters, which many libraries don't keep. So they are read in
//! any order. A parameter that the scheme doesn't know is an error: the hash depends on it.
//!
//! Source: <https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md>

use std::ops::RangeInclusive;

use data_encoding::BASE64_NOPAD;

use super::decimal::parse_decimal;
use super::error::StoredPasswordError;

/// A PHC string, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PhcString<'a> {
    /// The name of the scheme.
    pub(super) name: &'a str,
    /// The version, where the string has one.
    pub(super) version: Option<u32>,
    params: Vec<(&'a str, &'a str)>,
    salt: &'a str,
    tag: &'a str,
}

impl<'a> PhcString<'a> {
    /// Takes a string apart, which must have parameters, a salt and a tag.
    pub(super) fn parse(text: &'a str) -> Result<Self, StoredPasswordError> {
        Self::split(text).ok_or(StoredPasswordError::Malformed)
    }

    fn split(text: &'a str) -> Option<Self> {
        let mut fields = text.strip_prefix('$')?.split('$').peekable();
        let name = fields.next().filter(|name| is_name(name))?;
        let version = match fields.peek()?.strip_prefix("v=").filter(|rest| !rest.contains(',')) {
            Some(number) => {
                let number = parse_decimal(number)?;
                fields.next();
                Some(number)
            }
            None => None,
        };
        let mut params: Vec<(&str, &str)> = Vec::new();
        for pair in fields.next()?.split(',') {
            let (key, value) = pair.split_once('=').filter(|(key, value)| is_name(key) && is_value(value))?;
            if params.iter().any(|(known, _)| *known == key) {
                return None;
            }
            params.push((key, value));
        }
        match [fields.next(), fields.next(), fields.next()] {
            [Some(salt), Some(tag), None] => Some(Self { name, version, params, salt, tag }),
            _ => None,
        }
    }

    /// Takes a parameter out: what is left in the end means nothing to the scheme.
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.params.iter().position(|(known, _)| *known == key)?;
        Some(self.params.swap_remove(at).1)
    }

    /// A number that must be there.
    pub(super) fn number(&mut self, key: &str) -> Result<u32, StoredPasswordError> {
        self.take(key).and_then(parse_decimal).ok_or(StoredPasswordError::Malformed)
    }

    /// Bytes that may be missing, which means the same as none.
    pub(super) fn bytes(&mut self, key: &str) -> Result<Vec<u8>, StoredPasswordError> {
        decode(self.take(key).unwrap_or_default()).ok_or(StoredPasswordError::Malformed)
    }

    /// The salt and the tag, each of a length within its bounds, if no parameter is left.
    pub(super) fn finish(
        self,
        salt: RangeInclusive<usize>,
        tag: RangeInclusive<usize>,
    ) -> Result<(Vec<u8>, Vec<u8>), StoredPasswordError> {
        let within = |text, bounds: RangeInclusive<usize>| {
            decode(text).filter(|bytes| bounds.contains(&bytes.len())).ok_or(StoredPasswordError::Malformed)
        };
        if !self.params.is_empty() {
            return Err(StoredPasswordError::Malformed);
        }
        Ok((within(self.salt, salt)?, within(self.tag, tag)?))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_NOPAD.decode(text.as_bytes()).ok()
}

/// Whether a text may be the name of a scheme or of a parameter.
fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(is_of_name)
}

/// Whether a text may be the value of a parameter.
fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'.' | b'-'))
}
