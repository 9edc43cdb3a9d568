//! Second factors of signed-in users: TOTP devices, backup codes, mailed codes.

use auth_core::{Answer, OneTimeCode, Permission};
use serde::Serialize;

use crate::call::Call;
use crate::decode::DecodeError;
use crate::encode::{done, success};
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// Answers `POST users.2fa.enableEmail`.
pub(crate) async fn require_mailed_codes(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    state.services.require_mailed_codes(&call.caller()?).await?;
    Ok(done())
}

/// Answers `POST users.2fa.disableEmail`.
pub(crate) async fn waive_mailed_codes(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    state.services.waive_mailed_codes(&call.caller()?).await?;
    Ok(done())
}

/// Answers `POST users.enableTotp`: a device that waits for its first code.
pub(crate) async fn enrol_device(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Enrolled<'a> {
        secret: &'a str,
        url: &'a str,
    }
    let enrolment = state.services.enrol_device(&call.caller()?).await?;
    Ok(success(&Enrolled { secret: enrolment.secret.expose(), url: enrolment.url.expose() }))
}

/// Answers `POST users.validateTotp`: the backup codes.
pub(crate) async fn confirm_device(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let codes = state.services.confirm_device(&call.caller()?, &code(call)?).await?;
    Ok(backup_codes(&codes))
}

/// Answers `POST users.disableTotp`: whether the device was removed. A wrong code is no error.
pub(crate) async fn remove_device(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Disabled {
        disabled: bool,
    }
    let disabled = state.services.remove_device(&call.caller()?, &code(call)?).await?;
    Ok(success(&Disabled { disabled }))
}

/// Answers `POST users.regenerateTotpCodes`: new backup codes.
pub(crate) async fn renew_backup_codes(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    let codes = state.services.renew_backup_codes(&call.caller()?, &code(call)?).await?;
    Ok(backup_codes(&codes))
}

/// Answers `GET users.totpCodesRemaining`.
pub(crate) async fn backup_codes_left(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Remaining {
        remaining: usize,
    }
    let remaining = state.services.backup_codes_left(&call.caller()?).await?;
    Ok(success(&Remaining { remaining }))
}

/// Answers `POST users.resetTOTP`: removes the device of the user, or of another one.
pub(crate) async fn reset_device(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let of = call.fields(&["userId", "username", "user"])?.user()?;
    state.services.reset_device(&call.caller()?, of.as_ref()).await?;
    Ok(done())
}

/// Answers `POST ldap.syncNow`. Accounts of a directory are made when their owners log in, never all at once,
/// so the answer is an error for everybody.
pub(crate) async fn sync_directory(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let caller = call.caller()?;
    if !caller.principal.profile.user.may(Permission::SyncDirectory) {
        return Err(ApiError::NO_PERMISSION);
    }
    state.services.confirm(&caller).await?;
    let directory = state.realm().await?.is_some_and(|realm| realm.asks_a_directory());
    Err(ApiError::BadRequest(if directory { "Not allowed" } else { "LDAP_disabled" }))
}

fn code(call: &Call<'_>) -> Result<OneTimeCode, DecodeError> {
    Ok(OneTimeCode::new(call.fields(&["code"])?.text("code")?))
}

fn backup_codes(codes: &[OneTimeCode]) -> Answer {
    #[derive(Serialize)]
    struct Codes<'a> {
        codes: Vec<&'a str>,
    }
    success(&Codes { codes: codes.iter().map(OneTimeCode::expose).collect() })
}
