//! Personal access tokens of signed-in users.

use auth_core::{ActionError, Answer, Token};
use serde::Serialize;

use crate::call::Call;
use crate::encode::{ErrorTexts, IsoDate, done, success};
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

const TEXTS: ErrorTexts =
    ErrorTexts { not_permitted: ("not-authorized", "Not Authorized"), ..ErrorTexts::GENERAL };

/// Answers `POST users.generatePersonalAccessToken`.
pub(crate) async fn create(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    static CREATE: ErrorTexts = TEXTS.of_method("personalAccessTokens:generateToken");

    let fields = call.fields(&["tokenName", "bypassTwoFactor"])?;
    let (name, bypass) = (fields.text("tokenName")?, fields.flag("bypassTwoFactor")?);
    let created = state.services.create_personal_token(&call.caller()?, name, bypass).await;
    Ok(shown(&created.map_err(|error| ApiError::action(error, &CREATE))?))
}

/// Answers `POST users.regeneratePersonalAccessToken`.
pub(crate) async fn replace(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    static REPLACE: ErrorTexts = TEXTS.of_method("personalAccessTokens:regenerateToken");

    let fields = call.fields(&["tokenName"])?;
    let replaced = state.services.replace_personal_token(&call.caller()?, fields.text("tokenName")?).await;
    Ok(shown(&replaced.map_err(|error| ApiError::action(error, &REPLACE))?))
}

/// A new token: the one time that it is shown.
fn shown(token: &Token) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        token: &'a str,
    }
    success(&Shown { token: token.expose() })
}

/// Answers `GET users.getPersonalAccessTokens`.
pub(crate) async fn list(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct List {
        tokens: Vec<Entry>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        name: String,
        created_at: IsoDate,
        last_token_part: String,
        bypass_two_factor: bool,
    }

    let tokens = state.services.personal_tokens(&call.caller()?).await.map_err(|error| match error {
        ActionError::NotPermitted => ApiError::NO_PERMISSION,
        error => ApiError::action(error, &TEXTS),
    })?;
    let entries = tokens.into_iter().map(|token| Entry {
        name: token.name,
        created_at: IsoDate(token.created),
        last_token_part: token.last_part,
        bypass_two_factor: token.bypass_second_factor,
    });
    Ok(success(&List { tokens: entries.collect() }))
}

/// Answers `POST users.removePersonalAccessToken`.
pub(crate) async fn remove(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    static REMOVE: ErrorTexts = TEXTS.of_method("personalAccessTokens:removeToken");

    let fields = call.fields(&["tokenName"])?;
    let removed = state.services.remove_personal_token(&call.caller()?, fields.text("tokenName")?).await;
    removed.map_err(|error| ApiError::action(error, &REMOVE))?;
    Ok(done())
}
