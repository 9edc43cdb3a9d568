//! What `{{token.USER}}`, `{{id.USER}}`, `{{totp.USER.now}}`, `{{backup.USER.0}}`, `{{mailcode.USER}}` and the names
//! that setups save stand for in a case.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use data_encoding::BASE32_NOPAD;
use regex::{Captures, Regex};
use ring::hmac;
use serde_json::{Value, json};

use crate::clock::unix_seconds;
use crate::http::Request;
use crate::server::Server;

/// The values known while the cases of one server run.
#[derive(Debug, Default)]
pub(crate) struct Values {
    users: HashMap<String, Value>,
    saved: HashMap<String, String>,
    logins: HashMap<String, (String, String)>,
    used_codes: Vec<String>,
}

impl Values {
    /// The users of an import, for their passwords and secrets.
    #[must_use]
    pub(crate) fn of_users(import: &str) -> Self {
        let lines = import.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let users = lines.filter_map(|line| Some((line.get("username")?.as_str()?.to_owned(), line)));
        Self { users: users.collect(), ..Self::default() }
    }

    /// Keeps a value under a name.
    pub(crate) fn save(&mut self, name: &str, value: &str) {
        self.saved.insert(name.to_owned(), value.to_owned());
    }

    /// Forgets the tokens of users: the next mention logs in anew.
    pub(crate) fn forget_logins(&mut self) {
        self.logins.clear();
    }

    /// A user of the import.
    #[must_use]
    pub(crate) fn user(&self, name: &str) -> Option<&Value> {
        self.users.get(name)
    }

    /// Fills all texts of a JSON value.
    ///
    /// # Errors
    /// Names what nothing is known of.
    pub(crate) fn fill_json(&mut self, value: &Value, server: &Server) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text, server)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_json(item, server)).collect::<Result<_>>()?)
            }
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| Ok((key.clone(), self.fill_json(member, server)?)))
                    .collect::<Result<_>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Fills a text.
    ///
    /// # Errors
    /// Names what nothing is known of.
    pub(crate) fn fill(&mut self, text: &str, server: &Server) -> Result<String> {
        let pattern = Regex::new(r"\{\{([^}]*)\}\}")?;
        let mut error = None;
        let filled = pattern.replace_all(text, |found: &Captures<'_>| {
            let name = found.get(1).map_or("", |name| name.as_str());
            self.value(name, server).unwrap_or_else(|why| {
                error.get_or_insert(why.context(format!("{{{{{name}}}}}")));
                String::new()
            })
        });
        let filled = filled.into_owned();
        error.map_or(Ok(filled), Err)
    }

    fn value(&mut self, name: &str, server: &Server) -> Result<String> {
        if let Some(saved) = self.saved.get(name) {
            return Ok(saved.clone());
        }
        let mut parts = name.split('.');
        let (kind, user, which) = (parts.next(), parts.next(), parts.next());
        let is_known = |user: &str| self.users.contains_key(user) || self.secret(user).is_some();
        let user = user.filter(|user| is_known(user)).context("nothing is known of it")?;
        match (kind, which) {
            (Some("id"), None) => Ok(self.log_in(user, server)?.0),
            (Some("token"), None) => Ok(self.log_in(user, server)?.1),
            (Some("totp"), Some(which)) => {
                let step = match which {
                    "now" => 0,
                    "minus1" => -1,
                    "minus2" => -2,
                    "plus1" => 1,
                    _ => bail!("no such step"),
                };
                totp(self.secret(user).context("the user has no TOTP secret")?, step)
            }
            (Some("mailcode"), which) => {
                let code = server.mailed_code(self.address(user)?, &self.used_codes)?;
                Ok(if which == Some("dashed") { code } else { code.replace('-', "") })
            }
            (Some("backup"), Some(number)) => {
                let codes = self.user(user).and_then(|user| user.get("backup_codes"));
                let code = codes.and_then(|codes| codes.get(number.parse::<usize>().ok()?));
                Ok(code.and_then(Value::as_str).context("no such code")?.to_owned())
            }
            _ => bail!("nothing is known of it"),
        }
    }

    fn address(&self, user: &str) -> Result<&str> {
        self.user(user).and_then(|user| user.get("email")?.as_str()).context("the user has no address")
    }

    /// The secret of a user's device: from the import, or saved by a step as `secret.USER`.
    fn secret(&self, user: &str) -> Option<&str> {
        if let Some(saved) = self.saved.get(&format!("secret.{user}")) {
            return Some(saved);
        }
        self.user(user)?.get("totp_secret")?.as_str()
    }

    /// The Rocket.Chat id and token of a user, from a log-in with password and, where needed, code.
    fn log_in(&mut self, user: &str, server: &Server) -> Result<(String, String)> {
        if let Some(login) = self.logins.get(user) {
            return Ok(login.clone());
        }
        let password = self.user(user).and_then(|user| user.get("password")).context("no password")?;
        let mut body = json!({"user": user, "password": password});
        if let (Some(secret), Some(body)) = (self.secret(user), body.as_object_mut()) {
            body.insert("code".to_owned(), totp(secret, 0)?.into());
        }
        let send = |body: &Value| server.send(&Request::new("POST", "/api/v1/login").json(body));
        let mut answer = send(&body)?;
        let is_mailed = answer
            .json()
            .is_some_and(|asked| asked.pointer("/details/method").is_some_and(|method| method == "email"));
        if let (true, Some(body)) = (is_mailed, body.as_object_mut()) {
            let code = server.mailed_code(self.address(user)?, &self.used_codes)?;
            self.used_codes.push(code.clone());
            body.insert("code".to_owned(), code.into());
        }
        if is_mailed {
            answer = send(&body)?;
        }
        let data = answer.json().unwrap_or_default();
        let text = |pointer| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        match (text("/data/userId"), text("/data/authToken")) {
            (Some(id), Some(token)) => {
                self.logins.insert(user.to_owned(), (id.clone(), token.clone()));
                Ok((id, token))
            }
            _ => bail!("{user} can't log in: {} {}", answer.status, answer.text()),
        }
    }
}

/// The six digits of RFC 6238 (SHA-1, 30 s) for the present step plus `step`.
///
/// # Errors
/// When the secret is no base32.
fn totp(secret: &str, step: i64) -> Result<String> {
    code(secret, unix_seconds().div_euclid(30) + step)
}

fn code(secret: &str, counter: i64) -> Result<String> {
    let secret = BASE32_NOPAD.decode(secret.trim_end_matches('=').as_bytes())?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let mac = hmac::sign(&key, &counter.to_be_bytes());
    let offset = usize::from(mac.as_ref().last().copied().unwrap_or(0) & 15);
    let word = mac.as_ref().get(offset..offset + 4).and_then(|word| word.try_into().ok()).unwrap_or([0; 4]);
    Ok(format!("{:06}", (u32::from_be_bytes(word) & 0x7FFF_FFFF) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        let secret = BASE32_NOPAD.encode(b"12345678901234567890");
        for (time, digits) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000_i64, "353130")] {
            assert_eq!(code(&secret, time / 30).unwrap(), digits);
        }
    }
}
