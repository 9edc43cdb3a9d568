//! The variables in the texts of cases: `{{token.USER}}`, `{{id.USER}}`, `{{totp.USER.now}}`, `{{backup.USER.0}}`,
//! `{{mailcode.USER}}`, `{{email.USER}}`, `{{password.USER}}`, `{{cookies}}`, `{{session-id}}` and `{{csrf-secret}}` of a
//! browser, and the names that steps of a setup save.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};
use regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::server::Server;
use crate::totp::totp;

/// The variables while the cases of one server run.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    users: HashMap<String, Value>,
    saved: HashMap<String, String>,
    logins: HashMap<String, (String, String)>,
    used_codes: Vec<String>,
    cookies: BTreeMap<String, String>,
}

impl Variables {
    /// Creates the variables of the users of an import, with their passwords and secrets.
    #[must_use]
    pub(crate) fn of_users(import: &str) -> Self {
        let lines = import.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let users = lines.filter_map(|line| Some((line.get("username")?.as_str()?.to_owned(), line)));
        Self { users: users.collect(), ..Self::default() }
    }

    /// Sets the variable of a name.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.saved.insert(name.to_owned(), value.to_owned());
    }

    /// Keeps the cookies that a response gives to the browser.
    pub(crate) fn keep_cookies(&mut self, response: &Response) {
        for cookie in &response.set_cookies {
            let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            if matches!(value, "" | "\"\"") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The `Cookie` header of the browser; `None` while it has no cookies.
    pub(crate) fn cookies(&self) -> Option<String> {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of the browser's cookie whose name ends like this, with a prefix or without.
    fn cookie(&self, ending: &str) -> Result<String> {
        let mut found = self.cookies.iter().filter(|(name, _)| name.ends_with(ending));
        Ok(found.next().with_context(|| format!("the browser has no cookie {ending}"))?.1.clone())
    }

    /// Forgets the tokens of users: the next `{{token.USER}}` logs in again.
    pub(crate) fn forget_logins(&mut self) {
        self.logins.clear();
    }

    /// The import line of a user.
    #[must_use]
    pub(crate) fn user(&self, name: &str) -> Option<&Value> {
        self.users.get(name)
    }

    /// Expands the variables in all texts of a JSON value.
    ///
    /// # Errors
    /// When a variable is unknown, or a login for it fails.
    pub(crate) fn expand_json(&mut self, value: &Value, server: &Server) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.expand(text, server)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.expand_json(item, server)).collect::<Result<_>>()?)
            }
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| Ok((key.clone(), self.expand_json(member, server)?)))
                    .collect::<Result<_>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Expands the variables in a text.
    ///
    /// # Errors
    /// When a variable is unknown, or a login for it fails.
    pub(crate) fn expand(&mut self, text: &str, server: &Server) -> Result<String> {
        let pattern = Regex::new(r"\{\{([^{}]*)\}\}")?;
        let mut error = None;
        let expanded = pattern.replace_all(text, |found: &Captures<'_>| {
            let name = found.get(1).map_or("", |name| name.as_str());
            self.value(name, server).unwrap_or_else(|cause| {
                error.get_or_insert(cause.context(format!("{{{{{name}}}}}")));
                String::new()
            })
        });
        let expanded = expanded.into_owned();
        error.map_or(Ok(expanded), Err)
    }

    fn value(&mut self, name: &str, server: &Server) -> Result<String> {
        if let Some(saved) = self.saved.get(name) {
            return Ok(saved.clone());
        }
        match name {
            "cookies" => return self.cookies().context("the browser has no cookies"),
            "csrf-secret" => return self.cookie("csrftoken"),
            "session-id" => return self.cookie("sessionid"),
            _ => {}
        }
        let mut parts = name.split('.');
        let (kind, user, which) = (parts.next(), parts.next(), parts.next());
        let is_known = |user: &str| self.users.contains_key(user) || self.secret(user).is_some();
        let user = user.filter(|user| is_known(user)).context("unknown variable")?;
        match (kind, which) {
            (Some("id"), None) => Ok(self.log_in(user, server)?.0),
            (Some("token"), None) => Ok(self.log_in(user, server)?.1),
            (Some("totp"), Some(which)) => {
                let offset = match which {
                    "now" => 0,
                    "minus1" => -1,
                    "minus2" => -2,
                    "plus1" => 1,
                    _ => bail!("unknown time step"),
                };
                totp(self.secret(user).context("the user has no TOTP secret")?, offset)
            }
            (Some("mailcode"), which) => {
                let code = server.mailed_code(self.address(user)?, &self.used_codes)?;
                Ok(if which == Some("dashed") { code } else { code.replace('-', "") })
            }
            (Some("email"), None) => Ok(self.address(user)?.to_owned()),
            (Some("password"), None) => {
                let password = self.user(user).and_then(|user| user.get("password"));
                Ok(password.and_then(Value::as_str).context("the user has no password")?.to_owned())
            }
            (Some("backup"), Some(number)) => {
                let codes = self.user(user).and_then(|user| user.get("backup_codes"));
                let code = codes.and_then(|codes| codes.get(number.parse::<usize>().ok()?));
                Ok(code.and_then(Value::as_str).context("the user has no such backup code")?.to_owned())
            }
            _ => bail!("unknown variable"),
        }
    }

    fn address(&self, user: &str) -> Result<&str> {
        self.user(user).and_then(|user| user.get("email")?.as_str()).context("the user has no address")
    }

    /// The TOTP secret of a user: saved by a step as `secret.USER`, or from the import.
    fn secret(&self, user: &str) -> Option<&str> {
        if let Some(saved) = self.saved.get(&format!("secret.{user}")) {
            return Some(saved);
        }
        self.user(user)?.get("totp_secret")?.as_str()
    }

    /// The Rocket.Chat id and token of a user, from a login with the password and, where one is needed, a code.
    fn log_in(&mut self, user: &str, server: &Server) -> Result<(String, String)> {
        if let Some(login) = self.logins.get(user) {
            return Ok(login.clone());
        }
        let password =
            self.user(user).and_then(|user| user.get("password")).context("the user has no password")?;
        let mut body = json!({"user": user, "password": password});
        if let (Some(secret), Some(body)) = (self.secret(user), body.as_object_mut()) {
            body.insert("code".to_owned(), totp(secret, 0)?.into());
        }
        let send = |body: &Value| server.send(&Request::new("POST", "/api/v1/login").json(body));
        let mut response = send(&body)?;
        let wants_mailed_code = response
            .json()
            .is_some_and(|json| json.pointer("/details/method").is_some_and(|method| method == "email"));
        if let (true, Some(body)) = (wants_mailed_code, body.as_object_mut()) {
            let code = server.mailed_code(self.address(user)?, &self.used_codes)?;
            self.used_codes.push(code.clone());
            body.insert("code".to_owned(), code.into());
        }
        if wants_mailed_code {
            response = send(&body)?;
        }
        let data = response.json().unwrap_or_default();
        let text = |pointer| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        match (text("/data/userId"), text("/data/authToken")) {
            (Some(id), Some(token)) => {
                self.logins.insert(user.to_owned(), (id.clone(), token.clone()));
                Ok((id, token))
            }
            _ => bail!("{user} cannot log in: {} {}", response.status, response.text()),
        }
    }
}
