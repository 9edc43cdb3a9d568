//! Distinguished names, compared as servers compare them.
//!
//! One name has many spellings: `cn=Admins\, IT,dc=x` and `CN=admins\2C it, DC=X` are the same
//! ([RFC 4514](https://www.rfc-editor.org/rfc/rfc4514), [RFC 4517, section 4.2.15](https://www.rfc-editor.org/rfc/rfc4517)).
//! The schema of the server isn't known here. So values are compared by `caseIgnoreMatch`, the rule of every attribute that
//! names are usually made of.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER_PERMISSIVE;

mod value;

use value::AttributeValue;

/// Names of attributes that are the same, the short one first (RFC 4514, section 3; RFC 4519).
const ATTRIBUTE_NAMES: [&[&str]; 16] = [
    &["cn", "commonname", "2.5.4.3"],
    &["sn", "surname", "2.5.4.4"],
    &["c", "countryname", "2.5.4.6"],
    &["l", "localityname", "2.5.4.7"],
    &["st", "stateorprovincename", "2.5.4.8"],
    &["street", "streetaddress", "2.5.4.9"],
    &["o", "organizationname", "2.5.4.10"],
    &["ou", "organizationalunitname", "2.5.4.11"],
    &["title", "2.5.4.12"],
    &["givenname", "gn", "2.5.4.42"],
    &["serialnumber", "2.5.4.5"],
    &["initials", "2.5.4.43"],
    &["dc", "domaincomponent", "0.9.2342.19200300.100.1.25"],
    &["uid", "userid", "0.9.2342.19200300.100.1.1"],
    &["mail", "rfc822mailbox", "0.9.2342.19200300.100.1.3"],
    &["email", "emailaddress", "e", "1.2.840.113549.1.9.1"],
];

/// A distinguished name in a form that is equal for all spellings of one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Dn(Vec<BTreeSet<(String, AttributeValue)>>);

impl Dn {
    /// Parses a distinguished name. Reads the older forms as well that RFC 2253 asks for: values in quotation marks,
    /// semicolons between parts, spaces around separators. `None` for text that is no distinguished name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        parser.skip_spaces();
        let mut parts = Vec::new();
        if parser.rest.is_empty() {
            return Some(Self(parts));
        }
        loop {
            parts.push(parser.part()?);
            match parser.next() {
                None => return Some(Self(parts)),
                Some(',' | ';') => parser.skip_spaces(),
                Some(_) => return None,
            }
        }
    }
}

/// A value to compare that usually is a distinguished name, such as that of `memberOf`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum GroupName {
    /// The name of an entry.
    Entry(Dn),
    /// Another text, without regard to case and surrounding spaces.
    Text(String),
}

impl GroupName {
    pub(crate) fn of(text: &str) -> Self {
        match Dn::parse(text) {
            Some(dn) if !dn.0.is_empty() => Self::Entry(dn),
            _ => Self::Text(text.trim().to_lowercase()),
        }
    }
}

/// Whether a value of an attribute is an expected one: the same text, or the same distinguished name.
pub(crate) fn is_same_value(value: &str, expected: &str) -> bool {
    value == expected
        || Dn::parse(expected).is_some_and(|dn| !dn.0.is_empty() && Dn::parse(value) == Some(dn))
}

/// Whether an entry is another one or lies below it.
pub(crate) fn is_below(entry: &str, base: &str) -> bool {
    match (Dn::parse(entry), Dn::parse(base)) {
        (Some(Dn(entry)), Some(Dn(base))) => entry.ends_with(&base),
        _ => false,
    }
}

/// What is left of a text.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = self.rest.get(next.len_utf8()..)?;
        Some(next)
    }

    fn skip(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
    }

    /// One part of the name: one attribute and value, or several with `+` in between.
    fn part(&mut self) -> Option<BTreeSet<(String, AttributeValue)>> {
        let mut pairs = BTreeSet::new();
        loop {
            self.skip_spaces();
            let attribute = self.attribute()?;
            self.skip_spaces();
            if !self.skip('=') {
                return None;
            }
            self.skip_spaces();
            pairs.insert((attribute, self.value()?));
            self.skip_spaces();
            if !self.skip('+') {
                return Some(pairs);
            }
        }
    }

    fn attribute(&mut self) -> Option<String> {
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        let end = self.rest.find(|letter| !is_of_name(letter)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("oid.").unwrap_or(&name);
        let known = ATTRIBUTE_NAMES.iter().find(|names| names.contains(&name));
        let name = known.and_then(|names| names.first()).copied().unwrap_or(name);
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn value(&mut self) -> Option<AttributeValue> {
        if self.skip('#') {
            let end = self.rest.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
            return (!bytes.is_empty()).then(|| AttributeValue::of_ber(bytes));
        }
        let is_quoted = self.skip('"');
        let mut bytes = Vec::new();
        // What is kept when spaces before a separator are cut off: spaces that are escaped stay.
        let mut kept = 0;
        loop {
            let Some(letter) = self.rest.chars().next() else {
                if is_quoted {
                    return None;
                }
                break;
            };
            match letter {
                '"' if is_quoted => {
                    self.skip('"');
                    kept = bytes.len();
                    break;
                }
                ',' | ';' | '+' if !is_quoted => break,
                '\\' => {
                    self.skip('\\');
                    self.escaped(&mut bytes)?;
                    kept = bytes.len();
                }
                _ => {
                    self.next();
                    bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                    if letter != ' ' {
                        kept = bytes.len();
                    }
                }
            }
        }
        bytes.truncate(kept);
        Some(AttributeValue::of_bytes(bytes))
    }

    /// What follows a backslash: a byte in hexadecimal, or a letter that stands for itself.
    fn escaped(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        if let Some((digits, rest)) = self.rest.split_at_checked(2)
            && let Ok(byte) = HEXLOWER_PERMISSIVE.decode(digits.as_bytes())
        {
            self.rest = rest;
            bytes.extend(byte);
            return Some(());
        }
        let letter = self.next()?;
        if !matches!(letter, '"' | '+' | ',' | ';' | '<' | '>' | ' ' | '#' | '=' | '\\') {
            return None;
        }
        bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes());
        Some(())
    }
}

#[cfg(test)]
mod tests;
