//! `login`, and the mails for clients that can't log in: a code of the second factor, or a lost password.

use auth_core::{ActionError, Answer, Identifier, ProtocolName};
use http::StatusCode;
use serde::Serialize;

use crate::call::Call;
use crate::decode::{DecodeError, login_form, second_factor_code};
use crate::encode::{Me, done, internal_server_error, json};
use crate::error::ApiError;
use crate::exact::ILL_TYPED_BODY;
use crate::state::{LoggedIn, RocketChatProtocol};

/// Answers `POST /api/v1/login`: judges a login form of any kind.
pub(crate) async fn log_in(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let form = match login_form(call.body(), second_factor_code(call.headers())) {
        Err(DecodeError::IllTyped(_)) if state.config.exact.has(ILL_TYPED_BODY) => {
            return Ok(internal_server_error());
        }
        form => form?,
    };
    let reply = state.log_in(form, call.peer).await;
    let answer = match reply.result {
        Ok(login) => logged_in(&login, &state.config.site_url),
        Err(error) => ApiError::from(error).into_answer(),
    };
    Ok(Answer { not_before: reply.not_before, ..answer })
}

fn logged_in(login: &LoggedIn, site_url: &str) -> Answer {
    #[derive(Serialize)]
    struct Document<'a> {
        status: &'static str,
        data: Data<'a>,
        success: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        user_id: &'a str,
        auth_token: &'a str,
        me: Me<'a>,
    }

    let data = Data {
        user_id: login.profile.user.external_text(ProtocolName::ROCKETCHAT),
        auth_token: login.token.expose(),
        me: Me::new(&login.profile, site_url),
    };
    json(StatusCode::OK, &Document { status: "success", data, success: true })
}

/// Answers `POST users.2fa.sendEmailCode`: the same whether the account exists or not.
pub(crate) async fn mail_code(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let fields = call.fields(&["emailOrUsername"])?;
    let name = fields.text("emailOrUsername")?;
    let who = if name.contains('@') { Identifier::email(name) } else { Identifier::user_name(name) };
    let Some(realm) = state.realm().await? else { return Ok(done()) };
    let not_before = state.services.mail_code(realm.id, &who).await?;
    Ok(Answer { not_before: Some(not_before), ..done() })
}

/// Answers `POST users.sendConfirmationEmail`: the same whether an account has the address or not.
pub(crate) async fn mail_address_proof(
    state: &RocketChatProtocol,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    let fields = call.fields(&["email"])?;
    let address = fields.text("email")?;
    if !address.contains('@') {
        return Err(ApiError::BadRequest("Invalid email"));
    }
    let Some(realm) = state.realm().await? else { return Ok(done()) };
    let not_before = state.services.mail_address_proof(realm.id, address).await?;
    Ok(Answer { not_before: Some(not_before), ..done() })
}

/// Answers `POST users.forgotPassword`: the same whether an account has the address or not.
pub(crate) async fn forgot_password(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let fields = call.fields(&["email"])?;
    let address = fields.text("email")?;
    let asked = match state.realm().await? {
        Some(realm) => state.services.forgot_password(realm.id, address, None).await,
        None if state.config.password_reset => return Ok(done()),
        None => Err(ActionError::NotOffered),
    };
    match asked {
        Err(ActionError::NotOffered) => Err(ApiError::BadRequest("Password reset is not enabled")),
        mailed => Ok(Answer { not_before: Some(mailed?), ..done() }),
    }
}
