//! Personal access tokens: named, without an end.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, AuditRecord, Caller, Credential, CredentialKind, Permission, PersonalToken,
    PersonalTokens, Principal, Scope, Store, StoreError, Token, UserId, is_control,
};

use super::confirm::{Demand, StepUp};
use crate::audit::Auditor;
use crate::credentials::CredentialFactory;
use crate::lineage::Lineage;
use crate::named_credentials::{Added, add_named};

/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;

/// Makes and removes personal access tokens.
pub(crate) struct PersonalTokenService {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
    step_up: Arc<StepUp>,
    auditor: Arc<Auditor>,
}

impl PersonalTokenService {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        credentials: Arc<CredentialFactory>,
        step_up: Arc<StepUp>,
        auditor: Arc<Auditor>,
    ) -> Self {
        Self { store, credentials, step_up, auditor }
    }

    /// A caller that has shown a second factor, and then that it may have tokens.
    async fn confirm(&self, caller: &Caller<'_>) -> Result<Account, ActionError> {
        let account = self.step_up.confirm(caller, Demand::Remembered).await?;
        if account.user.may(Permission::CreatePersonalTokens) {
            Ok(account)
        } else {
            Err(ActionError::NotPermitted)
        }
    }

    /// The lineage of a caller's new tokens.
    async fn lineage(&self, caller: &Caller<'_>) -> Result<Lineage, ActionError> {
        let Principal { profile, parent, .. } = caller.principal;
        let lineage = Lineage::of_session(&*self.store, caller.peer, profile.user.id, *parent).await?;
        lineage.ok_or(ActionError::NotPermitted)
    }

    async fn find(&self, user: UserId, name: &str) -> Result<Option<Credential>, StoreError> {
        let tokens = self.store.of_user(user, CredentialKind::PERSONAL_TOKEN).await?;
        Ok(tokens.into_iter().find(|token| token.label.as_deref() == Some(name)))
    }

    /// A new token, and the credential to be stored for it.
    fn new_token(&self, user: UserId, name: &str, bypass: bool, lineage: &Lineage) -> (Token, Credential) {
        let (token, mut stored) = self.credentials.new_personal_token(user, name);
        stored.scope = Scope { protocols: Vec::new(), bypass_second_factor: bypass };
        (token, lineage.apply(stored))
    }

    /// The row of an act on the token of that name.
    fn audit(
        &self,
        caller: &Caller<'_>,
        act: Act,
        account: &Account,
        name: &str,
    ) -> Result<AuditRecord, ActionError> {
        Ok(AuditRecord { detail: name.to_owned(), ..self.auditor.by_caller(caller, act, &account.user)? })
    }

    fn shown(&self, token: Credential) -> PersonalToken {
        PersonalToken {
            id: token.id,
            last_part: self.credentials.last_part(&token),
            name: token.label.unwrap_or_default(),
            created: token.created,
            bypass_second_factor: token.scope.bypass_second_factor,
        }
    }
}

#[async_trait]
impl PersonalTokens for PersonalTokenService {
    async fn create_personal_token(
        &self,
        caller: &Caller<'_>,
        name: &str,
        bypass: bool,
    ) -> Result<Token, ActionError> {
        let account = self.confirm(caller).await?;
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(is_control) {
            return Err(ActionError::BadTokenName);
        }
        let lineage = self.lineage(caller).await?;
        let (token, new) = self.new_token(account.user.id, name, bypass, &lineage);
        let audit = self.audit(caller, Act::PersonalTokenMade, &account, name)?;
        match add_named(&*self.store, &new, &audit, Act::PersonalTokenRemoved).await? {
            Added::Yes => Ok(token),
            Added::Taken => Err(ActionError::TokenExists),
            Added::TooMany => Err(ActionError::TooManyTokens),
        }
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<Token, ActionError> {
        let account = self.confirm(caller).await?;
        let lineage = self.lineage(caller).await?;
        let user = account.user.id;
        let old = self.find(user, name).await?.ok_or(ActionError::NoSuchToken)?;
        let (token, new) = self.new_token(user, name, old.scope.bypass_second_factor, &lineage);
        let audit = self.audit(caller, Act::PersonalTokenRenewed, &account, name)?;
        if self.store.replace(old.id, &new, Some(&audit)).await? {
            Ok(token)
        } else {
            Err(ActionError::NoSuchToken)
        }
    }

    async fn personal_tokens(&self, caller: &Caller<'_>) -> Result<Vec<PersonalToken>, ActionError> {
        let user = &caller.principal.profile.user;
        if !user.may(Permission::CreatePersonalTokens) {
            return Err(ActionError::NotPermitted);
        }
        let tokens = self.store.of_user(user.id, CredentialKind::PERSONAL_TOKEN).await?;
        Ok(tokens.into_iter().map(|token| self.shown(token)).collect())
    }

    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<(), ActionError> {
        let account = self.confirm(caller).await?;
        let token = self.find(account.user.id, name).await?.ok_or(ActionError::NoSuchToken)?;
        let audit = self.audit(caller, Act::PersonalTokenRemoved, &account, name)?;
        if self.store.remove(token.id, Some(&audit)).await? { Ok(()) } else { Err(ActionError::NoSuchToken) }
    }
}

impl fmt::Debug for PersonalTokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonalTokenService").finish_non_exhaustive()
    }
}
