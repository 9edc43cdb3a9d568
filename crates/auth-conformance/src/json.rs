//! Changes laid over a JSON value.

use serde_json::{Map, Value};

/// The text that removes a member in [`merge`].
pub(crate) const ABSENT: &str = "<absent>";

/// Sets the members of `changes` in `value`, at any depth; a member that is [`ABSENT`] is removed.
pub(crate) fn merge(value: &mut Value, changes: &Value) {
    let Value::Object(changes) = changes else {
        *value = changes.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(members) = value else { return };
    for (key, change) in changes {
        if change == ABSENT {
            members.remove(key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_set_and_removed_at_any_depth() {
        let mut value = json!({"a": {"b": 1, "c": 2}, "list": [1, 2]});
        merge(&mut value, &json!({"a": {"b": ABSENT, "d": {"e": 3}}, "list": [4]}));
        assert_eq!(value, json!({"a": {"c": 2, "d": {"e": 3}}, "list": [4]}));
        merge(&mut value, &json!({"list": {"b": ABSENT}}));
        assert_eq!(value["list"], json!({}));
    }
}
