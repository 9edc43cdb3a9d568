//! Patches (RFC 7644, section 3.5.2) of resources as documents.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::filter::Filter;
use crate::name::{Name, key_of, member, without_schema};

/// The most operations of a patch.
const MOST: usize = 1000;

/// Attributes with many values.
const MANY: [&str; 3] = ["emails", "groups", "members"];

/// Where an operation works.
struct Path {
    name: Name,
    /// Which values of the attribute are meant.
    filter: Option<Filter>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Add,
    Replace,
    Remove,
}

/// Changes a resource as the body of a request says.
pub(crate) fn apply(resource: &mut Map<String, Value>, body: &Map<String, Value>) -> Result<(), Error> {
    let operations = member(body, "Operations").and_then(Value::as_array);
    let operations = operations.filter(|operations| (1..=MOST).contains(&operations.len()));
    let operations = operations
        .ok_or_else(|| Error::bad("invalidSyntax", format!("`Operations` is not a list of 1 to {MOST}")))?;
    for operation in operations {
        let operation =
            operation.as_object().ok_or_else(|| Error::bad("invalidSyntax", "an operation is no object"))?;
        let kind =
            match member(operation, "op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
                Some("add") => Kind::Add,
                Some("replace") => Kind::Replace,
                Some("remove") => Kind::Remove,
                _ => return Err(Error::bad("invalidSyntax", "`op` is neither add, replace nor remove")),
            };
        let value = member(operation, "value");
        match member(operation, "path") {
            None | Some(Value::Null) => apply_whole(resource, kind, value)?,
            Some(Value::String(path)) => apply_at(resource, kind, &Path::parse(path)?, value)?,
            Some(_) => return Err(Error::bad("invalidPath", "`path` is no text")),
        }
    }
    Ok(())
}

impl Path {
    fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or_else(|| Error::bad("invalidPath", "the path can't be read"))
    }

    fn read(text: &str) -> Option<Self> {
        let text = without_schema(text);
        let Some((attribute, rest)) = text.split_once('[') else {
            return Some(Self { name: Name::parse(text)?, filter: None });
        };
        let (filter, rest) = rest.rsplit_once(']')?;
        let name = Name::parse(&format!("{attribute}{rest}"))
            .filter(|_| rest.is_empty() || rest.starts_with('.'))?;
        Some(Self { name, filter: Some(Filter::parse(filter).ok()?) })
    }
}

/// An operation without a path: its value has members, each of which is a path.
fn apply_whole(resource: &mut Map<String, Value>, kind: Kind, value: Option<&Value>) -> Result<(), Error> {
    if kind == Kind::Remove {
        return Err(Error::bad("noTarget", "what is to be removed is not named"));
    }
    let members = value.and_then(Value::as_object);
    let members = members.ok_or_else(|| Error::invalid_value("the value has no attributes"))?;
    for (name, value) in members.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
        // What this server doesn't know is another schema's.
        if let Some(path) = Path::read(name) {
            apply_at(resource, kind, &path, Some(value))?;
        }
    }
    Ok(())
}

fn apply_at(
    resource: &mut Map<String, Value>,
    kind: Kind,
    path: &Path,
    value: Option<&Value>,
) -> Result<(), Error> {
    let key = key_of(resource, &path.name.attribute);
    if kind == Kind::Remove {
        return remove(resource, &key, path, value);
    }
    let value = value.ok_or_else(|| Error::invalid_value("the operation has no value"))?;
    if path.filter.is_some() {
        return put_into_matching(resource, &key, path, kind, value);
    }
    if let Some(part) = &path.name.part {
        match resource.entry(key).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(object) => put(object, part, value),
            Value::Array(items) => {
                for object in items.iter_mut().filter_map(Value::as_object_mut) {
                    put(object, part, value);
                }
            }
            _ => return Err(Error::bad("invalidPath", "the attribute has no parts")),
        }
        return Ok(());
    }
    let is_of_many = MANY.iter().any(|name| name.eq_ignore_ascii_case(&key));
    match resource.get_mut(&key) {
        Some(Value::Array(items)) if kind == Kind::Add => add_values(items, value),
        Some(Value::Object(object)) if value.is_object() => {
            for (name, value) in value.as_object().into_iter().flatten() {
                put(object, name, value);
            }
        }
        _ => {
            let value = if is_of_many && !value.is_array() {
                Value::Array(vec![value.clone()])
            } else {
                value.clone()
            };
            resource.insert(key, value);
        }
    }
    Ok(())
}

fn remove(
    resource: &mut Map<String, Value>,
    key: &str,
    path: &Path,
    value: Option<&Value>,
) -> Result<(), Error> {
    let is_meant = |item: &Value| match (&path.filter, value) {
        (Some(filter), _) => filter.matches(item),
        // Some clients name the values beside the path.
        (None, Some(Value::Array(named))) if path.name.part.is_none() => {
            named.iter().any(|named| is_same(named, item))
        }
        (None, _) => true,
    };
    let Some(found) = resource.get_mut(key) else {
        return match path.filter {
            Some(_) => Err(Error::bad("noTarget", "no value fulfils the condition of the path")),
            None => Ok(()),
        };
    };
    match (found, &path.name.part) {
        (Value::Array(items), None) => items.retain(|item| !is_meant(item)),
        (Value::Array(items), Some(part)) => {
            for object in items.iter_mut().filter(|item| is_meant(item)).filter_map(Value::as_object_mut) {
                let key = key_of(object, part);
                object.remove(&key);
            }
        }
        (Value::Object(object), Some(part)) => {
            let key = key_of(object, part);
            object.remove(&key);
        }
        (_, _) => drop(resource.remove(key)),
    }
    Ok(())
}

/// Puts a value into those of an attribute that fulfil the condition of a path.
fn put_into_matching(
    resource: &mut Map<String, Value>,
    key: &str,
    path: &Path,
    kind: Kind,
    value: &Value,
) -> Result<(), Error> {
    let Path { name, filter: Some(filter) } = path else { return Ok(()) };
    if !resource.contains_key(key) {
        resource.insert(key.to_owned(), Value::Array(Vec::new()));
    }
    let items = resource.get_mut(key).and_then(Value::as_array_mut);
    let items = items.ok_or_else(|| Error::bad("invalidPath", "the attribute has one value alone"))?;
    let mut is_found = false;
    for item in items.iter_mut().filter(|item| filter.matches(item)) {
        is_found = true;
        match (item, &name.part) {
            (Value::Object(object), Some(part)) => put(object, part, value),
            (Value::Object(object), None) if value.is_object() => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    put(object, name, value);
                }
            }
            (item, _) => *item = value.clone(),
        }
    }
    if is_found {
        return Ok(());
    }
    // `add` to `emails[type eq "work"].value` makes the value that is not there.
    match (kind, &name.part) {
        (Kind::Add, Some(part)) => {
            items.push(Value::Object(Map::from_iter([(part.clone(), value.clone())])));
            Ok(())
        }
        _ => Err(Error::bad("noTarget", "no value fulfils the condition of the path")),
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: &Value) {
    let key = key_of(object, name);
    object.insert(key, value.clone());
}

/// Adds one value or several to those that are there, each once.
fn add_values(items: &mut Vec<Value>, value: &Value) {
    let new = match value {
        Value::Array(new) => new.as_slice(),
        one => std::slice::from_ref(one),
    };
    for value in new {
        if !items.iter().any(|item| is_same(item, value)) {
            // A client that adds a first value among several means that one.
            let is_first = value.get("primary").and_then(Value::as_bool) == Some(true);
            items.insert(if is_first { 0 } else { items.len() }, value.clone());
        }
    }
}

/// Whether two values are the same one.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.get("value"), other.get("value")) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(resource: &Value, operations: Value) -> Result<Value, Value> {
        let mut resource = resource.as_object().unwrap().clone();
        let body = json!({"Operations": operations});
        apply(&mut resource, body.as_object().unwrap())
            .map_err(|error| error.document()["scimType"].clone())?;
        Ok(Value::Object(resource))
    }

    #[test]
    fn patches_change_what_they_name() {
        let group = json!({"displayName": "staff", "members": [{"value": "1"}, {"value": "2"}], "name": {"formatted": "I"}});
        let with = |name: &str, value: Value| {
            let mut group = group.clone();
            group[name] = value;
            group
        };
        for (operation, expected) in [
            (json!({"op": "replace", "path": "displayName", "value": "x"}), with("displayName", json!("x"))),
            (json!({"op": "Replace", "value": {"displayname": "x"}}), with("displayName", json!("x"))),
            (
                json!({"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:name.formatted": "x"}}),
                with("name", json!({"formatted": "x"})),
            ),
            (
                json!({"op": "add", "path": "members", "value": [{"value": "2"}, {"value": "3"}]}),
                with("members", json!([{"value": "1"}, {"value": "2"}, {"value": "3"}])),
            ),
            (json!({"op": "add", "path": "members", "value": {"value": "2"}}), group.clone()),
            (
                json!({"op": "remove", "path": "members[value eq \"1\"]"}),
                with("members", json!([{"value": "2"}])),
            ),
            (
                json!({"op": "remove", "path": "members", "value": [{"value": "2"}]}),
                with("members", json!([{"value": "1"}])),
            ),
            (json!({"op": "remove", "path": "members"}), with("members", json!([]))),
            (json!({"op": "replace", "path": "members", "value": []}), with("members", json!([]))),
            (
                json!({"op": "add", "path": "name.familyName", "value": "M"}),
                with("name", json!({"formatted": "I", "familyName": "M"})),
            ),
            (
                json!({"op": "add", "path": "name", "value": {"formatted": "J"}}),
                with("name", json!({"formatted": "J"})),
            ),
            (
                json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": "a"}),
                with("emails", json!([{"value": "a"}])),
            ),
        ] {
            assert_eq!(patched(&group, json!([operation])), Ok(expected), "{operation}");
        }
    }

    #[test]
    fn what_is_no_patch_is_refused_by_its_kind() {
        let user = json!({"userName": "iago", "emails": [{"value": "a"}]});
        for (operations, expected) in [
            (json!([]), "invalidSyntax"),
            (json!("x"), "invalidSyntax"),
            (json!([1]), "invalidSyntax"),
            (json!([{"op": "move", "path": "userName", "value": "x"}]), "invalidSyntax"),
            (json!([{"op": "remove"}]), "noTarget"),
            (json!([{"op": "replace", "path": "emails[value eq \"b\"].type", "value": "x"}]), "noTarget"),
            (json!([{"op": "replace", "path": "emails[value eq", "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": "emails[value pr]x", "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": 1, "value": "x"}]), "invalidPath"),
            (json!([{"op": "add", "path": "userName.x", "value": "x"}]), "invalidPath"),
            (json!([{"op": "add", "path": "userName"}]), "invalidValue"),
            (json!([{"op": "add", "value": "x"}]), "invalidValue"),
        ] {
            assert_eq!(patched(&user, operations.clone()), Err(json!(expected)), "{operations}");
        }
    }
}
