//! Sessions that are good for forward authentication alone.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{ActionError, Caller, CredentialKind, ForwardSessions, Grant, ProtocolName};

use crate::grants::GrantIssuer;
use crate::lineage::Lineage;

/// Makes sessions for forward authentication.
pub(crate) struct ForwardSessionService {
    issuer: Arc<GrantIssuer>,
}

impl ForwardSessionService {
    pub(crate) fn new(issuer: Arc<GrantIssuer>) -> Self {
        Self { issuer }
    }
}

#[async_trait]
impl ForwardSessions for ForwardSessionService {
    async fn forward_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let principal = caller.principal;
        let is_web_session = principal.kind == Some(CredentialKind::WEB_SESSION);
        let web_session = principal.credential.filter(|_| is_web_session).ok_or(ActionError::NotOffered)?;
        let lineage = Lineage::of(caller.peer, None).with_parent(web_session).until(principal.expires);
        let (protocol, kind) = (ProtocolName::FORWARD, CredentialKind::FORWARD_SESSION);
        Ok(self.issuer.token(protocol, kind, principal.profile.user.id, lineage, None).await?)
    }
}

impl fmt::Debug for ForwardSessionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardSessionService").finish_non_exhaustive()
    }
}
