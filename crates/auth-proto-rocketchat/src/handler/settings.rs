//! Public settings: what clients ask before they show a login form.

use auth_core::{Answer, PasswordPolicy};
use serde::Serialize;
use serde_json::{Value, json};

use super::public_settings::{Setting, public_settings};
use crate::call::Call;
use crate::decode::Page;
use crate::encode::success;
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// Answers `GET /api/v1/settings.public?_id=a,b`: the settings that are asked for, or all, ordered by id.
pub(crate) async fn public(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Settings {
        settings: Vec<Setting>,
        count: usize,
        offset: usize,
        total: usize,
    }

    let page = Page::of(call.query());
    let asked = |setting: &Setting| page.ids.as_ref().is_none_or(|ids| ids.iter().any(|id| id == setting.id));
    let realm = state.realm().await?;
    let found: Vec<_> = public_settings(&state.config, realm.as_deref()).into_iter().filter(asked).collect();
    let total = found.len();
    let settings: Vec<_> = found.into_iter().skip(page.offset).take(page.count.unwrap_or(total)).collect();
    Ok(success(&Settings { count: settings.len(), settings, offset: page.offset, total }))
}

/// Answers `GET /api/v1/settings.oauth`: no other services to sign in with.
pub(crate) async fn oauth(_: &RocketChatProtocol, _: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(success(&json!({ "services": [] })))
}

/// Answers `GET /api/v1/service.configurations`: none either.
pub(crate) async fn service_configurations(_: &RocketChatProtocol, _: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(success(&json!({ "configurations": [] })))
}

/// Answers `GET /api/v1/pw.getPolicy`: each rule by name, with its limit where it has one.
pub(crate) async fn password_policy(state: &RocketChatProtocol, _: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Policy {
        enabled: bool,
        policy: Vec<Value>,
    }
    let policy = state.config.password_policy.as_ref();
    Ok(success(&Policy { enabled: policy.is_some(), policy: policy.map(rules).unwrap_or_default() }))
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
