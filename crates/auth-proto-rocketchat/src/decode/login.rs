//! Login forms: the rewriting that the REST route does first, then the forms that the accounts layer knows.
//! Values are true or false as JavaScript takes them.

use auth_core::{
    Identifier, LoginMethod, OneTimeCode, Password, PasswordDigest, ProtocolName, SecretInput, Token,
};
use serde_json::{Map, Value};

use super::error::DecodeError;

/// A login as a client asks for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginForm {
    /// How the client authenticates.
    pub method: LoginMethod,
    /// The code of a second factor, where one came along.
    pub code: Option<OneTimeCode>,
}

/// Finds the login form in the body of `POST /api/v1/login`.
///
/// `header_code` is the value of `x-2fa-code`, which counts where the body has no code. The form for
/// directories gives an ordinary name and password: the realm says which backends are asked.
///
/// # Errors
/// A [`DecodeError`] when the body holds no known form, or one of the wrong types.
///
/// ```
/// use auth_proto_rocketchat::decode::{DecodeError, login_form};
/// use serde_json::json;
/// assert!(login_form(json!({"user": "myusername", "password": "guess"}), None).is_ok());
/// assert_eq!(login_form(json!({"user": "myusername"}), None).unwrap_err(), DecodeError::Unrecognised);
/// ```
pub fn login_form(body: Value, header_code: Option<&str>) -> Result<LoginForm, DecodeError> {
    let Value::Object(body) = body else { return Err(DecodeError::ill_typed("must be object")) };
    recognise(rewrite(body, header_code)?)
}

/// Finds the login in a form that the accounts layer takes as it is: the parameter of DDP's `login`.
///
/// # Errors
/// A [`DecodeError`] when the form is not known, or of the wrong types.
///
/// ```
/// use auth_proto_rocketchat::decode::accounts_form;
/// use serde_json::json;
/// assert!(accounts_form(json!({"user": {"username": "myusername"}, "password": "guess"})).is_ok());
/// assert!(accounts_form(json!({"user": "myusername", "password": "guess"})).is_err());
/// ```
pub fn accounts_form(form: Value) -> Result<LoginForm, DecodeError> {
    let Value::Object(form) = form else { return Err(DecodeError::ill_typed("must be object")) };
    recognise(form)
}

/// Rewrites the short form `{user, password, code}` into the accounts layer's own. Any other body stays as it
/// is.
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
        // Rocket.Chat's typings offer this form, but the real server compares the whole object, which never
        // matches.
        return Err(DecodeError::Unrecognised);
    }
    let user = Value::Object(object([(kind, name)]));
    let login = object([("user", user), ("password", password)]);
    let code = body.remove("code").filter(truthy).or_else(|| header_code.map(Value::from));
    let Some(code) = code else { return Ok(login) };
    let totp = object([("code", code), ("login", Value::Object(login))]);
    Ok(object([("totp", Value::Object(totp))]))
}

/// The name in a short form, and its kind. Only `user` may be either kind, told apart by an `@`.
fn named(body: &Map<String, Value>) -> Option<(&'static str, Value)> {
    if let Some(Value::String(user)) = body.get("user") {
        let kind = if user.contains('@') { "email" } else { "username" };
        return Some((kind, Value::from(user.as_str())));
    }
    ["username", "email"]
        .into_iter()
        .find_map(|kind| body.get(kind).filter(|name| truthy(name)).map(|name| (kind, name.clone())))
}

/// Finds a form of the accounts layer, in the order in which its handlers are asked.
fn recognise(mut form: Map<String, Value>) -> Result<LoginForm, DecodeError> {
    if let Some(token) = form.remove("resume").filter(truthy) {
        let Value::String(token) = token else { return Err(DecodeError::ill_typed("resume must be string")) };
        return Ok(LoginForm { method: LoginMethod::Resume(Token::new(token)), code: None });
    }
    if form.get("password").is_some_and(truthy) {
        return Ok(LoginForm { method: password_form(form)?, code: None });
    }
    if let Some(Value::Object(mut totp)) = form.remove("totp")
        && let Some(code) = totp.remove("code").filter(truthy)
    {
        let Some(Value::Object(login)) = totp.remove("login") else {
            return Err(DecodeError::ill_typed("totp.login must be object"));
        };
        let inner = recognise(login)?;
        return Ok(LoginForm { code: Some(one_time_code(code)), ..inner });
    }
    if form.get("ldap").is_some_and(truthy) && form.get("ldapOptions").is_some_and(truthy) {
        return Ok(LoginForm { method: directory_form(form)?, code: None });
    }
    Err(DecodeError::Unrecognised)
}

/// Reads `{user: {…}, password: "…" | {digest, algorithm}}`. A `code` beside them is allowed and ignored.
fn password_form(mut form: Map<String, Value>) -> Result<LoginMethod, DecodeError> {
    if form.keys().any(|key| !["user", "password", "code"].contains(&key.as_str())) {
        return Err(DecodeError::ill_typed("must NOT have additional properties"));
    }
    if form.get("code").is_some_and(|code| code.as_str().is_none_or(str::is_empty)) {
        return Err(DecodeError::ill_typed("code must be a non-empty string"));
    }
    let user =
        form.remove("user").ok_or_else(|| DecodeError::ill_typed("must have required property 'user'"))?;
    let who = wrapped(user)?;
    match form.remove("password") {
        Some(Value::String(password)) => {
            Ok(LoginMethod::Password { who, secret: SecretInput::Password(Password::new(password)) })
        }
        Some(Value::Object(mut digested)) => {
            if digested.get("algorithm").and_then(Value::as_str) != Some("sha-256") {
                return Err(DecodeError::ill_typed("password.algorithm must be 'sha-256'"));
            }
            let Some(Value::String(digest)) = digested.remove("digest") else {
                return Err(DecodeError::ill_typed("password.digest must be string"));
            };
            Ok(LoginMethod::Password { who, secret: SecretInput::Digest(PasswordDigest::new(digest)) })
        }
        _ => Err(DecodeError::ill_typed("password must be string or object")),
    }
}

/// Reads `{ldap: true, username, ldapPass, ldapOptions: {}}`: a name and a password as in the other forms,
/// since a password that no directory accepts may still be a stored one.
fn directory_form(mut form: Map<String, Value>) -> Result<LoginMethod, DecodeError> {
    let who = match form.remove("username").unwrap_or_default() {
        Value::String(typed) if typed.is_empty() => {
            return Err(DecodeError::ill_typed("username must be a non-empty string"));
        }
        Value::String(typed) if typed.contains('@') => Identifier::email(typed),
        Value::String(typed) => Identifier::user_name(typed),
        other => wrapped(other)?,
    };
    let Some(Value::String(password)) = form.remove("ldapPass") else {
        return Err(DecodeError::ill_typed("ldapPass must be string"));
    };
    Ok(LoginMethod::Password { who, secret: SecretInput::Password(Password::new(password)) })
}

/// Reads `{username}`, `{email}` or `{id}`: exactly one of them, and not empty.
fn wrapped(user: Value) -> Result<Identifier, DecodeError> {
    let Value::Object(user) = user else { return Err(DecodeError::ill_typed("user must be object")) };
    let mut entries = user.into_iter();
    let (Some((key, Value::String(typed))), None) = (entries.next(), entries.next()) else {
        return Err(DecodeError::ill_typed("user must have exactly one property, a string"));
    };
    if typed.is_empty() {
        return Err(DecodeError::ill_typed("user must not be empty"));
    }
    match key.as_str() {
        "username" => Ok(Identifier::user_name(typed)),
        "email" => Ok(Identifier::email(typed)),
        "id" => Ok(Identifier::external(ProtocolName::ROCKETCHAT, typed)),
        _ => Err(DecodeError::ill_typed("user must NOT have additional properties")),
    }
}

/// A code as sent. A number counts as its digits; any other value is a code that is wrong.
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
