//! What signed-in users change about their own accounts.

use auth_core::{Answer, Caller, Password};
use serde::Serialize;

use crate::call::Call;
use crate::decode::{OwnChange, password_factor};
use crate::encode::{ErrorTexts, Me, success};
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// Answers `GET users.getUsernameSuggestion`.
pub(crate) async fn suggest_user_name(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Suggestion {
        result: String,
    }
    Ok(success(&Suggestion { result: state.services.suggest_user_name(&call.caller()?).await? }))
}

/// Answers `POST users.updateOwnBasicInfo`: takes a first user name, a display name, an address, which counts once a mailed
/// link was opened, and a new password. What a login server doesn't keep, such as a status, is passed over.
pub(crate) async fn change(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    static TEXTS: ErrorTexts = ErrorTexts::GENERAL.of_method("saveUserProfile");
    #[derive(Serialize)]
    struct Changed<'a> {
        user: Me<'a>,
    }

    let caller = call.caller()?;
    let asked = OwnChange::of(call.body())?;
    let factor =
        asked.present_password.as_deref().filter(|_| caller.factor.code.is_none()).map(password_factor);
    let caller = Caller { factor: factor.as_ref().unwrap_or(caller.factor), ..caller };
    let password = asked.new_password.map(Password::new);
    let change = auth_core::OwnChange {
        user_name: asked.user_name.as_deref(),
        full_name: asked.full_name.as_deref(),
        address: asked.address.as_deref(),
        password: password.as_ref(),
        ..auth_core::OwnChange::default()
    };
    let profile = if change.is_empty() {
        caller.principal.profile.clone()
    } else {
        let changed = state.services.change_own_account(&caller, &change).await;
        changed.map_err(|error| ApiError::action(error, &TEXTS))?
    };
    Ok(success(&Changed { user: Me::new(&profile, &state.config.site_url) }))
}
