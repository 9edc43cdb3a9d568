//! Log-in tokens of accounts (rocketchat.md 3.2).

use async_trait::async_trait;
use auth_core::{
    Account, ActionError, Caller, CredentialKind, Done, Grant, Identifier, InternalError, Permission,
    Profile, Sessions, Token, User,
};

use crate::Engine;
use crate::confirm::Demand;
use crate::login::{profile, state};

/// Everything that a client is signed in by.
pub(crate) const ALL_TOKENS: [CredentialKind; 3] =
    [CredentialKind::RocketChatToken, CredentialKind::PersonalToken, CredentialKind::WebSession];

#[async_trait]
impl Sessions for Engine {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Done<()> {
        self.end_others(caller).await?;
        Ok(Ok(()))
    }

    async fn end_sessions(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Done<Profile> {
        let account = match self.account_of(caller, of, Permission::LogOutOthers).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let user = account.user.id;
        let ended = self.store.remove_of_user(user, &ALL_TOKENS, None).await?;
        tracing::info!(target: "auth::account", by = %caller.principal.profile.user.id, %user, ended, "sessions ended");
        Ok(Ok(profile(&caller.principal.profile.realm, &account)))
    }

    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Done<(Profile, Grant)> {
        if let Err(denial) = self.confirmed(caller, Demand::Remembered).await? {
            return Ok(Err(denial));
        }
        if self.config.rocketchat.create_token_secret.as_ref() != Some(secret) {
            return Ok(Err(ActionError::NotPermitted));
        }
        let account = match self.account_of(caller, Some(of), Permission::CreateSessionsOfOthers).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let realm = &caller.principal.profile.realm;
        if state(realm, &account).is_some() {
            return Ok(Err(ActionError::NoSuchUser));
        }
        let grant = self.rocketchat_token(&account).await?;
        tracing::info!(target: "auth::account", by = %caller.principal.profile.user.id, user = %account.user.id, "token made");
        Ok(Ok((profile(realm, &account), grant)))
    }
}

impl Engine {
    /// Ends the log-in tokens of the caller's account but the one presented.
    pub(crate) async fn end_others(&self, caller: &Caller<'_>) -> Result<(), InternalError> {
        let principal = caller.principal;
        let user = principal.profile.user.id;
        let kinds = [CredentialKind::RocketChatToken, CredentialKind::WebSession];
        let ended = self.store.remove_of_user(user, &kinds, principal.credential).await?;
        tracing::info!(target: "auth::account", %user, ended, "other sessions ended");
        Ok(())
    }

    /// The account that a call is about: the caller's own, or with a permission another of its realm.
    pub(crate) async fn account_of(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
        permission: Permission,
    ) -> Done<Account> {
        let user = &caller.principal.profile.user;
        let Some(of) = of.filter(|of| !means(of, user)) else { return self.own_account(caller).await };
        // Who may not ask is not told who is there.
        if !user.may(permission) {
            return Ok(Err(ActionError::NotPermitted));
        }
        let account = self.resolve(&caller.principal.profile.realm, of).await?;
        Ok(account.ok_or(ActionError::NoSuchUser))
    }
}

/// Whether somebody names itself.
fn means(of: &Identifier, user: &User) -> bool {
    match of {
        Identifier::ExternalId(id) => *id == user.protocols.rocketchat,
        Identifier::Name { kind, typed } => {
            user.names.iter().any(|name| name.kind == *kind && name.exact == *typed)
        }
        _ => false,
    }
}
