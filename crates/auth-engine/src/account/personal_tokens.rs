//! Personal access tokens: named, without an end.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    ActionError, Caller, Credential, CredentialKind, Permission, PersonalToken, PersonalTokens, Principal,
    Scope, Store, StoreError, Token, UserId, is_control,
};

use super::confirm::{Demand, StepUp};
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
}

impl PersonalTokenService {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        credentials: Arc<CredentialFactory>,
        step_up: Arc<StepUp>,
    ) -> Self {
        Self { store, credentials, step_up }
    }

    /// A caller that has shown a second factor, and then that it may have tokens.
    async fn confirm(&self, caller: &Caller<'_>) -> Result<UserId, ActionError> {
        let account = self.step_up.confirm(caller, Demand::Remembered).await?;
        if account.user.may(Permission::CreatePersonalTokens) {
            Ok(account.user.id)
        } else {
            Err(ActionError::NotPermitted)
        }
    }

    /// The lineage of a caller's new tokens.
    async fn lineage(&self, caller: &Caller<'_>) -> Result<Lineage, ActionError> {
        let Principal { profile, parent, .. } = caller.principal;
        let lineage = Lineage::of_session(&*self.store, profile.user.id, *parent).await?;
        lineage.ok_or(ActionError::NotPermitted)
    }

    async fn find(&self, user: UserId, name: &str) -> Result<Option<Credential>, StoreError> {
        let tokens = self.store.of_user(user, CredentialKind::PERSONAL_TOKEN).await?;
        Ok(tokens.into_iter().find(|token| token.label.as_deref() == Some(name)))
    }

    /// A new token, and the credential to store for it.
    fn make(&self, user: UserId, name: &str, bypass: bool, lineage: Lineage) -> (Token, Credential) {
        let (token, mut stored) = self.credentials.new_personal_token(user, name);
        stored.scope = Scope { protocols: Vec::new(), bypass_second_factor: bypass };
        (token, lineage.apply(stored))
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
        let user = self.confirm(caller).await?;
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(is_control) {
            return Err(ActionError::BadTokenName);
        }
        let lineage = self.lineage(caller).await?;
        let (token, stored) = self.make(user, name, bypass, lineage);
        match add_named(&*self.store, &stored).await? {
            Added::Yes => Ok(token),
            Added::Taken => Err(ActionError::TokenExists),
            Added::TooMany => Err(ActionError::TooManyTokens),
        }
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<Token, ActionError> {
        let user = self.confirm(caller).await?;
        let lineage = self.lineage(caller).await?;
        let old = self.find(user, name).await?.ok_or(ActionError::NoSuchToken)?;
        if !self.store.remove(old.id).await? {
            return Err(ActionError::NoSuchToken);
        }
        // In the place of the old one, however many there are.
        let (token, stored) = self.make(user, name, old.scope.bypass_second_factor, lineage);
        if self.store.add(&stored, u32::MAX).await? { Ok(token) } else { Err(ActionError::NoSuchToken) }
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
        let user = self.confirm(caller).await?;
        let token = self.find(user, name).await?.ok_or(ActionError::NoSuchToken)?;
        if self.store.remove(token.id).await? { Ok(()) } else { Err(ActionError::NoSuchToken) }
    }
}

impl fmt::Debug for PersonalTokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonalTokenService").finish_non_exhaustive()
    }
}
