//! Filters (RFC 7644, section 3.4.2.2).
//!
//! ```text
//! or = and *("or" and)    and = term *("and" term)
//! term = ["not"] "(" or ")" / name "[" or "]" / name "pr" / name operator value
//! ```

use serde_json::{Map, Value};

use crate::error::Error;
use crate::name::{Name, member};

/// The longest filter, in bytes.
const LONGEST: usize = 2048;

/// How deep brackets may stand in each other.
const DEEPEST: u32 = 16;

/// A condition on a resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// One value of the attribute fulfils the condition.
    Within(Name, Box<Self>),
    Present(Name),
    Compare(Name, Operator, Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("eq", Operator::Equal),
    ("ne", Operator::NotEqual),
    ("co", Operator::Contains),
    ("sw", Operator::StartsWith),
    ("ew", Operator::EndsWith),
    ("gt", Operator::Greater),
    ("ge", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("le", Operator::LessOrEqual),
];

impl Filter {
    /// Reads a filter.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser { rest: text, depth: 0 };
        let filter = (text.len() <= LONGEST).then(|| parser.or()).flatten();
        match filter {
            Some(filter) if parser.rest.trim().is_empty() => Ok(filter),
            _ => Err(Error::bad("invalidFilter", "the filter can't be read")),
        }
    }

    /// Whether a resource, or one value of an attribute, fulfils the condition.
    pub(crate) fn matches(&self, value: &Value) -> bool {
        match self {
            Self::And(one, other) => one.matches(value) && other.matches(value),
            Self::Or(one, other) => one.matches(value) || other.matches(value),
            Self::Not(filter) => !filter.matches(value),
            Self::Within(name, filter) => values(value, name).iter().any(|value| filter.matches(value)),
            Self::Present(name) => values(value, name).iter().any(|value| is_present(value)),
            Self::Compare(name, operator, wanted) => {
                let values = values(value, name);
                let any = |operator| values.iter().any(|value| compare(name, value, operator, wanted));
                match operator {
                    Operator::NotEqual => !any(Operator::Equal),
                    operator => any(*operator),
                }
            }
        }
    }

    /// Whether the condition is about an attribute.
    pub(crate) fn names(&self, attribute: &str) -> bool {
        match self {
            Self::And(one, other) | Self::Or(one, other) => one.names(attribute) || other.names(attribute),
            Self::Not(filter) => filter.names(attribute),
            Self::Within(name, _) | Self::Present(name) | Self::Compare(name, _, _) => {
                name.attribute.eq_ignore_ascii_case(attribute)
            }
        }
    }

    /// The text that an attribute must be equal to, whatever else the filter asks for.
    pub(crate) fn equal_to(&self, attribute: &str, part: Option<&str>) -> Option<&str> {
        let is_same = |name: &Name| {
            let same_part = match (&name.part, part) {
                (Some(part), Some(wanted)) => part.eq_ignore_ascii_case(wanted),
                (None, _) => true,
                (Some(_), None) => false,
            };
            name.attribute.eq_ignore_ascii_case(attribute) && same_part
        };
        match self {
            Self::Compare(name, Operator::Equal, Value::String(text)) if is_same(name) => Some(text),
            Self::And(one, other) => {
                one.equal_to(attribute, part).or_else(|| other.equal_to(attribute, part))
            }
            _ => None,
        }
    }
}

/// The values that a name means in a resource: several of an attribute with many.
fn values<'a>(value: &'a Value, name: &Name) -> Vec<&'a Value> {
    let Value::Object(object) = value else { return Vec::new() };
    let found = member(object, &name.attribute);
    let all: Vec<&Value> = match found {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(other) => vec![other],
        None => Vec::new(),
    };
    match &name.part {
        Some(part) => all.into_iter().filter_map(|value| member(value.as_object()?, part)).collect(),
        None => all,
    }
}

/// What of a value is compared: the `value` of a complex one.
fn plain(value: &Value) -> &Value {
    let inner = |object: &'_ Map<String, Value>| object.contains_key("value");
    match value {
        Value::Object(object) if inner(object) => object.get("value").unwrap_or(value),
        other => other,
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(name: &Name, value: &Value, operator: Operator, wanted: &Value) -> bool {
    match (plain(value), wanted) {
        (Value::String(value), Value::String(wanted)) => {
            if name.attribute.eq_ignore_ascii_case("externalId") {
                return compare_texts(value, operator, wanted);
            }
            compare_texts(&value.to_lowercase(), operator, &wanted.to_lowercase())
        }
        (value, wanted) => operator == Operator::Equal && value == wanted,
    }
}

fn compare_texts(value: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Equal => value == wanted,
        Operator::NotEqual => value != wanted,
        Operator::Contains => value.contains(wanted),
        Operator::StartsWith => value.starts_with(wanted),
        Operator::EndsWith => value.ends_with(wanted),
        Operator::Greater => value > wanted,
        Operator::GreaterOrEqual => value >= wanted,
        Operator::Less => value < wanted,
        Operator::LessOrEqual => value <= wanted,
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl Parser<'_> {
    fn or(&mut self) -> Option<Filter> {
        let mut filter = self.and()?;
        while self.word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.and()?));
        }
        Some(filter)
    }

    fn and(&mut self) -> Option<Filter> {
        let mut filter = self.term()?;
        while self.word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.term()?));
        }
        Some(filter)
    }

    fn term(&mut self) -> Option<Filter> {
        let before = self.rest;
        let is_negated = self.word("not");
        if self.mark('(') {
            let filter = self.bracket(')')?;
            return Some(if is_negated { Filter::Not(Box::new(filter)) } else { filter });
        }
        // An attribute may be called so.
        self.rest = before.trim_start();
        let end = self.rest.find([' ', '[', ')', ']'])?;
        let (name, rest) = self.rest.split_at_checked(end)?;
        let name = Name::parse(name)?;
        self.rest = rest;
        if self.mark('[') {
            return Some(Filter::Within(name, Box::new(self.bracket(']')?)));
        }
        if self.word("pr") {
            return Some(Filter::Present(name));
        }
        let (_, operator) = OPERATORS.into_iter().find(|(word, _)| self.word(word))?;
        Some(Filter::Compare(name, operator, self.value()?))
    }

    fn bracket(&mut self, end: char) -> Option<Filter> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let filter = self.or()?;
        self.depth -= 1;
        self.mark(end).then_some(filter)
    }

    /// A value as JSON has it.
    fn value(&mut self) -> Option<Value> {
        let text = self.rest.trim_start();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        // A word such as `true)` is followed by what is no part of it.
        let value = match text.bytes().next()? {
            b'"' => values.next()?.ok()?,
            _ => {
                let end = text.find([' ', ')', ']']).unwrap_or(text.len());
                let (word, rest) = text.split_at_checked(end)?;
                self.rest = rest;
                let value: Value = serde_json::from_str(&word.to_ascii_lowercase()).ok()?;
                return (!value.is_array() && !value.is_object()).then_some(value);
            }
        };
        self.rest = text.get(values.byte_offset()..)?;
        Some(value)
    }

    /// Takes a word, in any case.
    fn word(&mut self, word: &str) -> bool {
        let text = self.rest.trim_start();
        let Some((found, rest)) = text.split_at_checked(word.len()) else { return false };
        let is_end = rest.is_empty() || rest.starts_with([' ', '(', ')', ']']);
        let is_there = found.eq_ignore_ascii_case(word) && is_end;
        if is_there {
            self.rest = rest;
        }
        is_there
    }

    fn mark(&mut self, mark: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_match_what_they_say() {
        let user = json!({
            "userName": "Iago",
            "externalId": "A1",
            "active": true,
            "name": {"familyName": "Moor"},
            "emails": [{"value": "iago@zulip.com", "type": "work"}, {"value": "i@example.org", "type": "home"}],
            "meta": {"created": "2026-01-02T00:00:00Z"},
            "groups": [],
        });
        for (filter, expected) in [
            ("userName eq \"iago\"", true),
            ("USERNAME EQ \"IAGO\"", true),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"iago\"", true),
            ("userName ne \"iago\"", false),
            ("nickName ne \"x\"", true),
            ("externalId eq \"a1\"", false),
            ("externalId eq \"A1\"", true),
            ("userName sw \"ia\" and active eq true", true),
            ("userName sw \"ia\" and active eq false", false),
            ("userName eq \"x\" or name.familyName co \"oo\"", true),
            ("userName eq \"x\" or userName eq \"iago\" and active eq false", false),
            ("(userName eq \"x\" or userName eq \"iago\") and active eq True", true),
            ("not (userName eq \"iago\")", false),
            ("not(active eq false)", true),
            ("emails eq \"i@example.org\"", true),
            ("emails.value ew \"zulip.com\"", true),
            ("emails[type eq \"work\" and value co \"example\"]", false),
            ("emails[type eq \"home\" and value co \"example\"]", true),
            ("emails.type eq \"work\" and emails.value co \"example\"", true),
            ("name.familyName pr", true),
            ("groups pr", false),
            ("nickName pr", false),
            ("meta.created gt \"2026-01-01T00:00:00Z\"", true),
            ("meta.created lt \"2026-01-01T00:00:00Z\"", false),
            ("userName eq \"a \\\" or active eq true\"", false),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().matches(&user), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = |count: usize| format!("{}active pr{}", "(".repeat(count), ")".repeat(count));
        assert!(Filter::parse(&deep(16)).is_ok());
        for text in [
            "",
            "userName",
            "userName eq",
            "userName eq iago",
            "userName is \"iago\"",
            "userName eq \"iago\" and",
            "userName eq \"iago\" active pr",
            "userName eq \"iago",
            "userName eq [1]",
            "(userName pr",
            "userName pr)",
            "emails[value pr",
            "user name pr",
            "\u{e9} pr",
            deep(17).as_str(),
            deep(2000).as_str(),
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_must_be_equal_is_found() {
        let filter = |text| Filter::parse(text).unwrap();
        let one = filter("active eq true and userName eq \"iago\"");
        assert_eq!(one.equal_to("userName", None), Some("iago"));
        assert_eq!(one.equal_to("externalId", None), None);
        assert_eq!(filter("emails.value eq \"a\"").equal_to("emails", Some("value")), Some("a"));
        assert_eq!(filter("emails.type eq \"a\"").equal_to("emails", Some("value")), None);
        for text in ["userName eq \"a\" or active pr", "not (userName eq \"a\")", "userName sw \"a\""] {
            assert_eq!(filter(text).equal_to("userName", None), None, "{text}");
        }
    }
}
