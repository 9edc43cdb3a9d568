//! Parameters of calls, held to what each call takes.

use auth_core::{Identifier, ProtocolName};
use serde_json::{Map, Value};

use super::error::DecodeError;

/// The parameters of a call. There are secrets among them, so `Debug` shows the names alone.
#[derive(Clone, Default)]
pub struct Fields(Map<String, Value>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Fields {
    /// Takes the parameters in a body as [`body`](super::body()) reads it. `known` names those that the call
    /// takes.
    ///
    /// # Errors
    /// [`DecodeError::IllTyped`] when the body is no object or has other parameters.
    ///
    /// ```
    /// use auth_proto_rocketchat::decode::{DecodeError, Fields};
    /// use serde_json::json;
    /// let fields = Fields::of(json!({"tokenName": "bot"}), &["tokenName", "bypassTwoFactor"])?;
    /// assert_eq!(fields.text("tokenName")?, "bot");
    /// assert_eq!(fields.flag("bypassTwoFactor")?, false);
    /// let missing = DecodeError::IllTyped("must have required property 'code'".into());
    /// assert_eq!(fields.text("code"), Err(missing));
    /// # Ok::<_, DecodeError>(())
    /// ```
    pub fn of(body: Value, known: &[&str]) -> Result<Self, DecodeError> {
        let Value::Object(fields) = body else { return Err(DecodeError::ill_typed("must be object")) };
        if fields.keys().any(|key| !known.contains(&key.as_str())) {
            return Err(DecodeError::ill_typed("must NOT have additional properties"));
        }
        Ok(Self(fields))
    }

    /// A required text.
    ///
    /// # Errors
    /// [`DecodeError::IllTyped`] when the parameter is missing or no text.
    pub fn text(&self, name: &str) -> Result<&str, DecodeError> {
        self.optional_text(name)?.ok_or_else(|| DecodeError::missing(name))
    }

    /// Takes a parameter of any type out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// An optional text.
    ///
    /// # Errors
    /// [`DecodeError::IllTyped`] when the parameter is no text.
    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, DecodeError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(DecodeError::ill_typed("must be string")),
        }
    }

    /// An optional flag, off where it is missing.
    ///
    /// # Errors
    /// [`DecodeError::IllTyped`] when the parameter is no flag.
    pub fn flag(&self, name: &str) -> Result<bool, DecodeError> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(DecodeError::ill_typed("must be boolean")),
        }
    }

    /// The user that a call is about: `userId`, else the user name in `username` or `user`.
    pub(crate) fn user(&self) -> Result<Option<Identifier>, DecodeError> {
        if let Some(id) = self.optional_text("userId")? {
            return Ok(Some(Identifier::external(ProtocolName::ROCKETCHAT, id)));
        }
        let name = match self.optional_text("username")? {
            Some(name) => Some(name),
            None => self.optional_text("user")?,
        };
        Ok(name.map(Identifier::user_name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_held_to_what_a_call_takes() {
        let check = |body: Value, expected: Result<(&str, bool), &'static str>| {
            let read = Fields::of(body.clone(), &["name", "flag"])
                .and_then(|fields| Ok((fields.text("name")?.to_owned(), fields.flag("flag")?)));
            let read = read.as_ref().map(|(name, flag)| (name.as_str(), *flag));
            let expected = expected.map_err(DecodeError::ill_typed);
            assert_eq!(read, expected.as_ref().copied(), "{body}");
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
