//! `DELETE /api/v4/personal_access_tokens/self`: ends the session.

use auth_core::Answer;

use super::principal;
use crate::encode::response::no_content;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::GitLabProtocol;

/// Revokes the token that came along, and no other token of its user.
pub(crate) async fn revoke(state: &GitLabProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let principal = principal::of(state, request).await?;
    state.services.revoke(&principal).await?;
    Ok(no_content().into())
}
