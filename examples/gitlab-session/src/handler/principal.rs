//! The user whose token came along with a request.

use auth_core::{CredentialCheck, CredentialKind, PresentedCredential, Principal};

use crate::decode::token;
use crate::error::ApiError;
use crate::name::{GITLAB, GITLAB_TOKEN};
use crate::request::Request;
use crate::state::GitLabProtocol;

/// The kinds of credentials that the protocol takes.
const KINDS: [CredentialKind; 1] = [GITLAB_TOKEN];

/// Finds the owner of the token that a request presents.
pub(super) async fn of(state: &GitLabProtocol, request: &Request<'_>) -> Result<Box<Principal>, ApiError> {
    let token = token::presented(request.http.headers()).ok_or(ApiError::Unauthorized)?;
    let check = CredentialCheck {
        protocol: GITLAB,
        realm: Some(state.realm().await?.ok_or(ApiError::Unauthorized)?),
        credential: PresentedCredential::Token { kinds: &KINDS, owner: None, token },
        peer: request.peer.clone(),
    };
    Ok(state.services.check(check).await.result?)
}
