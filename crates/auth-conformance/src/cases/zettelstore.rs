//! The cases of the Zettelstore protocol. Their tokens come from a login, or are signed by the test with the server's
//! own key.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Case, Protocol};
use crate::http::Request;
use crate::issued_token::IssuedToken;
use crate::server::Server;
use crate::signed_token;
use crate::variables::Variables;

pub(crate) struct Zettelstore;

impl Protocol for Zettelstore {
    fn name(&self) -> &'static str {
        "zettelstore"
    }

    /// `auth on, json`, followed by the startup keys of the real server: `; url-prefix /pfx/`.
    fn given(&self, case: &Case) -> String {
        let text = |key| case.given.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut given = format!("auth {}, {}", text("auth"), text("profile"));
        for (key, value) in case.given.get("config").and_then(Value::as_object).into_iter().flatten() {
            given = format!("{given}; {key} {}", value.as_str().unwrap_or_default());
        }
        given
    }

    fn token(&self, case: &Case, server: &Server, variables: &mut Variables) -> Result<Option<String>> {
        let Some(token) = case.given.get("token") else { return Ok(None) };
        if let Some(claims) = token.get("forge") {
            let algorithm = token.get("alg").and_then(Value::as_str).unwrap_or("HS512");
            let token = signed_token::make(server.dir(), claims, algorithm)?;
            signed_token::store(server.dir(), claims, &token)?;
            return Ok(Some(token));
        }
        let name = token.get("login").and_then(Value::as_str).context("the token has no source")?;
        let user = variables.user(name).with_context(|| format!("no user {name}"))?;
        let password = user.get("cleartext").and_then(Value::as_str).context("the user has no password")?;
        let form = format!("username={name}&password={password}");
        let response = server.send(&Request::new("POST", "/a").form(&form))?;
        Ok(IssuedToken::read(&response).token)
    }
}
