//! The cases of the Zettelstore protocol (zettelstore.md): tokens come from a log-in, or are forged with the
//! server's own key.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cases::{Case, Dialect};
use crate::forge;
use crate::http::Request;
use crate::matching::answered_token;
use crate::server::Server;
use crate::values::Values;

pub(crate) struct Zettelstore;

impl Dialect for Zettelstore {
    fn name(&self) -> &'static str {
        "zettelstore"
    }

    /// `auth on, json` and the startup keys of the real server, one after the other: `; url-prefix /pfx/`.
    fn given(&self, case: &Case) -> String {
        let text = |key| case.given.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut given = format!("auth {}, {}", text("auth"), text("profile"));
        for (key, value) in case.given.get("config").and_then(Value::as_object).into_iter().flatten() {
            given = format!("{given}; {key} {}", value.as_str().unwrap_or_default());
        }
        given
    }

    fn token(&self, case: &Case, server: &Server, values: &mut Values) -> Result<Option<String>> {
        let Some(token) = case.given.get("token") else { return Ok(None) };
        if let Some(claims) = token.get("forge") {
            let algorithm = token.get("alg").and_then(Value::as_str).unwrap_or("HS512");
            return forge::token(server.dir(), claims, algorithm).map(Some);
        }
        let name = token.get("login").and_then(Value::as_str).context("a token from nowhere")?;
        let user = values.user(name).with_context(|| format!("no user {name}"))?;
        let password = user.get("cleartext").and_then(Value::as_str).context("no password")?;
        let form = format!("username={name}&password={password}");
        let answer = server.send(&Request::new("POST", "/a").form(&form))?;
        Ok(answered_token(&answer).0)
    }
}
