//! `GET /api/v4/user`: the user whose token came along.

use auth_core::Answer;
use http::StatusCode;

use super::principal;
use crate::encode::user::user;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::GitLabProtocol;

/// Shows the user.
pub(crate) async fn show(state: &GitLabProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let principal = principal::of(state, request).await?;
    Ok(user(StatusCode::OK, &principal.profile.user, None)?.into())
}
