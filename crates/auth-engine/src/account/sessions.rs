//! Login tokens of accounts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Act, ActionError, Caller, CredentialKind, Grant, Identifier, Permission, Profile, ProtocolName, Sessions,
    Store, Token,
};

use super::confirm::{Demand, StepUp};
use crate::audit::Auditor;
use crate::grants::GrantIssuer;
use crate::lineage::Lineage;
use crate::revocation::{RevocationEvent, RevocationTable};

/// Ends and makes login sessions.
pub(crate) struct SessionService {
    store: Arc<dyn Store>,
    step_up: Arc<StepUp>,
    issuer: Arc<GrantIssuer>,
    revocations: Arc<RevocationTable>,
    auditor: Arc<Auditor>,
    /// The operator's secret, without which no sessions are made for others.
    create_token_secret: Option<Token>,
}

impl SessionService {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        step_up: Arc<StepUp>,
        issuer: Arc<GrantIssuer>,
        revocations: Arc<RevocationTable>,
        auditor: Arc<Auditor>,
        create_token_secret: Option<Token>,
    ) -> Self {
        Self { store, step_up, issuer, revocations, auditor, create_token_secret }
    }
}

#[async_trait]
impl Sessions for SessionService {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        let user = &caller.principal.profile.user;
        let audit = self.auditor.by_caller(caller, Act::OtherSessionsEnded, user)?;
        let kinds = self.revocations.kinds(RevocationEvent::OtherSessionsEnded);
        let (user, own) = (user.id, caller.principal.credential);
        let ended = self.store.remove_of_user(user, &kinds, own, Some(&audit)).await?;
        tracing::info!(target: "auth::account", event = Act::OtherSessionsEnded.as_str(), %user, ended, "other sessions ended");
        Ok(())
    }

    async fn end_sessions(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
    ) -> Result<Profile, ActionError> {
        let account = self.step_up.account_of(caller, of, Permission::LogOutOthers).await?;
        let user = account.user.id;
        let kinds = self.revocations.kinds(RevocationEvent::SessionsEnded);
        let audit = self.auditor.by_caller(caller, Act::SessionsEnded, &account.user)?;
        let ended = self.store.remove_of_user(user, &kinds, None, Some(&audit)).await?;
        let by = caller.principal.profile.user.id;
        tracing::info!(target: "auth::account", event = Act::SessionsEnded.as_str(), %by, %user, ended, "sessions ended");
        Ok(Profile::new(account, Arc::clone(&caller.principal.profile.realm)))
    }

    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Result<(Profile, Grant), ActionError> {
        self.step_up.confirm(caller, Demand::Remembered).await?;
        if self.create_token_secret.as_ref() != Some(secret) {
            return Err(ActionError::NotPermitted);
        }
        let account = self.step_up.account_of(caller, Some(of), Permission::CreateSessionsOfOthers).await?;
        let realm = &caller.principal.profile.realm;
        if !realm.active || !account.user.active {
            return Err(ActionError::NoSuchUser);
        }
        let (by, user) = (caller.principal.profile.user.id, account.user.id);
        // A token of the caller's own comes from what the caller's came from; another user's can't.
        let parent = caller.principal.parent.filter(|_| by == user);
        let lineage = Lineage::of_session(&*self.store, caller.peer, user, parent).await?;
        let lineage = lineage.ok_or(ActionError::NotPermitted)?;
        let kind = CredentialKind::ROCKETCHAT_TOKEN;
        let audit = self.auditor.by_caller(caller, Act::SessionMade, &account.user)?;
        let protocol = ProtocolName::ROCKETCHAT;
        let grant = self.issuer.token(protocol, kind, user, lineage, Some(&audit)).await?;
        tracing::info!(target: "auth::account", event = Act::SessionMade.as_str(), %by, %user, "token made");
        Ok((Profile::new(account, Arc::clone(realm)), grant))
    }

    async fn another_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let (principal, kind) = (caller.principal, CredentialKind::ROCKETCHAT_TOKEN);
        if principal.kind != Some(kind) {
            return Err(ActionError::NotPermitted);
        }
        let user = &principal.profile.user;
        let lineage = Lineage::of_session(&*self.store, caller.peer, user.id, principal.parent).await?;
        let lineage = lineage.ok_or(ActionError::NotPermitted)?.until(principal.expires);
        // The row names the token presented: nothing is made when that is gone.
        let audit = self.auditor.by_caller(caller, Act::SessionMade, user)?;
        let protocol = ProtocolName::ROCKETCHAT;
        let grant = self.issuer.token(protocol, kind, user.id, lineage, Some(&audit)).await?;
        tracing::info!(target: "auth::account", event = Act::SessionMade.as_str(), user = %user.id, "another token made");
        Ok(grant)
    }
}

impl fmt::Debug for SessionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").finish_non_exhaustive()
    }
}
