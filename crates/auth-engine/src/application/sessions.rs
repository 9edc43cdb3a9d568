//! The sessions of an application's own pages.

use auth_core::{
    Authenticator, CheckReply, CredentialCheck, CredentialKind, InternalError, Peer, PresentedCredential,
    Principal, ProtocolName, Token, TokenError,
};

use crate::engine::Engine;

impl Engine {
    /// Finds the owner of a session by the token that a cookie carries. `None` when the session has ended, was revoked, or is of
    /// another realm, and when its owner is deactivated.
    ///
    /// While [maintenance](Engine::spawn_maintenance) runs, a session that was found a moment ago is checked in memory.
    ///
    /// # Errors
    /// An [`InternalError`] when the session can't be checked now, or there is no realm of that slug.
    pub async fn check_session(
        &self,
        realm: &str,
        token: &Token,
        peer: &Peer,
    ) -> Result<Option<Principal>, InternalError> {
        let check = CredentialCheck {
            protocol: ProtocolName::WEB,
            realm: Some(self.realm_named(realm).await?),
            credential: PresentedCredential::Token {
                kinds: &[CredentialKind::WEB_SESSION],
                owner: None,
                token: token.clone(),
            },
            peer: peer.clone(),
        };
        let CheckReply { result, rate_limit } = self.check(check).await;
        match result {
            Ok(principal) => Ok(Some(*principal)),
            Err(TokenError::Internal(error)) => Err(error),
            Err(TokenError::Limited) => {
                let wait = rate_limit.and_then(|status| status.retry_after).unwrap_or_default();
                Err(InternalError::busy(wait))
            }
            Err(_) => Ok(None),
        }
    }

    /// Ends the session that was checked: its token is refused from now on, also after a crash.
    ///
    /// # Errors
    /// An [`InternalError`] when the session may not have ended.
    pub async fn end_session(&self, session: &Principal) -> Result<(), InternalError> {
        self.revoke(session).await
    }
}
