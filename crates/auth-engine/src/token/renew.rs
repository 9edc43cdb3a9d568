//! The renewal of signed tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Clock, CredentialCheck, Grant, PresentedCredential, Timestamp, TokenError, TokenForm, TokenRenewal,
};

use super::check::{CredentialChecker, SignedHolder};
use crate::grants::{GrantIssuer, SignedGrant, nearest_second};

/// Exchanges signed tokens for newer ones.
pub(crate) struct TokenRenewer {
    checker: Arc<CredentialChecker>,
    issuer: Arc<GrantIssuer>,
    clock: Arc<dyn Clock>,
}

impl TokenRenewer {
    pub(crate) fn new(
        checker: Arc<CredentialChecker>,
        issuer: Arc<GrantIssuer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { checker, issuer, clock }
    }
}

#[async_trait]
impl TokenRenewal for TokenRenewer {
    /// A young token comes back as it is, wherever it was found; and so does one whose login is as old as any may get.
    async fn renew(&self, check: CredentialCheck, form: TokenForm) -> Result<Grant, TokenError> {
        let PresentedCredential::SignedToken { token, place } = check.credential else {
            return Err(TokenError::Invalid);
        };
        let peer = check.peer;
        let found = self.checker.signed_token(check.realm.as_ref(), &token, place).await?;
        let SignedHolder { realm, holder, claims } = found;
        if claims.issued == Timestamp::default() {
            // A token that doesn't say when it was issued renews to itself, with nothing left.
            return Ok(Grant::SignedToken { token, lifetime: Duration::ZERO });
        }
        let age = nearest_second(self.clock.now()).since(claims.issued);
        let life = claims.expires.since(claims.issued);
        let as_it_is = Grant::SignedToken { token, lifetime: life.saturating_sub(age) };
        if age * 4 < life {
            return Ok(as_it_is);
        }
        match self.issuer.successor(form, &realm, &holder.user, &holder.credential, &peer).await? {
            SignedGrant::Issued(grant) => Ok(grant),
            SignedGrant::NoRoom => Ok(as_it_is),
            SignedGrant::Revoked => Err(TokenError::Invalid),
        }
    }
}

impl fmt::Debug for TokenRenewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRenewer").finish_non_exhaustive()
    }
}
