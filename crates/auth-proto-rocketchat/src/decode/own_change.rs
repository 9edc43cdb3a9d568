//! The body of `users.updateOwnBasicInfo`.

use std::fmt;

use auth_core::{FactorMethod, OneTimeCode, Password, PresentedFactor};
use serde_json::Value;

use super::error::DecodeError;
use super::fields::Fields;

/// The keys of `data` that the call takes. Clients send all of their form, also what has not changed.
const KEYS: [&str; 10] = [
    "email",
    "name",
    "username",
    "nickname",
    "bio",
    "statusText",
    "statusType",
    "currentPassword",
    "newPassword",
    "phones",
];

/// What a user wants changed. An empty text changes nothing, as in Rocket.Chat.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnChange {
    /// The user name.
    pub user_name: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The address.
    pub address: Option<String>,
    /// The password.
    pub new_password: Option<String>,
    /// The present password: SHA-256 of it in hexadecimal, or itself.
    pub present_password: Option<String>,
}

impl fmt::Debug for OwnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnChange").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

impl OwnChange {
    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::IllTyped`] when the body has no `data`, other keys, or values of other types.
    ///
    /// ```
    /// use auth_proto_rocketchat::decode::OwnChange;
    /// use serde_json::json;
    /// let change = OwnChange::of(json!({"data": {"username": "ada", "name": "Ada"}})).unwrap();
    /// assert_eq!((change.user_name.as_deref(), change.new_password), (Some("ada"), None));
    /// ```
    pub fn of(body: Value) -> Result<Self, DecodeError> {
        let mut outer = Fields::of(body, &["data", "customFields"])?;
        let data = outer.take("data").ok_or_else(|| DecodeError::missing("data"))?;
        let mut data = Fields::of(data, &KEYS)?;
        let mut text = |name| match data.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(DecodeError::ill_typed("must be string")),
        };
        Ok(Self {
            user_name: text("username")?,
            full_name: text("name")?,
            address: text("email")?,
            new_password: text("newPassword")?,
            present_password: text("currentPassword")?,
        })
    }
}

/// The present password as a second factor: clients send its SHA-256, programs the password itself.
pub(crate) fn password_factor(present: &str) -> PresentedFactor {
    let is_digest = present.len() == 64 && present.bytes().all(|byte| byte.is_ascii_hexdigit());
    PresentedFactor {
        method: Some(FactorMethod::Password),
        code: is_digest.then(|| OneTimeCode::new(present)),
        password: (!is_digest).then(|| Password::new(present)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn body_is_held_to_what_the_call_takes() {
        let check = |body: Value, expected: Result<(Option<&str>, Option<&str>), &'static str>| {
            let read = OwnChange::of(body.clone());
            let read = read.as_ref().map(|read| (read.user_name.as_deref(), read.new_password.as_deref()));
            assert_eq!(read, expected.map_err(DecodeError::ill_typed).as_ref().copied(), "{body}");
        };
        check(json!({"data": {"username": "ada"}}), Ok((Some("ada"), None)));
        check(json!({"data": {"newPassword": "x", "bio": "b"}, "customFields": {}}), Ok((None, Some("x"))));
        check(json!({"data": {"username": "", "newPassword": null}}), Ok((None, None)));
        check(json!({"data": {}}), Ok((None, None)));
        check(json!({}), Err("must have required property 'data'"));
        check(json!({"data": "ada"}), Err("must be object"));
        check(json!({"data": {"username": 7}}), Err("must be string"));
        check(json!({"data": {"roles": ["admin"]}}), Err("must NOT have additional properties"));
        check(json!({"userId": "x", "data": {}}), Err("must NOT have additional properties"));
        check(json!([]), Err("must be object"));
    }

    #[test]
    fn new_password_is_never_shown() {
        let change = OwnChange::of(json!({"data": {"newPassword": "hunter2"}})).unwrap();
        assert!(!format!("{change:?}").contains("hunter2"));
    }
}
