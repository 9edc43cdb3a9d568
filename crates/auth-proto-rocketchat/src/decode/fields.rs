//! Parameters of calls, held to what each call takes (rocketchat.md 3.1). Mistakes are told as Rocket.Chat's own
//! validator words them.

use serde_json::{Map, Value};

/// The parameters of a call. There are secrets among them, so they are never shown.
#[derive(Clone, Default)]
pub struct Fields(Map<String, Value>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Fields {
    /// The parameters in a body as [`body`](super::body) reads it. `known` names those that the call takes.
    ///
    /// # Errors
    /// What is wrong with them.
    ///
    /// ```
    /// use auth_proto_rocketchat::decode::Fields;
    /// use serde_json::json;
    /// let fields = Fields::of(json!({"tokenName": "bot"}), &["tokenName", "bypassTwoFactor"]).unwrap();
    /// assert_eq!(fields.text("tokenName"), Ok("bot"));
    /// assert_eq!(fields.flag("bypassTwoFactor"), Ok(false));
    /// assert_eq!(fields.text("code").unwrap_err(), "must have required property 'code'");
    /// ```
    pub fn of(body: Value, known: &[&str]) -> Result<Self, String> {
        let Value::Object(fields) = body else { return Err("must be object".to_owned()) };
        if fields.keys().any(|key| !known.contains(&key.as_str())) {
            return Err("must NOT have additional properties".to_owned());
        }
        Ok(Self(fields))
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        self.optional_text(name)?.ok_or_else(|| format!("must have required property '{name}'"))
    }

    /// A text that may be there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err("must be string".to_owned()),
        }
    }

    /// A flag, off where it isn't there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn flag(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err("must be boolean".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_held_to_what_a_call_takes() {
        let check = |body: Value, expected: Result<(&str, bool), &str>| {
            let read = Fields::of(body.clone(), &["name", "flag"])
                .and_then(|fields| Ok((fields.text("name")?.to_owned(), fields.flag("flag")?)));
            let read = read.as_ref().map(|(name, flag)| (name.as_str(), *flag)).map_err(String::as_str);
            assert_eq!(read, expected, "{body}");
        };
        let missing = "must have required property 'name'";
        check(json!({"name": "a"}), Ok(("a", false)));
        check(json!({"name": "", "flag": true}), Ok(("", true)));
        check(json!({}), Err(missing));
        check(json!({"flag": true}), Err(missing));
        check(json!({"name": 7}), Err("must be string"));
        check(json!({"name": null}), Err("must be string"));
        check(json!({"name": "a", "flag": "true"}), Err("must be boolean"));
        check(json!({"name": "a", "more": 1}), Err("must NOT have additional properties"));
        check(json!([]), Err("must be object"));
        check(json!("name"), Err("must be object"));
    }

    #[test]
    fn values_are_never_shown() {
        let fields = Fields::of(json!({"secret": "hunter2"}), &["secret"]).unwrap();
        assert_eq!(format!("{fields:?}"), r#"["secret"]"#);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".*") {
            let fields = Fields::of(json!({"name": text}), &["name"]).unwrap();
            prop_assert_eq!(fields.text("name").unwrap(), text);
        }
    }
}
