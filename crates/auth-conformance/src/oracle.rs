//! Oracles: what Zulip's clients do with the server's answers, and what Zulip computes itself, rewritten from the facts of
//! docs/contract/zulip-web.md. They share no code with the server, so that both would have to be wrong alike.
//!
//! [`web_auth`] reads the address that ends the apps' flow, as strictly as each app does. [`desktop`] opens what the desktop
//! program pastes. [`csrf`] masks and unmasks tokens of forms, and [`reset_token`] makes the tokens of mailed links.
//!
//! Cases of method `CALL` are vectors of these functions: `call` computes one.

pub mod csrf;
pub mod desktop;
pub mod one_time_pad;
pub mod reset_token;
pub mod web_auth;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Computes what a vector expects, from the other members of the vector.
///
/// # Errors
/// When the function is unknown, or a member is missing or malformed.
pub(crate) fn call(function: &str, vector: &Value) -> Result<Value> {
    let text = |name: &str| {
        vector.get(name).and_then(Value::as_str).with_context(|| format!("the vector has no {name}"))
    };
    let number = |name: &str| {
        vector.get(name).and_then(Value::as_u64).with_context(|| format!("the vector has no {name}"))
    };
    let mut computed = vector.clone();
    let results = match function {
        "otp_encrypt" => json!({"result": one_time_pad::encrypt(text("key")?, text("pad")?)?}),
        "webauth_parse" => {
            let auth =
                web_auth::flutter(text("url")?, text("realm")?).context("the app refuses the address")?;
            let key = auth.api_key(text("pad")?).context("the key and the pad differ in length")?;
            json!({"email": auth.email, "user_id": auth.user_id, "api_key": key, "realm": auth.realm})
        }
        "csrf_unmask" => json!({"secret": csrf::unmask(text("token")?).context("the token is malformed")?}),
        "csrf_mask" => {
            json!({"token": csrf::mask(text("secret")?, text("mask")?).context("the secret is malformed")?})
        }
        "reset_token" => {
            let account = reset_token::Account {
                id: number("user_id")?,
                password: text("password")?,
                last_login: text("last_login")?,
                email: text("email")?,
            };
            let token = reset_token::token(text("secret_key")?, &account, number("timestamp")?);
            json!({"uid": reset_token::uid(account.id), "token": token})
        }
        _ => bail!("no oracle computes {function}"),
    };
    crate::json::merge(&mut computed, &results);
    Ok(computed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_that_is_wrong_is_seen() {
        let pad = "7be38894".repeat(8);
        let vector = json!({"key": "12ac".repeat(8), "pad": pad, "result": "4ad1e9f7".repeat(8)});
        assert_eq!(call("otp_encrypt", &vector).unwrap(), vector);
        let wrong = json!({"key": "12ac".repeat(8), "pad": pad, "result": "4ad1e9f8".repeat(8)});
        assert_ne!(call("otp_encrypt", &wrong).unwrap(), wrong);
        assert!(call("unheard_of", &vector).is_err());
        assert!(call("otp_encrypt", &json!({"key": "12ac"})).is_err());
    }
}
