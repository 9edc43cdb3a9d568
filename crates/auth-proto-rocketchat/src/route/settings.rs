//! Public settings: what clients ask before they show a log-in form (rocketchat.md 3.2).

use auth_core::PasswordPolicy;
use bytes::Bytes;
use http::Response;
use serde::Serialize;
use serde_json::{Value, json};

use crate::decode::Page;
use crate::encode::{Failure, success};
use crate::protocol::RocketChatProtocol;

#[derive(Serialize)]
struct Settings {
    settings: Vec<Setting>,
    count: usize,
    offset: usize,
    total: usize,
}

#[derive(Serialize)]
struct Setting {
    #[serde(rename = "_id")]
    id: &'static str,
    value: Value,
}

/// `GET /api/v1/settings.public?_id=a,b`: those that a log-in server can answer for, ordered by id.
pub(crate) async fn public(protocol: &RocketChatProtocol, query: &str) -> Result<Response<Bytes>, Failure> {
    let page = Page::of(query);
    let asked = |id: &str| page.ids.as_ref().is_none_or(|ids| ids.iter().any(|wanted| wanted == id));
    let realm = protocol.realm().await?;
    let found: Vec<_> = [
        ("Accounts_PasswordReset", json!(protocol.config.password_reset)),
        ("Accounts_RegistrationForm", json!("Disabled")),
        ("Accounts_ShowFormLogin", json!(true)),
        ("Accounts_TwoFactorAuthentication_By_Email_Enabled", json!(true)),
        ("Accounts_TwoFactorAuthentication_By_TOTP_Enabled", json!(true)),
        ("Accounts_TwoFactorAuthentication_Enabled", json!(true)),
        ("Accounts_iframe_enabled", json!(false)),
        ("CAS_enabled", json!(false)),
        ("CROWD_Enable", json!(false)),
        ("LDAP_Enable", json!(realm.asks_a_directory())),
        ("Site_Name", json!(realm.name)),
        ("Site_Url", json!(protocol.config.site_url)),
    ]
    .into_iter()
    .filter(|(id, _)| asked(id))
    .map(|(id, value)| Setting { id, value })
    .collect();

    let total = found.len();
    let settings: Vec<_> = found.into_iter().skip(page.offset).take(page.count.unwrap_or(total)).collect();
    Ok(success(&Settings { count: settings.len(), settings, offset: page.offset, total }))
}

/// `GET /api/v1/settings.oauth`: there are no other services to sign in with.
pub(crate) fn oauth() -> Response<Bytes> {
    success(&json!({ "services": [] }))
}

/// `GET /api/v1/service.configurations`: likewise.
pub(crate) fn service_configurations() -> Response<Bytes> {
    success(&json!({ "configurations": [] }))
}

/// `GET /api/v1/pw.getPolicy`: each rule by name, with its limit where it has one.
pub(crate) fn password_policy(policy: Option<&PasswordPolicy>) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Policy {
        enabled: bool,
        policy: Vec<Value>,
    }
    success(&Policy { enabled: policy.is_some(), policy: policy.map(rules).unwrap_or_default() })
}

fn rules(policy: &PasswordPolicy) -> Vec<Value> {
    let limited = |limit: Option<u32>, name: &str, key: &str| {
        limit.map(|limit| json!([format!("get-password-policy-{name}"), { key: limit }]))
    };
    let plain = |on: bool, name: &str| on.then(|| json!([format!("get-password-policy-{name}")]));
    [
        limited(policy.min_length, "minLength", "minLength"),
        limited(policy.max_length, "maxLength", "maxLength"),
        plain(policy.max_repeats.is_some(), "forbidRepeatingCharacters"),
        limited(policy.max_repeats, "forbidRepeatingCharactersCount", "forbidRepeatingCharactersCount"),
        plain(policy.lowercase, "mustContainAtLeastOneLowercase"),
        plain(policy.uppercase, "mustContainAtLeastOneUppercase"),
        plain(policy.number, "mustContainAtLeastOneNumber"),
        plain(policy.special, "mustContainAtLeastOneSpecialCharacter"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
