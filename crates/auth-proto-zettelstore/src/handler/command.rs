//! POST `/x`: commands, of which a login server has one.

use auth_core::Answer;
use http::StatusCode;

use super::token::credential_check;
use crate::decode::command::Command;
use crate::encode::answer;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZettelstoreProtocol;

/// Runs the command that the query names.
pub(crate) async fn run(state: &ZettelstoreProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let query = request.http.uri().query().unwrap_or_default();
    match Command::of(query) {
        Some(Command::Authenticated) => check_token(state, request).await,
        None => Err(ApiError::UnknownCommand),
    }
}

/// Tells by the status alone whether the request is authenticated: 204 if so, 401 if not, and 200 where nobody has to
/// be.
async fn check_token(state: &ZettelstoreProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    if !state.config.authentication {
        return Ok(answer::empty(StatusCode::OK).into());
    }
    let check = credential_check(state, request).await?.ok_or(ApiError::NotAuthenticated)?;
    state.services.check(check).await.result?;
    Ok(answer::empty(StatusCode::NO_CONTENT).into())
}
