//! Login tokens of accounts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Account, ActionError, Caller, CredentialKind, Grant, Identifier, Permission, Profile, ProtocolName,
    Realm, Sessions, Store, Token,
};

use super::confirm::{Demand, StepUp};
use crate::grants::GrantIssuer;

/// The kinds of tokens that a client signs in by.
pub(crate) const ALL_TOKENS: [CredentialKind; 3] =
    [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN, CredentialKind::WEB_SESSION];

/// The kinds of tokens that a login makes.
pub(crate) const LOGIN_TOKENS: [CredentialKind; 2] =
    [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::WEB_SESSION];

/// Ends and makes login sessions.
pub(crate) struct SessionService {
    store: Arc<dyn Store>,
    step_up: Arc<StepUp>,
    issuer: Arc<GrantIssuer>,
    /// The operator's secret, without which no sessions are made for others.
    create_token_secret: Option<Token>,
}

impl SessionService {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        step_up: Arc<StepUp>,
        issuer: Arc<GrantIssuer>,
        create_token_secret: Option<Token>,
    ) -> Self {
        Self { store, step_up, issuer, create_token_secret }
    }
}

#[async_trait]
impl Sessions for SessionService {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        end_others(&*self.store, caller).await
    }

    async fn end_sessions(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
    ) -> Result<Profile, ActionError> {
        let account = self.step_up.account_of(caller, of, Permission::LogOutOthers).await?;
        let user = account.user.id;
        let ended = self.store.remove_of_user(user, &ALL_TOKENS, None).await?;
        let by = caller.principal.profile.user.id;
        tracing::info!(target: "auth::account", %by, %user, ended, "sessions ended");
        Ok(profile(&caller.principal.profile.realm, account))
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
        let kind = CredentialKind::ROCKETCHAT_TOKEN;
        let grant = self.issuer.token(ProtocolName::ROCKETCHAT, kind, &account).await?;
        let (by, user) = (caller.principal.profile.user.id, account.user.id);
        tracing::info!(target: "auth::account", %by, %user, "token made");
        Ok((profile(realm, account), grant))
    }
}

impl fmt::Debug for SessionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").finish_non_exhaustive()
    }
}

/// Ends the login tokens of the caller's account but the one presented.
pub(crate) async fn end_others(store: &dyn Store, caller: &Caller<'_>) -> Result<(), ActionError> {
    let principal = caller.principal;
    let user = principal.profile.user.id;
    let ended = store.remove_of_user(user, &LOGIN_TOKENS, principal.credential).await?;
    tracing::info!(target: "auth::account", %user, ended, "other sessions ended");
    Ok(())
}

fn profile(realm: &Arc<Realm>, account: Account) -> Profile {
    let Account { user, password, totp } = account;
    Profile { user, realm: Arc::clone(realm), has_password: password.is_some(), totp }
}
