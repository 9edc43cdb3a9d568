//! `POST /api/v4/session`: logs in.

use auth_core::{
    Answer, BodyTooLarge, Grant, GrantKind, InternalError, Login, LoginAttempt, LoginMethod, LoginReply,
    SecondStep, SecretInput,
};
use http::StatusCode;

use crate::decode::session::{Credentials, credentials};
use crate::encode::user::user;
use crate::error::ApiError;
use crate::name::{GITLAB, GITLAB_TOKEN};
use crate::request::Request;
use crate::state::GitLabProtocol;

/// Logs in, and answers the user with a new token.
pub(crate) async fn log_in(state: &GitLabProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    if request.http.extensions().get::<BodyTooLarge>().is_some() {
        return Err(ApiError::BodyTooLarge);
    }
    let Credentials { who, password } = credentials(request.http)?;
    let attempt = LoginAttempt {
        protocol: GITLAB,
        realm: state.realm().await?.ok_or(ApiError::Unauthorized)?,
        method: LoginMethod::Password { who, secret: SecretInput::Password(password) },
        second_step: SecondStep::NotOffered,
        grant: GrantKind::Token(GITLAB_TOKEN),
        peer: request.peer.clone(),
    };
    let LoginReply { result, not_before, .. } = state.services.log_in(attempt).await;
    let answer = result.map_err(ApiError::from).and_then(|login| logged_in(&login));
    Ok(Answer { not_before, ..answer.unwrap_or_else(ApiError::into_answer) })
}

fn logged_in(login: &Login) -> Result<Answer, ApiError> {
    let Grant::Token { token, .. } = &login.grant else {
        return Err(InternalError::defect("a GitLab login was granted something else than a token").into());
    };
    Ok(user(StatusCode::CREATED, &login.profile.user, Some(token))?.into())
}
