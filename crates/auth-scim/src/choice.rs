//! The attributes that a client wants to see (RFC 7644, section 3.9).

use serde_json::{Map, Value};

use crate::name::{Name, key_of};

/// Attributes that every answer has.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// Which attributes are shown.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    only: Option<Vec<Name>>,
    without: Vec<Name>,
}

impl Choice {
    /// Reads the parameters `attributes` and `excludedAttributes`, lists with commas.
    pub(crate) fn new(only: Option<&str>, without: Option<&str>) -> Self {
        let names = |text: &str| text.split(',').filter_map(|name| Name::parse(name.trim())).collect();
        Self { only: only.map(names), without: without.map(names).unwrap_or_default() }
    }

    /// Whether an attribute is shown, whole or in part.
    pub(crate) fn shows(&self, attribute: &str) -> bool {
        let is_it = |name: &Name| name.attribute.eq_ignore_ascii_case(attribute);
        let is_chosen = self.only.as_ref().is_none_or(|only| only.iter().any(is_it));
        is_chosen && !self.without.iter().any(|name| is_it(name) && name.part.is_none())
    }

    /// The resource with what is to be shown of it.
    pub(crate) fn of(&self, resource: Map<String, Value>) -> Map<String, Value> {
        let mut shown = match &self.only {
            None => resource,
            Some(only) => {
                let mut shown = Map::new();
                for (name, value) in resource {
                    let mut named =
                        only.iter().filter(|wanted| wanted.attribute.eq_ignore_ascii_case(&name)).peekable();
                    if ALWAYS.contains(&name.as_str()) {
                        shown.insert(name, value);
                    } else if named.peek().is_some() {
                        let parts: Option<Vec<&str>> = named.map(|wanted| wanted.part.as_deref()).collect();
                        let value = parts.map_or(value.clone(), |parts| with_parts(value, &parts));
                        shown.insert(name, value);
                    }
                }
                shown
            }
        };
        for name in &self.without {
            let key = key_of(&shown, &name.attribute);
            match (&name.part, shown.get_mut(&key)) {
                (None, Some(_)) if !ALWAYS.contains(&key.as_str()) => drop(shown.remove(&key)),
                (Some(part), Some(value)) => each(value, &mut |object| {
                    let key = key_of(object, part);
                    object.remove(&key);
                }),
                _ => {}
            }
        }
        shown
    }
}

fn with_parts(mut value: Value, parts: &[&str]) -> Value {
    each(&mut value, &mut |object| {
        object.retain(|name, _| parts.iter().any(|part| part.eq_ignore_ascii_case(name)));
    });
    value
}

/// Does something with a complex value, or each of several.
fn each(value: &mut Value, act: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => act(object),
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, act)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_client_sees_what_it_asks_for() {
        let user = json!({
            "schemas": ["s"], "id": "1", "userName": "iago", "name": {"formatted": "I", "familyName": "M"},
            "emails": [{"value": "a", "type": "work"}],
        });
        for (only, without, expected) in [
            (None, None, user.clone()),
            (Some("username"), None, json!({"schemas": ["s"], "id": "1", "userName": "iago"})),
            (
                Some("name.familyName, emails.type"),
                None,
                json!({"schemas": ["s"], "id": "1", "name": {"familyName": "M"}, "emails": [{"type": "work"}]}),
            ),
            (Some("nickName"), None, json!({"schemas": ["s"], "id": "1"})),
            (
                None,
                Some("name,emails.value,id"),
                json!({"schemas": ["s"], "id": "1", "userName": "iago", "emails": [{"type": "work"}]}),
            ),
        ] {
            let choice = Choice::new(only, without);
            let shown = choice.of(user.as_object().unwrap().clone());
            assert_eq!(Value::Object(shown), expected, "{only:?} {without:?}");
        }
        let choice = Choice::new(None, Some("members"));
        assert!(!choice.shows("members") && choice.shows("displayName"));
    }
}
