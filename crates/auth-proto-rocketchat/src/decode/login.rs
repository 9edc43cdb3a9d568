//! Log-in forms (rocketchat.md 1.2, 1.3): first the rewriting that the REST route does, then the form that the
//! accounts layer finds. Values are true or false as JavaScript takes them.

use auth_core::{Identifier, LoginMethod, OneTimeCode, Password, PasswordDigest, Token};
use serde_json::{Map, Value};

/// A log-in that can be judged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginForm {
    /// What is offered to be let in.
    pub proof: LoginMethod,
    /// The code of a second factor, where one came along.
    pub code: Option<OneTimeCode>,
}

/// Why a body holds no log-in that can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the accounts layer either passes a body over or chokes on it")]
pub enum DecodeError {
    /// No form that this server knows: looks like any wrong password.
    Unrecognised,
    /// A form of the wrong types, and what is wrong with it.
    IllTyped(&'static str),
}

/// Finds the log-in form in a body.
///
/// `header_code` is the value of `x-2fa-code`, used where the body has no code. The form for directories is an
/// ordinary password: who knows it is the order of the realm's backends.
///
/// # Errors
/// A [`DecodeError`] when there is none that can be judged.
///
/// ```
/// use auth_proto_rocketchat::decode::{DecodeError, login_form};
/// use serde_json::json;
/// assert!(login_form(json!({"user": "myusername", "password": "guess"}), None).is_ok());
/// assert_eq!(login_form(json!({"user": "myusername"}), None).unwrap_err(), DecodeError::Unrecognised);
/// ```
pub fn login_form(body: Value, header_code: Option<&str>) -> Result<LoginForm, DecodeError> {
    let Value::Object(body) = body else { return Err(DecodeError::IllTyped("must be object")) };
    recognise(rewrite(body, header_code)?)
}

/// Finds the log-in in a form that goes to the accounts layer as it is: the parameter of DDP's `login`.
///
/// # Errors
/// A [`DecodeError`] when there is none that can be judged.
///
/// ```
/// use auth_proto_rocketchat::decode::accounts_form;
/// use serde_json::json;
/// assert!(accounts_form(json!({"user": {"username": "myusername"}, "password": "guess"})).is_ok());
/// assert!(accounts_form(json!({"user": "myusername", "password": "guess"})).is_err());
/// ```
pub fn accounts_form(form: Value) -> Result<LoginForm, DecodeError> {
    let Value::Object(form) = form else { return Err(DecodeError::IllTyped("must be object")) };
    recognise(form)
}

/// Puts the short forms `{user, password, code}` into the accounts layer's own (rocketchat.md 1.2); anything
/// else stays as it is. Whether the directory is asked for them is the order of the realm's backends.
fn rewrite(
    mut body: Map<String, Value>,
    header_code: Option<&str>,
) -> Result<Map<String, Value>, DecodeError> {
    const KEYS: [&str; 5] = ["user", "username", "email", "password", "code"];

    let has_password = body.get("password").is_some_and(|password| !password.is_null());
    if !has_password || body.keys().any(|key| !KEYS.contains(&key.as_str())) {
        return Ok(body);
    }
    let Some((kind, name)) = named(&body) else { return Ok(body) };

    let password = body.remove("password").unwrap_or_default();
    if password.get("hashed").is_some_and(truthy) {
        // The typings offer it, but the real server compares the whole object: it never matches.
        return Err(DecodeError::Unrecognised);
    }
    let user = Value::Object(object([(kind, name)]));
    let login = object([("user", user), ("password", password)]);
    let code = body.remove("code").filter(truthy).or_else(|| header_code.map(Value::from));
    let Some(code) = code else { return Ok(login) };
    let totp = object([("code", code), ("login", Value::Object(login))]);
    Ok(object([("totp", Value::Object(totp))]))
}

/// Who a short form names. Only `user` is looked at for an `@`.
fn named(body: &Map<String, Value>) -> Option<(&'static str, Value)> {
    if let Some(Value::String(user)) = body.get("user") {
        let kind = if user.contains('@') { "email" } else { "username" };
        return Some((kind, Value::from(user.as_str())));
    }
    ["username", "email"]
        .into_iter()
        .find_map(|kind| body.get(kind).filter(|name| truthy(name)).map(|name| (kind, name.clone())))
}

/// Finds the accounts layer's form (rocketchat.md 1.3), in the order in which its handlers are asked.
fn recognise(mut form: Map<String, Value>) -> Result<LoginForm, DecodeError> {
    if let Some(token) = form.remove("resume").filter(truthy) {
        let Value::String(token) = token else { return Err(DecodeError::IllTyped("resume must be string")) };
        return Ok(LoginForm { proof: LoginMethod::Resume(Token::new(token)), code: None });
    }
    if form.get("password").is_some_and(truthy) {
        return Ok(LoginForm { proof: password_form(form)?, code: None });
    }
    if let Some(Value::Object(mut totp)) = form.remove("totp")
        && let Some(code) = totp.remove("code").filter(truthy)
    {
        let Some(Value::Object(login)) = totp.remove("login") else {
            return Err(DecodeError::IllTyped("totp.login must be object"));
        };
        let inner = recognise(login)?;
        return Ok(LoginForm { code: Some(one_time_code(code)), ..inner });
    }
    if form.get("ldap").is_some_and(truthy) && form.get("ldapOptions").is_some_and(truthy) {
        return Ok(LoginForm { proof: directory_form(form)?, code: None });
    }
    Err(DecodeError::Unrecognised)
}

/// `{user: {…}, password: "…" | {digest, algorithm}}`; a `code` beside them is allowed and not looked at.
fn password_form(mut form: Map<String, Value>) -> Result<LoginMethod, DecodeError> {
    if form.keys().any(|key| !["user", "password", "code"].contains(&key.as_str())) {
        return Err(DecodeError::IllTyped("must NOT have additional properties"));
    }
    if form.get("code").is_some_and(|code| code.as_str().is_none_or(str::is_empty)) {
        return Err(DecodeError::IllTyped("code must be a non-empty string"));
    }
    let user = form.remove("user").ok_or(DecodeError::IllTyped("must have required property 'user'"))?;
    let who = wrapped(user)?;
    match form.remove("password") {
        Some(Value::String(password)) => Ok(LoginMethod::Password { who, password: Password::new(password) }),
        Some(Value::Object(mut digested)) => {
            if digested.get("algorithm").and_then(Value::as_str) != Some("sha-256") {
                return Err(DecodeError::IllTyped("password.algorithm must be 'sha-256'"));
            }
            let Some(Value::String(digest)) = digested.remove("digest") else {
                return Err(DecodeError::IllTyped("password.digest must be string"));
            };
            Ok(LoginMethod::Digest { who, digest: PasswordDigest::new(digest) })
        }
        _ => Err(DecodeError::IllTyped("password must be string or object")),
    }
}

/// `{ldap: true, username, ldapPass, ldapOptions: {}}`. Where no directory accepts, the password may still be one that
/// is kept here (rocketchat.md 5): the same name and password as in the other forms.
fn directory_form(mut form: Map<String, Value>) -> Result<LoginMethod, DecodeError> {
    let who = match form.remove("username").unwrap_or_default() {
        Value::String(typed) if typed.is_empty() => {
            return Err(DecodeError::IllTyped("username must be a non-empty string"));
        }
        Value::String(typed) if typed.contains('@') => Identifier::email(typed),
        Value::String(typed) => Identifier::user_name(typed),
        other => wrapped(other)?,
    };
    let Some(Value::String(password)) = form.remove("ldapPass") else {
        return Err(DecodeError::IllTyped("ldapPass must be string"));
    };
    Ok(LoginMethod::Password { who, password: Password::new(password) })
}

/// `{username}`, `{email}` or `{id}`: exactly one of them, and not empty.
fn wrapped(user: Value) -> Result<Identifier, DecodeError> {
    let Value::Object(user) = user else { return Err(DecodeError::IllTyped("user must be object")) };
    let mut entries = user.into_iter();
    let (Some((key, Value::String(typed))), None) = (entries.next(), entries.next()) else {
        return Err(DecodeError::IllTyped("user must have exactly one property, a string"));
    };
    if typed.is_empty() {
        return Err(DecodeError::IllTyped("user must not be empty"));
    }
    match key.as_str() {
        "username" => Ok(Identifier::user_name(typed)),
        "email" => Ok(Identifier::email(typed)),
        "id" => Ok(Identifier::ExternalId(typed)),
        _ => Err(DecodeError::IllTyped("user must NOT have additional properties")),
    }
}

/// A code as sent; numbers count as their digits, anything else is a code that is wrong.
fn one_time_code(code: Value) -> OneTimeCode {
    OneTimeCode::new(match code {
        Value::String(code) => code,
        other => other.to_string(),
    })
}

/// Whether JavaScript takes a value as true.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
