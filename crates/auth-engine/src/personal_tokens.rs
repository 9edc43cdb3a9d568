//! Personal access tokens: named, without an end (rocketchat.md 3).

use async_trait::async_trait;
use auth_core::{
    ActionError, Caller, Credential, CredentialKind, Done, Permission, PersonalToken, PersonalTokens, Scope,
    StoreError, Token, UserId,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::opaque;

use crate::Engine;
use crate::confirm::Demand;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;

/// Characters of a token that its owner is shown again.
const LAST_PART: usize = 6;

#[async_trait]
impl PersonalTokens for Engine {
    async fn create_personal_token(&self, caller: &Caller<'_>, name: &str, bypass: bool) -> Done<Token> {
        let user = match self.holder_of_tokens(caller).await? {
            Ok(user) => user,
            Err(denial) => return Ok(Err(denial)),
        };
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Ok(Err(ActionError::BadTokenName));
        }
        Ok(self.add_personal_token(user, name, bypass).await?.ok_or(ActionError::TokenExists))
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Done<Token> {
        let user = match self.holder_of_tokens(caller).await? {
            Ok(user) => user,
            Err(denial) => return Ok(Err(denial)),
        };
        let Some(old) = self.personal_token(user, name).await? else {
            return Ok(Err(ActionError::NoSuchToken));
        };
        if !self.store.remove(old.id).await? {
            return Ok(Err(ActionError::NoSuchToken));
        }
        let bypass = old.scope.bypass_second_factor;
        Ok(self.add_personal_token(user, name, bypass).await?.ok_or(ActionError::NoSuchToken))
    }

    async fn personal_tokens(&self, caller: &Caller<'_>) -> Done<Vec<PersonalToken>> {
        let user = &caller.principal.profile.user;
        if !user.may(Permission::CreatePersonalTokens) {
            return Ok(Err(ActionError::NotPermitted));
        }
        let tokens = self.store.of_user(user.id, CredentialKind::PersonalToken).await?;
        Ok(Ok(tokens.into_iter().map(|token| self.shown(token)).collect()))
    }

    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Done<()> {
        let user = match self.holder_of_tokens(caller).await? {
            Ok(user) => user,
            Err(denial) => return Ok(Err(denial)),
        };
        let removed = match self.personal_token(user, name).await? {
            Some(token) => self.store.remove(token.id).await?,
            None => false,
        };
        Ok(if removed { Ok(()) } else { Err(ActionError::NoSuchToken) })
    }
}

impl Engine {
    /// A caller that has shown a second factor, and then that it may have tokens.
    async fn holder_of_tokens(&self, caller: &Caller<'_>) -> Done<UserId> {
        Ok(match self.confirmed(caller, Demand::Remembered).await? {
            Err(denial) => Err(denial),
            Ok(account) if account.user.may(Permission::CreatePersonalTokens) => Ok(account.user.id),
            Ok(_) => Err(ActionError::NotPermitted),
        })
    }

    async fn personal_token(&self, user: UserId, name: &str) -> Result<Option<Credential>, StoreError> {
        let tokens = self.store.of_user(user, CredentialKind::PersonalToken).await?;
        Ok(tokens.into_iter().find(|token| token.label.as_deref() == Some(name)))
    }

    /// `None` when the name is taken.
    async fn add_personal_token(
        &self,
        user: UserId,
        name: &str,
        bypass: bool,
    ) -> Result<Option<Token>, StoreError> {
        let token = opaque::rocketchat_token(&*self.rng);
        let text = token.expose();
        let last_part = text.get(text.len().saturating_sub(LAST_PART)..).unwrap_or_default();
        let sealed =
            self.ring().seal(Purpose::PersonalToken, user.as_bytes(), last_part.as_bytes(), &*self.rng);
        let credential = Credential {
            sealed: Some(sealed),
            label: Some(name.to_owned()),
            scope: Scope { protocols: Vec::new(), bypass_second_factor: bypass },
            ..self.new_credential(user, CredentialKind::PersonalToken, Some(opaque::digest(text)))
        };
        Ok(self.store.add(&credential, u32::MAX).await?.then_some(token))
    }

    fn shown(&self, token: Credential) -> PersonalToken {
        let sealed = token.sealed.as_deref().unwrap_or_default();
        let last_part = self.ring().open(Purpose::PersonalToken, token.user.as_bytes(), sealed);
        let last_part = last_part.ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        PersonalToken {
            id: token.id,
            name: token.label.unwrap_or_default(),
            created: token.created,
            last_part: last_part.unwrap_or_default(),
            bypass_second_factor: token.scope.bypass_second_factor,
        }
    }
}
